//! What every presence store must do, run on each.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use kernel::{Clock, Timestamp, UserId};
use presence::PresenceStore;
use presence::store::local::Memory;
use presence::store::redis::RedisPresence;
use presence::store::{Shown, TAKEN_OVER_MAX, Times};
use redis::{Redis, Settings};
use schemas::presence::{Activity, State};

const DEADLINE: Duration = Duration::from_secs(60);

/// A store that several nodes share, and its time.
struct Stage {
    kind: Kind,
    times: Times,
}

enum Kind {
    Local(Arc<Memory>, Clock),
    Redis(Redis, String),
}

impl Stage {
    fn local() -> Self {
        let (clock, times) = (Clock::manual(Timestamp::from_millis(1_700_000_000_000)), Times::default());
        Self { kind: Kind::Local(Memory::new(clock.clone(), times), clock), times }
    }

    async fn redis() -> Self {
        let url = std::env::var("PLAZA_TEST_REDIS_URL").expect("run ./test, or set PLAZA_TEST_REDIS_URL");
        let redis = Redis::connect(&Settings::new(url)).await.expect("a Redis that answers");
        // Short enough to wait for, long enough for a machine that has much to do.
        let times =
            Times { lease: Duration::from_secs(6), kept: Duration::from_secs(60), remembered: Duration::from_secs(4) };
        Self { kind: Kind::Redis(redis, format!("test:{:016x}:", rand::random::<u64>())), times }
    }

    fn node(&self) -> Arc<dyn PresenceStore> {
        match &self.kind {
            Kind::Local(memory, _) => memory.node(),
            Kind::Redis(redis, prefix) => Arc::new(RedisPresence::new(redis.clone(), prefix, self.times)),
        }
    }

    /// Lets a little of the lease pass: by hand, or as time does.
    async fn pass(&self) {
        let a_little = self.times.lease / 8;
        match &self.kind {
            Kind::Local(_, clock) => clock.advance(a_little),
            Kind::Redis(..) => tokio::time::sleep(a_little).await,
        }
    }

    /// Lets `node` beat until it has found `enough` changes.
    async fn beat_until(&self, node: &Arc<dyn PresenceStore>, enough: usize) -> HashMap<UserId, Shown> {
        let mut changes = HashMap::new();
        let beating = async {
            while changes.len() < enough {
                self.pass().await;
                for (user, shown) in node.beat().await.unwrap().changes {
                    assert!(changes.insert(user, shown).is_none(), "{user} was reported twice");
                }
            }
        };
        tokio::time::timeout(DEADLINE, beating).await.expect("the changes within the deadline");
        changes
    }
}

macro_rules! conformance {
    ($($case:ident),* $(,)?) => {
        mod on_local {
            $(#[tokio::test] async fn $case() { super::$case(super::Stage::local()).await; })*
        }
        mod on_redis {
            $(#[tokio::test] async fn $case() { super::$case(super::Stage::redis().await).await; })*
        }
    };
}

conformance!(
    the_best_device_counts_across_nodes,
    one_invisible_device_hides_all,
    a_hidden_person_is_offline_until_shown,
    a_repeat_changes_nothing,
    of_many_writers_one_is_told,
    each_change_is_later_than_the_one_before,
    a_snapshot_holds_what_was_written_before_it,
    a_dead_nodes_people_go_offline,
    a_dead_nodes_many_people_go_offline_in_batches,
    a_node_that_was_taken_for_dead_is_told,
    who_went_offline_is_remembered_for_a_while,
);

fn person() -> UserId {
    UserId::new(Clock::system().now())
}

async fn state(node: &Arc<dyn PresenceStore>, user: UserId) -> State {
    node.read(&[user]).await.unwrap().people[0].state
}

async fn the_best_device_counts_across_nodes(stage: Stage) {
    let (one, other, ada) = (stage.node(), stage.node(), person());
    assert_eq!(state(&one, ada).await, State::Offline);
    let shown = one.put(ada, 1, Activity::Idle, Some(false)).await.unwrap();
    assert_eq!((shown.state, shown.changed), (State::Idle, true));
    let shown = other.put(ada, 2, Activity::Online, Some(false)).await.unwrap();
    assert_eq!((shown.state, shown.changed), (State::Online, true));
    let shown = one.put(ada, 3, Activity::Idle, None).await.unwrap();
    assert_eq!((shown.state, shown.changed), (State::Online, false));
    assert_eq!(state(&one, ada).await, State::Online);
    let shown = other.remove(ada, 2).await.unwrap();
    assert_eq!((shown.state, shown.changed), (State::Idle, true));
    assert!(!one.remove(ada, 3).await.unwrap().changed);
    let shown = one.remove(ada, 1).await.unwrap();
    assert_eq!((shown.state, shown.changed), (State::Offline, true));
    assert_eq!(state(&other, ada).await, State::Offline);
}

async fn one_invisible_device_hides_all(stage: Stage) {
    let (node, ada) = (stage.node(), person());
    assert!(!node.put(ada, 1, Activity::Invisible, Some(false)).await.unwrap().changed, "never seen");
    assert!(!node.put(ada, 2, Activity::Online, Some(false)).await.unwrap().changed);
    let shown = node.put(ada, 1, Activity::Idle, None).await.unwrap();
    assert_eq!((shown.state, shown.changed), (State::Online, true));
    let shown = node.put(ada, 2, Activity::Invisible, None).await.unwrap();
    assert_eq!((shown.state, shown.changed), (State::Offline, true));
    let shown = node.remove(ada, 2).await.unwrap();
    assert_eq!((shown.state, shown.changed), (State::Idle, true));
}

async fn a_hidden_person_is_offline_until_shown(stage: Stage) {
    let (node, ada) = (stage.node(), person());
    assert!(!node.hide(ada, true).await.unwrap().changed, "nobody there");
    assert!(node.put(ada, 1, Activity::Online, Some(false)).await.unwrap().changed);
    let shown = node.hide(ada, true).await.unwrap();
    assert_eq!((shown.state, shown.changed), (State::Offline, true));
    assert!(!node.put(ada, 2, Activity::Online, None).await.unwrap().changed, "not known here, still hidden");
    let shown = node.hide(ada, false).await.unwrap();
    assert_eq!((shown.state, shown.changed), (State::Online, true));
    // Who is hidden from the start is never seen.
    let ben = person();
    assert!(!node.put(ben, 3, Activity::Online, Some(true)).await.unwrap().changed);
    assert_eq!(state(&node, ben).await, State::Offline);
    assert!(!node.remove(ben, 3).await.unwrap().changed);
    assert!(node.put(ben, 4, Activity::Online, Some(false)).await.unwrap().changed);
}

async fn a_repeat_changes_nothing(stage: Stage) {
    let (node, ada) = (stage.node(), person());
    let first = node.put(ada, 1, Activity::Online, Some(false)).await.unwrap();
    let again = node.put(ada, 1, Activity::Online, Some(false)).await.unwrap();
    assert_eq!(again, Shown { changed: false, ..first });
    assert_eq!(node.hide(ada, false).await.unwrap(), again);
    let gone = node.remove(ada, 1).await.unwrap();
    let again = node.remove(ada, 1).await.unwrap();
    assert_eq!(again, Shown { changed: false, ..gone });
    assert!(!node.remove(ada, 99).await.unwrap().changed, "never there");
}

async fn of_many_writers_one_is_told(stage: Stage) {
    let (one, other, ada) = (stage.node(), stage.node(), person());
    let told = |all: Vec<Shown>| all.into_iter().filter(|shown| shown.changed).count();
    let node = |n: u64| if n.is_multiple_of(2) { &one } else { &other };
    let put = |n| async move { node(n).put(ada, n, Activity::Online, Some(false)).await.unwrap() };
    let put = join_all((0..40).map(put)).await;
    assert_eq!(told(put), 1);
    let remove = |n| async move { node(n).remove(ada, n).await.unwrap() };
    let removed = join_all((0..40).map(remove)).await;
    assert_eq!(told(removed), 1);
}

async fn each_change_is_later_than_the_one_before(stage: Stage) {
    let (one, other, ada) = (stage.node(), stage.node(), person());
    let mut last = Timestamp::default();
    for turn in 0..20 {
        let (node, activity) = if turn % 2 == 0 { (&one, Activity::Online) } else { (&other, Activity::Idle) };
        let shown = node.put(ada, 1, activity, None).await.unwrap();
        assert!(shown.changed && shown.at > last, "{last} then {shown:?}");
        last = shown.at;
    }
}

async fn a_snapshot_holds_what_was_written_before_it(stage: Stage) {
    let (one, other) = (stage.node(), stage.node());
    let (ada, ben, cleo) = (person(), person(), person());
    let before = one.read(&[ada]).await.unwrap().at;
    let shown = one.put(ada, 1, Activity::Online, None).await.unwrap();
    assert!(shown.at >= before);
    one.put(cleo, 2, Activity::Idle, None).await.unwrap();
    let snapshot = other.read(&[cleo, ben, ada]).await.unwrap();
    let states: Vec<State> = snapshot.people.iter().map(|seen| seen.state).collect();
    assert_eq!(states, [State::Idle, State::Offline, State::Online], "in the order asked");
    assert_eq!(snapshot.people[2].since, Some(shown.at));
    assert_eq!(snapshot.people[1].since, None);
    assert!(snapshot.at >= shown.at);
    assert!(one.read(&[]).await.unwrap().people.is_empty());
}

async fn a_dead_nodes_people_go_offline(stage: Stage) {
    let (dying, living) = (stage.node(), stage.node());
    let (ada, ben, cleo) = (person(), person(), person());
    dying.beat().await.unwrap();
    living.beat().await.unwrap();
    dying.put(ada, 1, Activity::Online, None).await.unwrap();
    dying.put(ben, 2, Activity::Online, None).await.unwrap();
    dying.put(cleo, 3, Activity::Online, None).await.unwrap();
    dying.remove(cleo, 3).await.unwrap();
    living.put(ben, 4, Activity::Idle, None).await.unwrap();
    drop(dying);
    assert!(living.beat().await.unwrap().changes.is_empty(), "its lease still runs");
    let changes = stage.beat_until(&living, 2).await;
    assert_eq!(changes[&ada].state, State::Offline);
    assert_eq!(changes[&ben].state, State::Idle, "one device is on the node that lives");
    assert_eq!(state(&living, ada).await, State::Offline);
    assert_eq!(state(&living, ben).await, State::Idle);
}

async fn a_dead_nodes_many_people_go_offline_in_batches(stage: Stage) {
    let (dying, living) = (stage.node(), stage.node());
    dying.beat().await.unwrap();
    let crowd: Vec<UserId> = (0..=TAKEN_OVER_MAX).map(|_| person()).collect();
    join_all(crowd.iter().map(|&user| dying.put(user, 1, Activity::Online, None))).await;
    drop(dying);
    let changes = stage.beat_until(&living, crowd.len()).await;
    assert!(crowd.iter().all(|user| changes[user].state == State::Offline));
    let pulse = living.beat().await.unwrap();
    assert!(pulse.changes.is_empty() && !pulse.more && !pulse.lapsed);
}

async fn a_node_that_was_taken_for_dead_is_told(stage: Stage) {
    let (stalled, living, ada) = (stage.node(), stage.node(), person());
    assert!(stalled.beat().await.unwrap().lapsed, "the first beat of all: nothing is known of this node");
    assert!(!stalled.beat().await.unwrap().lapsed);
    stalled.put(ada, 1, Activity::Online, None).await.unwrap();
    stage.beat_until(&living, 1).await;
    assert!(stalled.beat().await.unwrap().lapsed);
    let shown = stalled.put(ada, 1, Activity::Online, Some(false)).await.unwrap();
    assert_eq!((shown.state, shown.changed), (State::Online, true));
    assert!(!stalled.beat().await.unwrap().lapsed);
    assert!(living.beat().await.unwrap().changes.is_empty());
    assert_eq!(state(&living, ada).await, State::Online);
}

async fn who_went_offline_is_remembered_for_a_while(stage: Stage) {
    let (node, ada) = (stage.node(), person());
    node.put(ada, 1, Activity::Online, None).await.unwrap();
    let gone = node.remove(ada, 1).await.unwrap();
    assert_eq!(node.read(&[ada]).await.unwrap().people[0].since, Some(gone.at));
    let forgetting = async {
        while node.read(&[ada]).await.unwrap().people[0].since.is_some() {
            stage.pass().await;
            node.beat().await.unwrap();
        }
    };
    tokio::time::timeout(DEADLINE, forgetting).await.expect("to be forgotten");
}

#[tokio::test]
async fn a_redis_that_lost_its_memory_tells_its_nodes() {
    use fred::interfaces::KeysInterface as _;
    let stage = Stage::redis().await;
    let (node, ada) = (stage.node(), person());
    node.beat().await.unwrap();
    node.put(ada, 1, Activity::Online, None).await.unwrap();
    let Kind::Redis(redis, prefix) = &stage.kind else { unreachable!() };
    let _: i64 =
        redis.commands().del(vec![format!("{prefix}presence:nodes"), format!("{prefix}presence:{ada}")]).await.unwrap();
    assert_eq!(state(&node, ada).await, State::Offline);
    assert!(node.beat().await.unwrap().lapsed);
}
