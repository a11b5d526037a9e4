use std::sync::Arc;
use std::sync::atomic::Ordering;

use graph::Error;
use graph::model::{Act, Refusal};
use kernel::{Clock, EventId, StoreError, UserId};
use live::{Control, Topic};
use postgres::outbox::{self, Dispatch, OutboxEvent};
use schemas::graph::Relation;

use crate::stage::{ADA, BEN, CLEO, DANA, Stage, person};

#[tokio::test]
async fn a_block_ends_everything_both_ways_in_one_step() {
    let stage = Stage::new().await;
    stage.follow(ADA, BEN).await;
    stage.follow(BEN, ADA).await;
    let mut ear = stage.listen(&[ADA, BEN]).await;
    let blocked = stage.act(ADA, BEN, Act::Block).await.unwrap();
    assert_eq!(blocked, Relation { blocks: true, ..Relation::default() });
    assert_eq!(stage.relation(BEN, ADA).await, None, "ada is not there for ben");
    assert_eq!((stage.counts(ADA).await, stage.counts(BEN).await), ((0, 0), (0, 0)));
    let mut ends = stage.outbox().await.split_off(2);
    ends.sort();
    let wanted = [("block.created", ADA, BEN), ("follow.removed", ADA, BEN), ("follow.removed", BEN, ADA)];
    assert_eq!(ends, wanted.map(|(kind, source, target)| (kind.to_owned(), source, target)));

    let (topic, orders, event) = ear.next().await;
    assert_eq!((topic, orders), (Topic::User(ADA), vec![Control::Unfollow(Topic::Presence(BEN))]));
    assert_eq!(event["relation"]["blocks"], true);
    let (topic, orders, event) = ear.next().await;
    assert_eq!((topic, orders), (Topic::User(BEN), vec![Control::Unfollow(Topic::Presence(ADA))]));
    // Ben sees that nothing is between the two, and no more.
    assert_eq!(event["relation"], serde_json::to_value(Relation::default()).unwrap());
}

#[tokio::test]
async fn strangers_part_without_a_word() {
    let stage = Stage::new().await;
    let mut ear = stage.listen(&[BEN]).await;
    stage.act(ADA, BEN, Act::Block).await.unwrap();
    let (topic, orders, event) = ear.next().await;
    assert_eq!((topic, orders.len(), event), (Topic::User(BEN), 1, serde_json::Value::Null));
}

#[tokio::test]
async fn a_block_ends_requests_too() {
    let stage = Stage::new().await;
    stage.follow(ADA, CLEO).await;
    stage.act(CLEO, ADA, Act::Block).await.unwrap();
    assert!(matches!(stage.act(CLEO, ADA, Act::Accept).await, Err(Error::Refused(Refusal::NoRequest))));
    stage.act(CLEO, ADA, Act::Unblock).await.unwrap();
    assert_eq!(stage.relation(ADA, CLEO).await, Some(Relation::default()), "what the block ended stays ended");
    assert_eq!(stage.kinds().await, ["follow.requested", "block.created", "follow.request_removed", "block.removed"]);
}

#[tokio::test]
async fn the_blocked_find_nobody_but_may_block_back() {
    let stage = Stage::new().await;
    stage.act(ADA, BEN, Act::Block).await.unwrap();
    assert!(matches!(stage.service.follow(&stage.ctx(BEN), "ada").await, Err(Error::PersonNotFound)));
    assert!(matches!(stage.act(BEN, ADA, Act::Mute).await, Err(Error::PersonNotFound)));
    assert!(matches!(stage.service.follow(&stage.ctx(ADA), "ben").await, Err(Error::Refused(Refusal::Blocked))));
    assert!(stage.act(BEN, ADA, Act::Block).await.unwrap().blocks);
    assert!(!stage.act(ADA, BEN, Act::Unblock).await.unwrap().blocks);
    let standing = stage.service.standings(ADA, &[BEN, CLEO]).await.unwrap();
    assert!(standing[&BEN].blocked && !standing[&CLEO].blocked);
}

#[tokio::test]
async fn the_order_to_part_comes_once_more_from_the_outbox() {
    let stage = Stage::new().await;
    stage.act(ADA, BEN, Act::Block).await.unwrap();
    let mut ear = stage.listen(&[ADA, BEN]).await;
    let dispatch = Dispatch::new(stage.db.clone(), Clock::system(), vec![stage.service.clone()]);
    while postgres::testing::deliver_once(&stage.db, &dispatch).await > 0 {}
    for (user, other) in [(ADA, BEN), (BEN, ADA)] {
        let (topic, orders, event) = ear.next().await;
        assert_eq!((topic, orders), (Topic::User(user), vec![Control::Unfollow(Topic::Presence(other))]));
        assert!(event.is_null());
    }
}

#[tokio::test]
async fn whoever_leaves_leaves_nothing_behind() {
    let stage = Stage::new().await;
    stage.follow(ADA, BEN).await;
    stage.follow(BEN, ADA).await;
    stage.follow(ADA, CLEO).await;
    stage.follow(BEN, DANA).await;
    stage.act(DANA, ADA, Act::Block).await.unwrap();
    stage.act(ADA, DANA, Act::Block).await.unwrap();
    stage.act(CLEO, ADA, Act::Mute).await.unwrap();

    let mut tx = stage.db.begin().await.unwrap();
    let now = stage.clock.now();
    let payload = serde_json::json!({ "user": ADA, "handle": "ada", "name": "Ada", "private": false });
    let gone = OutboxEvent { id: EventId::new(now), kind: "account.deleted", key: ADA.to_string(), payload };
    outbox::append(&mut tx, &gone, now).await.unwrap();
    tx.commit().await.unwrap();
    let consumers: Vec<Arc<dyn outbox::Consumer>> = vec![stage.service.clone()];
    let dispatch = Dispatch::new(stage.db.clone(), Clock::system(), consumers);
    while postgres::testing::deliver_once(&stage.db, &dispatch).await > 0 {}

    for other in [BEN, CLEO, DANA] {
        assert_eq!(stage.relation(other, ADA).await, Some(Relation::default()));
        assert_eq!(stage.relation(ADA, other).await, Some(Relation::default()));
    }
    assert_eq!((stage.counts(ADA).await, stage.counts(BEN).await), ((0, 0), (0, 1)));
}

#[tokio::test]
async fn who_asks_with_many_others_is_answered_for_themselves() {
    let stage = Stage::new().await;
    // More than go together in one statement.
    let crowd: Vec<UserId> = (1..=600).map(person).collect();
    for blocked in crowd.iter().step_by(7).filter(|who| **who != ADA) {
        // One way or the other: it is the same.
        let (one, other) = if blocked.uuid().as_u128() % 2 == 0 { (ADA, *blocked) } else { (*blocked, ADA) };
        stage.act(one, other, Act::Block).await.unwrap();
    }
    let is_blocked = |who: UserId| who != ADA && (who.uuid().as_u128() - 1).is_multiple_of(7);
    let mut asked = tokio::task::JoinSet::new();
    for who in crowd.clone() {
        let service = Arc::clone(&stage.service);
        asked.spawn(async move { (who, service.blocked(ADA, who).await.unwrap()) });
    }
    for (who, answer) in asked.join_all().await {
        assert_eq!(answer, is_blocked(who), "{who}");
    }
    let among = stage.service.blocked_among(ADA, &crowd).await.unwrap();
    assert_eq!(among, crowd.into_iter().filter(|who| is_blocked(*who)).collect::<Vec<_>>());
    assert!(stage.service.blocked_among(ADA, &[]).await.unwrap().is_empty());

    stage.act(ADA, BEN, Act::Block).await.unwrap();
    assert!(stage.service.blocked(BEN, ADA).await.unwrap(), "what was committed before is in the answer");
    stage.db.close().await;
    let error = stage.service.blocked(ADA, BEN).await;
    assert!(matches!(error, Err(Error::Store(StoreError::Unavailable(_)))), "{error:?}");
}

#[tokio::test]
async fn a_block_is_confirmed_when_whoever_lets_the_two_talk_has_heard_of_it() {
    let stage = Stage::new().await;
    let parted = |stage: &Stage| std::mem::take(&mut *stage.parted.pairs.lock().unwrap());
    stage.follow(ADA, BEN).await;
    stage.act(ADA, CLEO, Act::Mute).await.unwrap();
    assert_eq!(parted(&stage), []);
    stage.parted.fails.store(true, Ordering::Relaxed);
    assert!(matches!(stage.act(ADA, BEN, Act::Block).await, Err(Error::Other(_))));
    assert_eq!(stage.relation(BEN, ADA).await, None, "it holds all the same");
    stage.parted.fails.store(false, Ordering::Relaxed);
    stage.act(ADA, BEN, Act::Block).await.unwrap();
    assert_eq!(parted(&stage), [(ADA, BEN)], "a repeat says so again");

    // And so does the event, for who died in between.
    let consumers: Vec<Arc<dyn outbox::Consumer>> = vec![stage.service.clone()];
    let dispatch = Dispatch::new(stage.db.clone(), Clock::system(), consumers);
    while postgres::testing::deliver_once(&stage.db, &dispatch).await > 0 {}
    assert_eq!(parted(&stage), [(ADA, BEN)]);
    stage.act(ADA, BEN, Act::Unblock).await.unwrap();
    assert_eq!(parted(&stage), []);
}
