//! How long events are kept, and for whom.

use std::sync::Arc;
use std::time::Duration;

use kernel::Clock;
use postgres::outbox::KEPT_MAX;
use postgres::{Db, testing};

use super::{Recorder, count, dispatch, events, write};

/// Puts the server's clock, by which events are kept, in step with the test's.
async fn number_when_written(db: &Db) {
    sqlx::query("UPDATE outbox SET numbered_at = created_at").execute(db.pool()).await.unwrap();
}

/// An event may tell of something long ago: what is imported, or a demo community's past.
#[tokio::test]
async fn an_event_of_long_ago_is_kept_like_any_other() {
    let db = testing::fresh().await;
    let clock = Clock::system();
    let (quick, slow) = (Arc::new(Recorder::default()), Arc::new(Recorder::named("slow")));
    let both = dispatch(&db, &clock, &[&quick, &slow]);
    assert_eq!(testing::deliver_once(&db, &both).await, 0);
    write(&db, "ada", 1, clock.now().minus(KEPT_MAX * 2)).await;
    testing::number_events(&db).await;
    both.tidy().await.unwrap();
    while testing::deliver_once(&db, &both).await > 0 {}
    assert_eq!((quick.of("ada"), slow.of("ada")), (vec![1], vec![1]));
}

#[tokio::test]
async fn a_consumer_that_is_gone_holds_events_for_seven_days_and_not_longer() {
    let db = testing::fresh().await;
    let clock = Clock::manual(Clock::system().now());
    let (here, gone) = (Arc::new(Recorder::default()), Arc::new(Recorder::named("gone")));
    assert_eq!(testing::deliver_once(&db, &dispatch(&db, &clock, &[&here, &gone])).await, 0);
    let alone = dispatch(&db, &clock, &[&here]);
    write(&db, "ada", 1, clock.now()).await;
    clock.advance(KEPT_MAX);
    while testing::deliver_once(&db, &alone).await > 0 {}
    assert_eq!((here.of("ada"), events(&db).await), (vec![1], 1));
    number_when_written(&db).await;
    alone.tidy().await.unwrap();
    assert_eq!(events(&db).await, 1, "seven days, and not a millisecond more");
    clock.advance(Duration::from_millis(1));
    alone.tidy().await.unwrap();
    assert_eq!((events(&db).await, count(&db, "SELECT count(*) FROM event_consumers").await), (0, 1));
}

#[tokio::test]
async fn a_consumer_that_is_too_far_behind_does_not_hold_events_either() {
    let db = testing::fresh().await;
    let clock = Clock::manual(Clock::system().now());
    let (quick, slow) = (Arc::new(Recorder::default()), Arc::new(Recorder::named("slow")));
    let both = dispatch(&db, &clock, &[&quick, &slow]);
    assert_eq!(testing::deliver_once(&db, &both).await, 0);
    let mut stuck = db.begin().await.unwrap();
    sqlx::query("SELECT * FROM event_consumers WHERE name = 'slow' FOR UPDATE").execute(&mut *stuck).await.unwrap();
    write(&db, "ada", 1, clock.now()).await;
    while testing::deliver_once(&db, &both).await > 0 {}
    assert_eq!((quick.of("ada").len(), slow.of("ada").len(), events(&db).await), (1, 0, 1));
    drop(stuck);
    number_when_written(&db).await;
    clock.advance(KEPT_MAX + Duration::from_millis(1));
    both.tidy().await.unwrap();
    assert_eq!(events(&db).await, 0);
    write(&db, "ada", 2, clock.now()).await;
    while testing::deliver_once(&db, &both).await > 0 {}
    assert_eq!((quick.of("ada"), slow.of("ada")), (vec![1, 2], vec![2]), "it goes on with what is there");
}
