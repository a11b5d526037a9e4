//! Faults on the real thing, under load. Nothing acknowledged may be lost or doubled, and what could not be acknowledged
//! must have got an answer that says to try again.

use std::time::Duration;

use system_tests::servers::Kind;
use system_tests::simulation::{Plan, Size, World, seed};
use system_tests::{Deployment, Stores, deployment::GENEROUS};
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
