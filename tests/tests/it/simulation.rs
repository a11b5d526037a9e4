//! Many clients that send, edit, read, drop out and resume elsewhere, by a seeded plan.

use std::time::Duration;

use system_tests::simulation::{Plan, Size, World, seed};
use system_tests::{Deployment, Stores};

const SIZE: Size =
    Size { people: 6, devices_each: 2, rooms: 4, actions_each: 60, pause_max: Duration::from_millis(120) };

async fn simulate(stores: Stores) {
    let plaza = Deployment::shared(stores).await;
    let mut world = World::open(plaza, Plan::draw(seed(), SIZE)).await;
    let tally = world.act().await;
    println!("{tally:?}");
    assert_eq!(tally.acknowledged, tally.sent, "nothing was in the way of any send: {tally:?}");
    world.assert_holds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_embedded_stores() {
    simulate(Stores::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_grown_up_stores() {
    simulate(Stores::GrownUp).await;
}
