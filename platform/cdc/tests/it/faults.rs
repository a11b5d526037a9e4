//! Whatever dies, nothing is lost and nothing is told twice to who keeps count.

use cdc::{Start, Why};
use rand::{RngExt as _, SeedableRng as _};

use crate::stage::{Stage, until};

#[tokio::test]
async fn connections_and_processes_that_die_at_random_lose_nothing() {
    let mut stage = Stage::new().await;
    stage.settings.batch_changes_max = 50;
    // The same plan each time: what differs between runs is where the machine is when the connections die.
    let mut dice = rand::rngs::SmallRng::seed_from_u64(7);
    let mut sink = stage.mirror();
    sink.until(|seen| !seen.starts.is_empty()).await;
    for round in 0..40 {
        for _ in 0..dice.random_range(1..20) {
            let id = dice.random_range(0..30);
            let sql = match dice.random_range(0..10) {
                0 => format!("DELETE FROM things WHERE id = {id}"),
                1 => format!(
                    "INSERT INTO things SELECT {id}, 1, 'long', string_agg(md5(random()::text), '') \
                     FROM generate_series(1, 100) ON CONFLICT (id) DO UPDATE SET n = things.n + 1, big = EXCLUDED.big"
                ),
                2 => format!("UPDATE things SET n = n + 1 WHERE id % 3 = {}", id % 3),
                _ => format!(
                    "INSERT INTO things VALUES ({id}, 1, 'r{round}', NULL) \
                     ON CONFLICT (id) DO UPDATE SET n = things.n + 1, name = EXCLUDED.name"
                ),
            };
            stage.run(&sql).await;
        }
        match dice.random_range(0..4) {
            0 => stage.cut().await,
            1 => {
                sink.kill().await;
                sink = stage.mirror();
            }
            2 => {
                sink.stop().await;
                sink = stage.mirror();
            }
            _ => {}
        }
    }
    until(async || stage.mirrored().await).await;
    sink.stop().await;
    stage.close().await;
}

#[tokio::test]
async fn a_large_transaction_that_is_cut_short_comes_again_from_its_beginning() {
    let mut stage = Stage::new().await;
    stage.settings.batch_changes_max = 100;
    let mut sink = stage.record();
    sink.until(|seen| !seen.starts.is_empty()).await;
    stage.run("INSERT INTO things VALUES (0, 1, 'before', NULL)").await;
    sink.changes(1).await;
    stage.run("INSERT INTO things SELECT i, 1, 'x', NULL FROM generate_series(1, 20000) i").await;
    sink.changes(500).await;
    sink.kill().await;
    let mut sink = stage.record();
    let seen = sink.until(|seen| seen.changes.len() >= 20_000).await;
    assert!(matches!(seen.starts[0], Start::Resumed { .. }));
    let first: i32 = seen.changes[0].text("id").unwrap().parse().unwrap();
    assert_eq!((first, seen.changes.len()), (1, 20_000));
    sink.stop().await;
    stage.close().await;
}

#[tokio::test]
async fn a_sink_that_stalls_for_longer_than_the_servers_patience_keeps_its_connection() {
    let mut stage = Stage::new().await;
    stage.spec.session_options = "-c wal_sender_timeout=6s".to_owned();
    stage.settings.batch_changes_max = 100;
    let mut sink = stage.record();
    sink.until(|seen| !seen.starts.is_empty()).await;
    sink.stall();
    // More than all queues hold, so that the connection itself stands still.
    stage.run("INSERT INTO things SELECT i, 1, repeat('x', 1000), NULL FROM generate_series(1, 20000) i").await;
    sink.until(|seen| seen.arrived > 0).await;
    // Three times its patience, by the server's clock, and in good standing still.
    let replied = async || -> bool {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_stat_replication JOIN pg_replication_slots ON active_pid = pid
                            WHERE slot_name = $1 AND now() - backend_start > interval '18 s'
                              AND now() - reply_time < interval '6 s')",
        )
        .bind(&stage.slot)
        .fetch_one(stage.db.pool())
        .await
        .unwrap()
    };
    until(replied).await;
    sink.release();
    let seen = sink.until(|seen| seen.changes.len() >= 20_000).await;
    assert_eq!(seen.starts.len(), 1, "it never had to begin again");
    sink.stop().await;
    stage.close().await;
}

#[tokio::test]
async fn a_second_process_waits_and_takes_over() {
    let stage = Stage::new().await;
    let mut first = stage.record();
    first.until(|seen| !seen.starts.is_empty()).await;
    let second = stage.record();
    for id in 0..10 {
        stage.run(&format!("INSERT INTO things VALUES ({id}, 1, 'x', NULL)")).await;
    }
    first.changes(10).await;
    assert!(second.seen.borrow().starts.is_empty(), "there is one at a time");
    first.kill().await;
    stage.run("INSERT INTO things VALUES (10, 1, 'x', NULL)").await;
    let mut second = second;
    let seen = second.changes(1).await;
    assert_eq!((seen.len(), seen[0].text("id")), (1, Some("10")));
    assert!(matches!(second.seen.borrow().starts[0], Start::Resumed { .. }));
    second.stop().await;
    stage.close().await;
}

#[tokio::test]
async fn one_that_was_overtaken_writes_nothing_more() {
    let stage = Stage::new().await;
    let mut first = stage.record();
    first.until(|seen| !seen.starts.is_empty()).await;
    first.stall();
    // Empty batches, which only move the position on, count too.
    let before = first.seen.borrow().arrived;
    stage.run("INSERT INTO things VALUES (1, 1, 'x', NULL)").await;
    first.until(|seen| seen.arrived > before).await;
    // Its connection breaks while it is at work; another takes the slot and does the work.
    stage.cut().await;
    let mut second = stage.record();
    assert_eq!(second.changes(1).await.len(), 1);
    first.release();
    // It fails to save, begins again, and finds the slot taken.
    let both = async || first.seen.borrow().changes.is_empty() && !first.task.is_finished();
    until(both).await;
    second.stop().await;
    let seen = first.until(|seen| seen.starts.len() == 2).await;
    assert!(seen.changes.is_empty() && matches!(seen.starts[1], Start::Resumed { .. }));
    first.stop().await;
    stage.close().await;
}

#[tokio::test]
async fn an_idle_slot_moves_on_while_others_write() {
    let stage = Stage::new().await;
    let mut sink = stage.record();
    sink.until(|seen| !seen.starts.is_empty()).await;
    stage.run("INSERT INTO others SELECT generate_series(1, 10000)").await;
    let end = stage.log_end().await;
    stage.until_slot(|slot| slot.is_some_and(|slot| slot.confirmed >= end)).await;
    let seen = sink.seen.borrow().clone();
    assert!(seen.changes.is_empty() && seen.batches.iter().all(|(changes, _)| *changes == 0));
    sink.stop().await;
    // What was saved while idle is gone on from.
    let mut sink = stage.record();
    let seen = sink.until(|seen| !seen.starts.is_empty()).await;
    assert!(matches!(seen.starts[0], Start::Resumed { from } if from >= end), "{:?}", seen.starts);
    sink.stop().await;
    stage.close().await;
}

#[tokio::test]
async fn a_slot_that_was_moved_by_hand_means_a_gap() {
    let stage = Stage::new().await;
    let mut sink = stage.record();
    sink.until(|seen| !seen.starts.is_empty()).await;
    sink.stop().await;
    stage.until_slot(|slot| slot.is_some_and(|slot| slot.active_pid.is_none())).await;
    stage.run("INSERT INTO things VALUES (1, 1, 'never told', NULL)").await;
    sqlx::query("SELECT pg_replication_slot_advance($1, pg_current_wal_lsn())")
        .bind(&stage.slot)
        .execute(stage.db.pool())
        .await
        .unwrap();
    let mut sink = stage.record();
    let seen = sink.until(|seen| !seen.starts.is_empty()).await;
    assert!(matches!(seen.starts[0], Start::Anew { why: Why::Gap, .. }));
    sink.stop().await;
    stage.close().await;
}
