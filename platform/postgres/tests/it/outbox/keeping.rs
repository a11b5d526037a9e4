//! How long events are kept, and for whom.

use std::sync::Arc;
use std::time::Duration;

use postgres::outbox::KEPT_MAX;
use postgres::testing;

use super::{Office, Recorder};

impl Office {
    /// Puts the server's clock, by which events are kept, in step with the test's.
    async fn number_when_written(&self) {
        sqlx::query("UPDATE outbox SET numbered_at = created_at").execute(self.db.pool()).await.unwrap();
    }
}

/// An event may tell of something long ago: what is imported, or a demo community's past.
#[tokio::test]
async fn an_event_of_long_ago_is_kept_like_any_other() {
    let office = Office::open().await;
    let (quick, slow) = (&office.recorder, Arc::new(Recorder::named("slow")));
    let both = office.dispatch(Some(&slow));
    assert_eq!(office.deliver(&both).await, 0);
    office.write_at("ada", 1, office.clock.now().minus(KEPT_MAX * 2)).await;
    testing::number_events(&office.db).await;
    both.tidy().await.unwrap();
    office.deliver_all(&both).await;
    assert_eq!((quick.of("ada"), slow.of("ada")), (vec![1], vec![1]));
}

#[tokio::test]
async fn a_consumer_that_is_gone_holds_events_for_seven_days_and_not_longer() {
    let office = Office::open().await;
    let (both, alone) = (office.dispatch(Some(&Arc::new(Recorder::named("gone")))), office.dispatch(None));
    assert_eq!(office.deliver(&both).await, 0);
    office.write("ada", 1).await;
    office.clock.advance(KEPT_MAX);
    office.deliver_all(&alone).await;
    assert_eq!((office.recorder.of("ada"), office.events().await), (vec![1], 1));
    office.number_when_written().await;
    alone.tidy().await.unwrap();
    assert_eq!(office.events().await, 1, "seven days, and not a millisecond more");
    office.clock.advance(Duration::from_millis(1));
    alone.tidy().await.unwrap();
    assert_eq!((office.events().await, office.count("SELECT count(*) FROM event_consumers").await), (0, 1));
}

#[tokio::test]
async fn a_consumer_that_is_too_far_behind_does_not_hold_events_either() {
    let office = Office::open().await;
    let (quick, slow) = (&office.recorder, Arc::new(Recorder::named("slow")));
    let both = office.dispatch(Some(&slow));
    assert_eq!(office.deliver(&both).await, 0);
    let mut stuck = office.db.begin().await.unwrap();
    sqlx::query("SELECT * FROM event_consumers WHERE name = 'slow' FOR UPDATE").execute(&mut *stuck).await.unwrap();
    office.write("ada", 1).await;
    office.deliver_all(&both).await;
    assert_eq!((quick.of("ada").len(), slow.of("ada").len(), office.events().await), (1, 0, 1));
    drop(stuck);
    office.number_when_written().await;
    office.clock.advance(KEPT_MAX + Duration::from_millis(1));
    both.tidy().await.unwrap();
    assert_eq!(office.events().await, 0);
    office.write("ada", 2).await;
    office.deliver_all(&both).await;
    assert_eq!((quick.of("ada"), slow.of("ada")), (vec![1, 2], vec![2]), "it goes on with what is there");
}
