use graph::Error;
use graph::model::{Act, Refusal};
use live::Topic;
use schemas::graph::Relation;

use crate::stage::{ADA, BEN, CLEO, Stage};

#[tokio::test]
async fn a_public_person_is_followed_at_once_and_both_are_told() {
    let stage = Stage::new().await;
    let mut ear = stage.listen(&[ADA, BEN]).await;
    assert_eq!(stage.follow(ADA, BEN).await, Relation { follows: true, ..Relation::default() });
    assert_eq!(stage.relation(BEN, ADA).await, Some(Relation { followed_by: true, ..Relation::default() }));
    assert_eq!((stage.counts(ADA).await, stage.counts(BEN).await), ((0, 1), (1, 0)));
    assert_eq!(stage.outbox().await, [("follow.created".to_owned(), ADA, BEN)]);

    let (topic, _, event) = ear.next().await;
    assert_eq!((topic, &event["relation"]["follows"]), (Topic::User(ADA), &true.into()));
    let (topic, _, event) = ear.next().await;
    assert_eq!((topic, &event["relation"]["followed_by"]), (Topic::User(BEN), &true.into()));

    // Once more: nothing happens, nobody is told.
    stage.follow(ADA, BEN).await;
    assert_eq!((stage.counts(BEN).await, stage.outbox().await.len()), ((1, 0), 1));
    assert!(ear.is_silent());

    stage.act(ADA, BEN, Act::Unfollow).await.unwrap();
    assert_eq!((stage.counts(ADA).await, stage.counts(BEN).await), ((0, 0), (0, 0)));
    assert_eq!(stage.kinds().await, ["follow.created", "follow.removed"]);
}

#[tokio::test]
async fn a_private_person_is_asked_first() {
    let stage = Stage::new().await;
    let mut ear = stage.listen(&[CLEO]).await;
    assert_eq!(stage.follow(ADA, CLEO).await, Relation { requested: true, ..Relation::default() });
    assert_eq!(stage.counts(CLEO).await, (0, 0));
    assert_eq!(ear.next().await.2["type"], "relation.changed");
    let (_, _, event) = ear.next().await;
    assert_eq!((&event["type"], &event["person"]["handle"]), (&"follow.requested".into(), &"ada".into()));

    let accepted = stage.act(CLEO, ADA, Act::Accept).await.unwrap();
    assert_eq!(accepted, Relation { followed_by: true, ..Relation::default() });
    assert_eq!(stage.counts(CLEO).await, (1, 0));
    assert_eq!(stage.kinds().await, ["follow.requested", "follow.created", "follow.accepted"]);
    assert!(stage.act(CLEO, ADA, Act::Accept).await.is_ok(), "twice is once");
}

#[tokio::test]
async fn a_request_is_declined_or_taken_back() {
    let stage = Stage::new().await;
    stage.follow(ADA, CLEO).await;
    stage.act(CLEO, ADA, Act::Decline).await.unwrap();
    assert!(matches!(stage.act(CLEO, ADA, Act::Accept).await, Err(Error::Refused(Refusal::NoRequest))));
    assert_eq!(stage.relation(ADA, CLEO).await, Some(Relation::default()));
    stage.follow(ADA, CLEO).await;
    stage.act(ADA, CLEO, Act::Unfollow).await.unwrap();
    assert_eq!(stage.relation(CLEO, ADA).await, Some(Relation::default()));
    assert_eq!(
        stage.kinds().await,
        ["follow.requested", "follow.request_removed", "follow.requested", "follow.request_removed"]
    );
}

#[tokio::test]
async fn a_follower_is_removed() {
    let stage = Stage::new().await;
    stage.follow(ADA, BEN).await;
    stage.act(BEN, ADA, Act::RemoveFollower).await.unwrap();
    assert_eq!(stage.relation(ADA, BEN).await, Some(Relation::default()));
    assert_eq!((stage.counts(ADA).await, stage.counts(BEN).await), ((0, 0), (0, 0)));
}

#[tokio::test]
async fn a_mute_is_known_to_one_alone() {
    let stage = Stage::new().await;
    let mut ear = stage.listen(&[BEN]).await;
    stage.follow(ADA, BEN).await;
    ear.next().await;
    let muted = stage.act(ADA, BEN, Act::Mute).await.unwrap();
    assert_eq!(muted, Relation { follows: true, mutes: true, ..Relation::default() });
    assert_eq!(stage.relation(BEN, ADA).await, Some(Relation { followed_by: true, ..Relation::default() }));
    assert!(ear.is_silent());
    stage.act(ADA, BEN, Act::Unmute).await.unwrap();
    assert_eq!(stage.kinds().await, ["follow.created", "mute.created", "mute.removed"]);
}

#[tokio::test]
async fn nobody_follows_themselves_or_nobody() {
    let stage = Stage::new().await;
    let ctx = stage.ctx(ADA);
    assert!(matches!(stage.service.follow(&ctx, "ada").await, Err(Error::Oneself)));
    assert!(matches!(stage.service.follow(&ctx, "zoe").await, Err(Error::PersonNotFound)));
}
