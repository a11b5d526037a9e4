use accounts::Error;
use schemas::accounts::{Device, LogIn, Platform};

use crate::stage::{PASSWORD, Stage, proof, registration};

#[tokio::test]
async fn whoever_registers_is_logged_in_and_can_log_in_again() {
    let stage = Stage::new().await;
    let first = stage.register("Ada_L").await;
    assert_eq!(first.account.handle, "ada_l");
    assert_eq!(stage.refused(first.tokens.access_token.expose()).await, None);
    stage.clock.advance(std::time::Duration::from_secs(1));
    let device = Device { name: " Firefox ".to_owned(), platform: Platform::Web };
    let proof = LogIn { device: Some(device), ..proof("ADA_L", PASSWORD) };
    let second = stage.service.log_in(stage.home(), proof).await.unwrap();
    assert_eq!(second.account, first.account);
    assert_ne!(second.tokens.session, first.tokens.session);
    let sessions = stage.service.sessions(&stage.ctx(&second)).await.unwrap().items;
    let seen: Vec<_> = sessions.iter().map(|it| (it.device.as_str(), it.platform, it.current)).collect();
    assert_eq!(seen, [("Firefox", Platform::Web, true), ("Unnamed device", Platform::Other, false)]);
    assert_eq!(stage.outbox().await, ["account.created"]);
}

#[tokio::test]
async fn a_handle_belongs_to_one_account_in_any_case() {
    let stage = Stage::new().await;
    stage.register("ada").await;
    let again = stage.service.register(stage.home(), registration("ADA")).await;
    assert!(matches!(again, Err(Error::HandleTaken)));
    assert_eq!(stage.outbox().await, ["account.created"], "what failed left nothing behind");
}

#[tokio::test]
async fn of_many_who_want_a_handle_at_once_one_gets_it() {
    let stage = Stage::new().await;
    let (mut got, mut taken) = (0, 0);
    let mut wishes = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (service, home) = (stage.service.clone(), stage.home());
        wishes.spawn(async move { service.register(home, registration("ada")).await });
    }
    while let Some(outcome) = wishes.join_next().await {
        match outcome.unwrap() {
            Ok(_) => got += 1,
            Err(Error::HandleTaken) => taken += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((got, taken), (1, 7));
}

#[tokio::test]
async fn wrong_password_and_unknown_handle_cannot_be_told_apart() {
    let stage = Stage::new().await;
    stage.register("ada").await;
    let fail = |handle: &'static str| {
        let (service, home) = (stage.service.clone(), stage.home());
        async move {
            let started = tokio::time::Instant::now();
            let error = service.log_in(home, proof(handle, "not her password")).await.unwrap_err();
            (kernel::Problem::from(error), started.elapsed())
        }
    };
    let mut slower = 0;
    for _ in 0..5 {
        let (known, known_for) = fail("ada").await;
        let (unknown, unknown_for) = fail("ben").await;
        let (impossible, _) = fail("not a handle").await;
        assert_eq!(known, unknown);
        assert_eq!(known, impossible);
        // Without a hash the answer comes more than ten times as fast. Half, so that a busy machine fails nothing.
        slower += usize::from(unknown_for > known_for / 2);
    }
    assert!(slower > 0, "an unknown handle is refused much sooner than a known one, each time");
}

#[tokio::test]
async fn the_fifty_first_session_ends_the_one_unused_for_longest() {
    let stage = Stage::new().await;
    let first = stage.register("ada").await;
    let minute = std::time::Duration::from_secs(60);
    stage.clock.advance(minute);
    let mut last = stage.log_in("ada").await;
    for _ in 2..accounts::SESSIONS_MAX {
        stage.clock.advance(minute);
        last = stage.log_in("ada").await;
    }
    assert_eq!(stage.service.sessions(&stage.ctx(&last)).await.unwrap().items.len(), 50);
    let mut ear = stage.listen(first.account.id).await;
    stage.clock.advance(minute);
    stage.log_in("ada").await;
    let sessions = stage.service.sessions(&stage.ctx(&last)).await.unwrap().items;
    assert_eq!(sessions.len(), 50);
    assert!(sessions.iter().all(|it| it.id != first.tokens.session));
    assert_eq!(ear.next().await.1["session"], first.tokens.session.to_string());
}
