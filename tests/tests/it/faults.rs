//! Faults on the real thing, under load. Nothing acknowledged may be lost or doubled, and what could not be acknowledged
//! must have got an answer that says to try again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use sqlx::{Connection as _, PgConnection};
use system_tests::servers::Kind;
use system_tests::simulation::{Plan, Size, World, seed};
use system_tests::wait::until;
use system_tests::{Deployment, Device, Stores, deployment::GENEROUS};
use tokio::process::Command;
use tokio::time::sleep;

/// Half of it happens before the fault, half during and after it.
const LOAD: Size =
    Size { people: 5, devices_each: 2, rooms: 3, actions_each: 80, pause_max: Duration::from_millis(250) };
/// When the load is well under way.
const FAULT_AFTER: Duration = Duration::from_secs(4);

/// Lets the load run, lets `fault` happen in the middle of it, and checks that all promises were kept.
async fn under_load(plaza: &mut Deployment, fault: impl AsyncFnOnce(&mut Deployment)) {
    let mut world = World::open(plaza, Plan::draw(seed(), LOAD)).await;
    let (tally, ()) = tokio::join!(world.act(), async {
        sleep(FAULT_AFTER).await;
        fault(plaza).await;
    });
    println!("{tally:?}");
    // Senders try for a minute; no fault here lasts so long.
    assert_eq!(tally.acknowledged, tally.sent, "everything was acknowledged in the end");
    world.assert_holds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_nodes_is_killed() {
    let mut plaza = Deployment::start(Stores::GrownUp, 2, &GENEROUS).await;
    under_load(&mut plaza, async |plaza| {
        plaza.nodes[1].kill().await;
        sleep(Duration::from_secs(3)).await;
        plaza.nodes[1].restart().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_nodes_drains() {
    let mut plaza = Deployment::start(Stores::GrownUp, 2, &GENEROUS).await;
    under_load(&mut plaza, async |plaza| {
        plaza.nodes[0].stop().await;
        plaza.nodes[0].restart().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_killed_and_comes_back_empty() {
    let mut plaza = Deployment::start(Stores::GrownUp, 2, &GENEROUS).await;
    under_load(&mut plaza, async |plaza| {
        let redis = plaza.server(Kind::Redis);
        redis.kill().await;
        sleep(Duration::from_secs(2)).await;
        redis.restart().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cassandra_stands_still_for_ten_seconds() {
    let servers = [Kind::Postgres, Kind::Redis, Kind::Cassandra];
    let mut plaza = Deployment::start_on_own_servers(&servers, &GENEROUS).await;
    under_load(&mut plaza, async |plaza| {
        let cassandra = plaza.server(Kind::Cassandra);
        cassandra.pause();
        sleep(Duration::from_secs(10)).await;
        cassandra.resume();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_is_restarted_below_the_message_log() {
    // Without Cassandra, PostgreSQL holds the messages too.
    let mut plaza = Deployment::start_on_own_servers(&[Kind::Postgres, Kind::Redis], &GENEROUS).await;
    under_load(&mut plaza, async |plaza| {
        let postgres = plaza.server(Kind::Postgres);
        postgres.stop().await;
        sleep(Duration::from_secs(2)).await;
        postgres.restart().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedded_plaza_is_killed_with_its_postgres() {
    let mut plaza = Deployment::start(Stores::Embedded, 1, &GENEROUS).await;
    under_load(&mut plaza, async |plaza| {
        plaza.nodes[0].kill().await;
        plaza.nodes[0].restart().await;
    })
    .await;
}

/// Who sends, all of the time.
const SENDERS: usize = 12;
/// How often all of them lose their node.
const KILLS: usize = 3;
const SENDING: Duration = Duration::from_secs(2);
/// Until the worker has looked at what was left behind, and the index has it.
const FOUND_WITHIN: Duration = Duration::from_secs(120);

/// A message of the log in Cassandra is marked before it is written, and again when it can be read. Whoever dies in between leaves
/// a first mark, and a message that may or may not have been written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_index_finds_messages_whose_writers_were_killed() {
    let mut plaza = Deployment::start(Stores::GrownUp, 2, &GENEROUS).await;
    let mut database = PgConnection::connect(plaza.setting("PLAZA_POSTGRES_URL")).await.unwrap();
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let room = ada.session.group("Tea", &[ben.id()]).await.unwrap().id;
    let devices = join_all((0..SENDERS).map(|_| ada.device_by(1))).await;
    let mut left_behind = 0;
    for _ in 0..KILLS {
        let stop = AtomicBool::new(false);
        let send = async |device: &Device| {
            while !stop.load(Ordering::Relaxed) {
                // Those that are in flight are sent again, when their node is back.
                device.socket.send_message(room, "A cup of tea").await.unwrap();
            }
        };
        let kill = async {
            sleep(SENDING).await;
            plaza.nodes[1].kill().await;
            stop.store(true, Ordering::Relaxed);
            let first = first_marks(&mut database).await;
            plaza.nodes[1].restart().await;
            first
        };
        let (_, first) = tokio::join!(join_all(devices.iter().map(send)), kill);
        left_behind += first;
    }
    println!("{left_behind} first marks were left behind");
    assert!(left_behind > 0, "nobody was killed between a message and its mark");
    // As if they had lain there for as long as the sweep lets them.
    let age = "UPDATE search_marks SET marked_at = marked_at - interval '2 minutes' WHERE NOT ready";
    sqlx::query(age).execute(&mut database).await.unwrap();
    until("the index has what the log has", FOUND_WITHIN, async || {
        let verified = Command::from(plaza.command(&["search", "verify", "message"])).output().await.unwrap();
        verified.status.success().then_some(())
    })
    .await;
    until("nothing is left to sweep up", FOUND_WITHIN, async || (first_marks(&mut database).await == 0).then_some(()))
        .await;
}

/// Marks of messages of which nobody has said yet that they can be read.
async fn first_marks(database: &mut PgConnection) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM search_marks WHERE NOT ready").fetch_one(database).await.unwrap()
}
