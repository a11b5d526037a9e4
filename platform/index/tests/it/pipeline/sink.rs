//! The sink's calls, with batches of the test's making.

use std::sync::Arc;
use std::time::Duration;

use cdc::{Batch, Change, Column, Lsn, Op, Relation, ReplicaIdentity, Row, Sink as _, SlotIdentity, Start, Value, Why};
use tokio::time::timeout;

use super::world::World;

fn slot() -> SlotIdentity {
    SlotIdentity { slot: "test".to_owned(), system: "1".to_owned(), timeline: 1, made: Lsn::new(1) }
}

/// A note is made or deleted by a transaction.
fn batch(op: Op, id: &str, commit: u64, xid: u32) -> Batch {
    let column = Column { name: "id".to_owned(), key: true, kind: 2950, modifier: -1 };
    let relation = Arc::new(Relation {
        oid: 1,
        schema: "public".to_owned(),
        name: "notes".to_owned(),
        identity: ReplicaIdentity::Key,
        columns: vec![column],
    });
    let row = Some(Row(vec![Value::Text(id.to_owned().into())]));
    let (old, new) = if op == Op::Delete { (row, None) } else { (None, row) };
    let commit = Lsn::new(commit);
    Batch {
        changes: vec![Change { relation, op, old, new, xid, commit }],
        end: Lsn::new(commit.as_u64() + 1),
        xids: vec![xid],
        ..Batch::default()
    }
}

#[tokio::test]
async fn a_stale_replay_does_not_bring_back_what_was_deleted() {
    let world = World::new().await;
    let mut sink = world.pipeline();
    let start = Start::Anew { from: Lsn::new(10), why: Why::First };
    sink.begin(&slot(), start).await.unwrap();
    while world.state().await.unwrap().is_building() {
        sink.work().await.unwrap();
    }
    let id = world.note("here").await;
    sink.apply(batch(Op::Insert, &id, 100, 3)).await.unwrap();
    sink.close().await.unwrap();
    assert_eq!(world.found("here").await, std::slice::from_ref(&id));
    world.run("DELETE FROM notes").await;
    sink.apply(batch(Op::Delete, &id, 200, 3)).await.unwrap();
    sink.close().await.unwrap();
    assert!(world.found("here").await.is_empty());

    // The process died before its position was saved: the slot tells it all again, and again.
    for _ in 0..2 {
        sink.begin(&slot(), Start::Resumed { from: Lsn::new(11) }).await.unwrap();
        sink.apply(batch(Op::Insert, &id, 100, 3)).await.unwrap();
        sink.close().await.unwrap();
        assert!(world.found("here").await.is_empty());
    }
}

#[tokio::test]
async fn a_commit_that_cannot_be_seen_yet_is_waited_for() {
    let world = World::new().await;
    let mut sink = world.pipeline();
    sink.begin(&slot(), Start::Anew { from: Lsn::new(10), why: Why::First }).await.unwrap();
    while world.state().await.unwrap().is_building() {
        sink.work().await.unwrap();
    }
    let id = world.note("of before").await;
    let mut tx = world.db.begin().await.unwrap();
    sqlx::query("UPDATE notes SET text = 'of after'").execute(&mut *tx).await.unwrap();
    let xid: String = sqlx::query_scalar("SELECT pg_current_xact_id()::text").fetch_one(&mut *tx).await.unwrap();
    // The stream knows of the commit, and reads do not.
    let batch = batch(Op::Update, &id, 100, xid.parse::<u64>().unwrap() as u32);
    {
        let mut applied = std::pin::pin!(sink.apply(batch));
        assert!(timeout(Duration::from_millis(300), &mut applied).await.is_err(), "it read too early");
        tx.commit().await.unwrap();
        applied.await.unwrap();
    }
    sink.close().await.unwrap();
    assert_eq!(world.found("after").await, [id]);
}

#[tokio::test]
async fn who_was_overtaken_writes_no_position_any_more() {
    let world = World::new().await;
    let (mut former, mut latter) = (world.pipeline(), world.pipeline());
    former.begin(&slot(), Start::Anew { from: Lsn::new(10), why: Why::First }).await.unwrap();
    latter.begin(&slot(), Start::Resumed { from: Lsn::new(10) }).await.unwrap();
    let id = world.note("here").await;
    // It notices with whatever it would save next.
    let error = match former.apply(batch(Op::Insert, &id, 100, 3)).await {
        Ok(_) => former.close().await.unwrap_err(),
        Err(error) => error,
    };
    assert!(error.to_string().contains("another process"), "{error}");
    assert_eq!(world.state().await.unwrap().position(), Lsn::new(10));
}
