//! Whatever is appended at once, on whichever nodes, with whatever repeats: afterwards the log is dense, has nothing twice, and has
//! everything that was acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chat::log::{Appended, Draft, MessageLog, Span};
use futures_util::{StreamExt as _, stream};
use kernel::RoomId;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::stores::{self, draft, room, user};

/// (node, room, message): the same message several times is a client that repeats itself.
type Plan = Vec<(usize, usize, usize)>;

const ROOMS: usize = 2;
const AT_ONCE: usize = 24;

fn plans() -> impl Strategy<Value = Plan> {
    prop::collection::vec((0..3usize, 0..ROOMS, 0..40usize), 1..120)
}

async fn holds(nodes: Vec<Arc<dyn MessageLog>>, plan: Plan) {
    let (people, rooms) = ([user(), user()], [room(), room()]);
    let drafts: BTreeMap<(usize, usize), Draft> = plan
        .iter()
        .map(|(_, room, n)| ((*room, *n), draft(rooms[*room], people[n % 2], &format!("{room}/{n}"))))
        .collect();
    let says = plan.iter().map(|(node, room, n)| nodes[*node].append(drafts[&(*room, *n)].clone()));
    let acks: Vec<Appended> = stream::iter(says).buffer_unordered(AT_ONCE).map(Result::unwrap).collect().await;

    for room in rooms {
        let log = whole(nodes[2].as_ref(), room).await;
        assert_eq!(log.keys().copied().collect::<Vec<_>>(), (1..=log.len() as u64).collect::<Vec<_>>(), "dense");
        let texts: BTreeSet<&String> = log.values().collect();
        assert_eq!(texts.len(), log.len(), "nothing twice");
        let here: Vec<&Appended> = acks.iter().filter(|ack| ack.message.room == room).collect();
        for ack in &here {
            assert_eq!(log.get(&ack.message.seq), Some(&ack.message.body.text), "everything acknowledged");
        }
        assert_eq!(here.iter().filter(|ack| !ack.duplicate).count(), log.len(), "one first each");
        assert_eq!(stores::heads(&*nodes[1], &[room]).await, [log.len() as u64]);
    }
}

async fn whole(log: &dyn MessageLog, room: RoomId) -> BTreeMap<u64, String> {
    let mut all = BTreeMap::new();
    loop {
        let after = all.last_key_value().map_or(0, |(seq, _)| *seq);
        let page = log.page(room, Span::After(after), 7).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page.into_iter().map(|message| (message.seq, message.body.text)));
    }
}

fn check(cases: u32, nodes: impl AsyncFn() -> Vec<Arc<dyn MessageLog>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let nodes = runtime.block_on(nodes());
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&plans(), |plan| {
        runtime.block_on(holds(nodes.clone(), plan));
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn postgres() {
    check(12, stores::postgres);
}

#[test]
fn cassandra_local() {
    check(8, stores::cassandra_local);
}

#[test]
fn cassandra_redis() {
    check(8, stores::cassandra_redis);
}
