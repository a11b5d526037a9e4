//! Many at once, and a long random life held against the rules.

use std::collections::HashMap;
use std::sync::Arc;

use graph::model::{Act, Between, Load};
use kernel::UserId;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use tokio::task::JoinSet;

use crate::stage::{ADA, BEN, CLEO, DANA, Stage, person};

const PEOPLE: [UserId; 4] = [ADA, BEN, CLEO, DANA];

fn acts() -> impl Strategy<Value = Vec<(usize, usize, u8)>> {
    proptest::collection::vec((0..4usize, 0..4usize, 0..9u8), 60)
}

fn act(number: u8, private: bool) -> Act {
    match number {
        0 | 1 => Act::Follow { private },
        2 => Act::Unfollow,
        3 => Act::Accept,
        4 => Act::Decline,
        5 => Act::RemoveFollower,
        6 => Act::Block,
        7 => Act::Unblock,
        _ => Act::Mute,
    }
}

async fn do_it(stage: &Stage, who: UserId, whom: UserId, number: u8) -> Result<schemas::graph::Relation, graph::Error> {
    match act(number, false) {
        Act::Follow { .. } => stage.service.follow(&stage.ctx(who), &whom.to_string()).await,
        other => stage.act(who, whom, other).await,
    }
}

/// Counts are what the rows say, and no row is there that the rules forbid.
async fn assert_sound(stage: &Stage) {
    let wrong: Vec<(UserId,)> = sqlx::query_as(
        "SELECT user_id FROM graph_people p WHERE
             followers <> (SELECT count(*) FROM follows WHERE target = user_id)
          OR following <> (SELECT count(*) FROM follows WHERE source = user_id)
          OR requests_in <> (SELECT count(*) FROM follow_requests WHERE target = user_id)
          OR requests_out <> (SELECT count(*) FROM follow_requests WHERE source = user_id)
          OR blocks <> (SELECT count(*) FROM blocks WHERE source = user_id)
          OR mutes <> (SELECT count(*) FROM mutes WHERE source = user_id)",
    )
    .fetch_all(stage.db.pool())
    .await
    .unwrap();
    assert!(wrong.is_empty(), "counts of {wrong:?}");
    let forbidden: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT source, target FROM follows UNION ALL SELECT source, target FROM follow_requests) e
         JOIN blocks b ON (b.source, b.target) IN ((e.source, e.target), (e.target, e.source))",
    )
    .fetch_one(stage.db.pool())
    .await
    .unwrap();
    assert_eq!(forbidden, 0, "somebody follows over a block");
}

#[tokio::test]
async fn a_random_life_follows_the_rules_step_by_step() {
    let stage = Stage::new().await;
    let mut model: HashMap<(UserId, UserId), Between> = HashMap::new();
    let mut runner = TestRunner::default();
    for _ in 0..3 {
        let plan = acts().new_tree(&mut runner).unwrap().current();
        for (step, (who, whom, number)) in plan.iter().enumerate() {
            let (who, whom) = (PEOPLE[*who], PEOPLE[*whom]);
            if who == whom {
                continue;
            }
            let before = model.get(&(who, whom)).copied().unwrap_or_default();
            let wanted = before.after(act(*number, whom == CLEO), &Load::default());
            let got = do_it(&stage, who, whom, *number).await;
            assert_eq!(got.ok(), wanted.ok().map(Between::relation), "step {step} of {plan:?}");
            if let Ok(after) = wanted {
                model.insert((who, whom), after);
                model.insert((whom, who), after.seen_by_them());
            }
        }
        for ((viewer, other), between) in &model {
            let visible = (!between.theirs.blocks).then(|| between.relation());
            assert_eq!(stage.relation(*viewer, *other).await, visible, "{plan:?}");
        }
        assert_sound(&stage).await;
    }
}

#[tokio::test]
async fn everybody_at_once_neither_deadlocks_nor_miscounts() {
    let stage = Arc::new(Stage::new().await);
    let mut runner = TestRunner::default();
    let mut town = JoinSet::new();
    for task in 0..8 {
        let (stage, plan) = (Arc::clone(&stage), acts().new_tree(&mut runner).unwrap().current());
        town.spawn(async move {
            for (step, (who, whom, number)) in plan.into_iter().enumerate() {
                // The same few for long, and among them somebody whom nobody has met yet.
                let stranger = person(200 + step as u128 / 4);
                let whom = if (step + task) % 3 == 0 { stranger } else { PEOPLE[whom] };
                if PEOPLE[who] != whom
                    && let Err(error) = do_it(&stage, PEOPLE[who], whom, number).await
                {
                    assert!(!matches!(error, graph::Error::Store(_)), "{error}");
                }
            }
        });
    }
    while let Some(done) = town.join_next().await {
        done.unwrap();
    }
    assert_sound(&stage).await;
}

#[tokio::test]
async fn a_block_and_follows_at_once_leave_only_the_block() {
    let stage = Arc::new(Stage::new().await);
    for n in 0..10 {
        let (a, b) = (person(300 + 2 * n), person(301 + 2 * n));
        let mut acts = JoinSet::new();
        for (who, whom, number) in [(a, b, 0), (b, a, 0), (b, a, 6)] {
            let stage = Arc::clone(&stage);
            acts.spawn(async move { do_it(&stage, who, whom, number).await.is_ok() || number != 6 });
        }
        assert!(acts.join_all().await.into_iter().all(|done| done), "the block is not refused");
        assert_eq!((stage.counts(a).await, stage.counts(b).await), ((0, 0), (0, 0)));
    }
    assert_sound(&stage).await;
}
