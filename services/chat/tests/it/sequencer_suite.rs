//! What every sequencer must do: see the MUSTs of `Sequencer`.

use std::sync::Arc;
use std::time::Duration;

use chat::sequencer::{
    self, Gate, IDLE_MAX, KEEP, Key, Known, LEASE, Moment, PENDING_MAX, Reserve, Sequencer, Standing, local::Local,
};
use fred::interfaces::KeysInterface as _;
use futures_util::future::join_all;
use kernel::{Clock, RoomId};
use uuid::Uuid;

use crate::stores::{self, head, known, room, user};

fn local() -> Arc<dyn Sequencer> {
    Arc::new(Local::new(Clock::system()))
}

async fn redis() -> Arc<dyn Sequencer> {
    stores::lasting().await
}

macro_rules! conformance {
    ($($case:ident),* $(,)?) => {
        mod local {$(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() { super::$case(super::local()).await; }
        )*}
        mod redis {$(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() { super::$case(super::redis().await).await; }
        )*}
    };
}

conformance! {
    a_room_is_seeded_once_and_counted_on,
    a_key_gets_its_first_number_again,
    what_is_pending_is_whole_and_settles_once,
    at_most_sixty_four_numbers_are_open,
    a_look_up_of_long_ago_or_of_another_memory_is_refused,
    many_at_once_get_different_numbers,
    under_a_gate_that_was_moved_no_number_is_given,
}

fn key() -> Key {
    Key { room: room(), sender: user(), client_id: Uuid::now_v7() }
}

fn another(key: &Key) -> Key {
    Key { client_id: Uuid::now_v7(), ..*key }
}

async fn settled(sequencer: &dyn Sequencer, rooms: &[RoomId]) -> Vec<Option<u64>> {
    sequencer.settled(rooms).await.unwrap().into_iter().map(|head| head.map(|head| head.seq)).collect()
}

async fn given(sequencer: &dyn Sequencer, key: &Key) -> (u64, i64) {
    match sequencer.reserve(key, "{}", known(sequencer.now(key.room))).await.unwrap() {
        Reserve::Given { seq, stamp, .. } => (seq, stamp),
        other => panic!("{other:?}"),
    }
}

async fn a_room_is_seeded_once_and_counted_on(sequencer: Arc<dyn Sequencer>) {
    let one = key();
    assert_eq!(sequencer.reserve(&one, "{}", known(sequencer.now(one.room))).await.unwrap(), Reserve::Unseeded);
    assert_eq!(sequencer.standing(one.room).await.unwrap(), Standing::Unseeded);
    assert_eq!(settled(&*sequencer, &[one.room]).await, [None]);
    sequencer.seed(one.room, head(41)).await.unwrap();
    sequencer.seed(one.room, head(7)).await.unwrap();
    assert_eq!(settled(&*sequencer, &[one.room, room()]).await, [Some(41), None]);
    let (seq, stamp) = given(&*sequencer, &one).await;
    assert_eq!(seq, 42);
    let (seq, later) = given(&*sequencer, &another(&one)).await;
    assert_eq!(seq, 43);
    assert!(later > stamp);
    let now_us = Clock::system().now().as_millis() * 1_000;
    assert!(stamp < now_us - 500_000_000, "stamps are set back");
}

async fn a_key_gets_its_first_number_again(sequencer: Arc<dyn Sequencer>) {
    let one = key();
    sequencer.seed(one.room, head(0)).await.unwrap();
    let Reserve::Given { seq: 1, stamp, stalled: false, .. } =
        sequencer.reserve(&one, r#"{"text":"a|b"}"#, known(sequencer.now(one.room))).await.unwrap()
    else {
        panic!("the first number")
    };
    match sequencer.reserve(&one, "another", known(sequencer.now(one.room))).await.unwrap() {
        Reserve::Pending(first) => {
            assert_eq!((first.key, first.seq, first.stamp), (one, 1, stamp));
            assert_eq!(first.payload, r#"{"text":"a|b"}"#);
        }
        other => panic!("{other:?}"),
    }
    sequencer.settle(&one, 1, stamp).await.unwrap();
    assert_eq!(
        sequencer.reserve(&one, "{}", known(sequencer.now(one.room))).await.unwrap(),
        Reserve::Settled { seq: 1 }
    );
    assert_eq!(given(&*sequencer, &another(&one)).await.0, 2);
}

async fn what_is_pending_is_whole_and_settles_once(sequencer: Arc<dyn Sequencer>) {
    let keys = [key(); 3].map(|one| another(&one));
    sequencer.seed(keys[0].room, head(0)).await.unwrap();
    let mut stamps = Vec::new();
    for one in &keys {
        stamps.push(given(&*sequencer, one).await.1);
    }
    let pending = async || match sequencer.standing(keys[0].room).await.unwrap() {
        Standing::Known { head: 3, pending } => pending.into_iter().map(|(one, _)| one.seq).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let settled = async || settled(&*sequencer, &[keys[0].room]).await[0];
    assert_eq!((pending().await, settled().await), (vec![1, 2, 3], Some(0)));
    sequencer.settle(&keys[1], 2, stamps[1]).await.unwrap();
    assert_eq!((pending().await, settled().await), (vec![1, 3], Some(0)));
    // Another reservation's stamp settles nothing.
    sequencer.settle(&keys[0], 1, stamps[1]).await.unwrap();
    assert_eq!((pending().await, settled().await), (vec![1, 3], Some(0)));
    sequencer.settle(&keys[0], 1, stamps[0]).await.unwrap();
    sequencer.settle(&keys[0], 1, stamps[0]).await.unwrap();
    assert_eq!((pending().await, settled().await), (vec![3], Some(2)));
    sequencer.settle(&keys[2], 3, stamps[2]).await.unwrap();
    assert_eq!((pending().await, settled().await), (vec![], Some(3)));
}

async fn at_most_sixty_four_numbers_are_open(sequencer: Arc<dyn Sequencer>) {
    let one = key();
    sequencer.seed(one.room, head(0)).await.unwrap();
    let (_, stamp) = given(&*sequencer, &one).await;
    for n in 2..=PENDING_MAX {
        let next = another(&one);
        let (seq, stamp) = given(&*sequencer, &next).await;
        assert_eq!(seq, n);
        // Settling the others does not help: the lowest decides how far a hole may lie below the head.
        sequencer.settle(&next, seq, stamp).await.unwrap();
    }
    let refused = another(&one);
    assert_eq!(sequencer.reserve(&refused, "{}", known(sequencer.now(one.room))).await.unwrap(), Reserve::Full);
    sequencer.settle(&one, 1, stamp).await.unwrap();
    assert_eq!(given(&*sequencer, &refused).await.0, PENDING_MAX + 1, "a refused key has no number");
}

async fn a_look_up_of_long_ago_or_of_another_memory_is_refused(sequencer: Arc<dyn Sequencer>) {
    let one = key();
    sequencer.seed(one.room, head(0)).await.unwrap();
    // Until a memory has answered, its clock is not known.
    sequencer.standing(one.room).await.unwrap();
    let now = sequencer.now(one.room).unwrap();
    let old = now.millis.checked_sub((KEEP / 2).as_millis() as u64 + 1_000);
    for stale in [old.map(|millis| Moment { millis, ..now }), Some(Moment { memory: !now.memory, ..now }), None] {
        assert_eq!(sequencer.reserve(&one, "{}", known(stale)).await.unwrap(), Reserve::Stale, "{stale:?}");
    }
    given(&*sequencer, &one).await;
}

async fn under_a_gate_that_was_moved_no_number_is_given(sequencer: Arc<dyn Sequencer>) {
    let one = key();
    // Nobody can have seen a gate of it.
    sequencer.move_gate(one.room).await.unwrap();
    sequencer.seed(one.room, head(0)).await.unwrap();
    let ask = async |gate| {
        let known = Known { looked_up: sequencer.now(one.room), gate };
        sequencer.reserve(&another(&one), "{}", known).await.unwrap()
    };
    let given = async |gate| match ask(gate).await {
        Reserve::Given { seq, gate, .. } => (seq, gate),
        other => panic!("{other:?}"),
    };
    let (_, first) = given(None).await;
    assert_eq!(given(Some(first)).await, (2, first));
    assert_eq!(ask(Some(Gate(first.0 + 1))).await, Reserve::Moved);
    sequencer.move_gate(one.room).await.unwrap();
    assert_eq!(ask(Some(first)).await, Reserve::Moved);
    let (seq, second) = given(None).await;
    assert_eq!(seq, 3, "what was refused took no number");
    assert_ne!(second, first);
    assert_eq!(given(Some(second)).await, (4, second));
    // Of another room it says nothing.
    sequencer.move_gate(room()).await.unwrap();
    assert_eq!(given(Some(second)).await, (5, second));
}

async fn many_at_once_get_different_numbers(sequencer: Arc<dyn Sequencer>) {
    let one = key();
    sequencer.seed(one.room, head(0)).await.unwrap();
    let keys: Vec<Key> = (0..60).map(|_| another(&one)).collect();
    let mut seqs: Vec<u64> =
        join_all(keys.iter().map(|key| given(&*sequencer, key))).await.into_iter().map(|(seq, _)| seq).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=60).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_redis_rests_for_the_lease_and_then_asks_for_seeds() {
    let client = stores::client().await;
    let prefix = format!("plaza_test_{}:", Uuid::now_v7().simple());
    let sequencer = sequencer::redis::Redis::open(client.clone(), &prefix).await.unwrap();
    let one = key();
    match sequencer.reserve(&one, "{}", known(sequencer.now(one.room))).await.unwrap() {
        Reserve::Resting(wait) => assert!(wait <= LEASE && wait > LEASE - Duration::from_secs(4), "{wait:?}"),
        other => panic!("{other:?}"),
    }
    stores::rested(&sequencer).await;
    sequencer.seed(one.room, head(9)).await.unwrap();
    assert_eq!(given(&sequencer, &one).await.0, 10);
    let before = sequencer.now(one.room);

    // As when the server is emptied.
    for shard in 0..16 {
        let marker = format!("{prefix}{{seq{shard}}}");
        let _: i64 = client.commands().del(marker).await.unwrap();
    }
    let _: i64 = client.commands().del(room_key(&prefix, one.room)).await.unwrap();
    assert!(matches!(sequencer.standing(one.room).await.unwrap(), Standing::Resting(_)));
    assert!(matches!(
        sequencer.reserve(&one, "{}", known(sequencer.now(one.room))).await.unwrap(),
        Reserve::Resting(_)
    ));
    let meanwhile = sequencer.now(one.room);

    // What was looked up before it gives numbers again may have been written since, by those whom it does not know.
    stores::rested(&sequencer).await;
    sequencer.seed(one.room, head(10)).await.unwrap();
    let next = another(&one);
    for stale in [before, meanwhile] {
        assert_eq!(sequencer.reserve(&next, "{}", known(stale)).await.unwrap(), Reserve::Stale);
    }
    assert_eq!(given(&sequencer, &next).await.0, 11);
}

/// A master that was cut off while another reigned, and has the other's memory when it is master again: never restarted, it lacks
/// the numbers that it gave meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_comes_back_gives_no_number_twice() {
    let [one, other] = [::redis::testing::Server::start().await, ::redis::testing::Server::start().await];
    // A server counts as another one when its first replica comes.
    other.follow(&one).await;
    let client = ::redis::Redis::connect(&::redis::Settings::new(one.url())).await.unwrap();
    let sequencer = sequencer::redis::Redis::open(client, "p:").await.unwrap();
    stores::rested(&sequencer).await;
    let key = key();
    sequencer.seed(key.room, head(0)).await.unwrap();
    assert_eq!(given(&sequencer, &key).await.0, 1);
    one.say(&["WAIT", "1", "0"]).await;
    other.promote().await;
    assert_eq!(given(&sequencer, &another(&key)).await.0, 2);
    one.follow(&other).await;
    one.promote().await;
    let known = known(sequencer.now(key.room));
    let reserved = sequencer.reserve(&another(&key), "{}", known).await.unwrap();
    assert!(matches!(reserved, Reserve::Resting(_)), "{reserved:?}");
    stores::rested(&sequencer).await;
    assert_eq!(sequencer.standing(key.room).await.unwrap(), Standing::Unseeded);
}

fn room_key(prefix: &str, room: RoomId) -> String {
    format!("{prefix}{{seq{}}}:{}", room.uuid().as_bytes()[15] % 16, room.uuid().simple())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_of_another_run_of_the_server_is_not_trusted() {
    use fred::interfaces::HashesInterface as _;
    let client = stores::client().await;
    let prefix = format!("plaza_test_{}:", Uuid::now_v7().simple());
    let sequencer = sequencer::redis::Redis::open(client.clone(), &prefix).await.unwrap();
    stores::rested(&sequencer).await;
    let one = key();
    sequencer.seed(one.room, head(9)).await.unwrap();
    given(&sequencer, &one).await;
    // As after a restart from a snapshot, or a failover: everything is there, but another server wrote it.
    for shard in 0..16 {
        let marker = format!("{prefix}{{seq{shard}}}");
        let _: i64 = client.commands().hset(marker, ("memory", "0123456789abcdef")).await.unwrap();
    }
    static OF_ANOTHER: ::redis::Script = ::redis::Script::new(
        "local room = redis.call('HGET', KEYS[1], 'room')
         redis.call('HSET', KEYS[1], 'room', '0123456789abcdef' .. string.sub(room, 17))",
    );
    let nothing: Vec<String> = Vec::new();
    client.run::<()>(&OF_ANOTHER, vec![room_key(&prefix, one.room)], nothing).await.unwrap();
    assert!(matches!(
        sequencer.reserve(&another(&one), "{}", known(sequencer.now(one.room))).await.unwrap(),
        Reserve::Resting(_)
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_is_talked_in_lives_on_though_its_age_is_not_set_with_each_message() {
    const LEFT_MS: i64 = 60_000;
    // When it was set is the last of what is packed.
    static EARLIER: ::redis::Script = ::redis::Script::new(
        "local room = redis.call('HGET', KEYS[1], 'room')
         local kept = struct.unpack('<d', room, #room - 7) - ARGV[1]
         redis.call('HSET', KEYS[1], 'room', string.sub(room, 1, -9) .. struct.pack('<d', kept))",
    );
    let client = stores::client().await;
    let prefix = format!("plaza_test_{}:", Uuid::now_v7().simple());
    let sequencer = sequencer::redis::Redis::open(client.clone(), &prefix).await.unwrap();
    stores::rested(&sequencer).await;
    let one = key();
    let room = room_key(&prefix, one.room);
    sequencer.seed(one.room, head(0)).await.unwrap();
    for n in 1..=3 {
        let _: bool = client.commands().pexpire(&room, LEFT_MS, None).await.unwrap();
        let passed = IDLE_MAX.as_millis() as i64 / 16 + 1;
        client.run::<()>(&EARLIER, vec![room.clone()], vec![passed.to_string()]).await.unwrap();
        assert_eq!(given(&sequencer, &another(&one)).await.0, n);
        let left: i64 = client.commands().pttl(&room).await.unwrap();
        assert!(left > LEFT_MS, "{left} ms are left");
    }
}

#[tokio::test(start_paused = true)]
async fn a_settled_key_is_remembered_for_as_long_as_a_look_up_may_be_old() {
    let sequencer = Local::new(Clock::system());
    let one = key();
    sequencer.seed(one.room, head(0)).await.unwrap();
    let (seq, stamp) = given(&sequencer, &one).await;
    sequencer.settle(&one, seq, stamp).await.unwrap();
    let looked_up = sequencer.now(one.room);
    tokio::time::advance(KEEP - Duration::from_secs(1)).await;
    assert_eq!(sequencer.reserve(&one, "{}", known(looked_up)).await.unwrap(), Reserve::Settled { seq: 1 });
    tokio::time::advance(Duration::from_secs(40)).await;
    assert_eq!(sequencer.reserve(&another(&one), "{}", known(looked_up)).await.unwrap(), Reserve::Stale);
    assert_eq!(given(&sequencer, &one).await.0, 2);
}
