//! Nothing drifts: whatever is written, and whatever is killed or paused meanwhile, the index comes to say what the tables
//! say.

use std::time::Duration;

use system_tests::chaos::{Engine, Size, World};
use system_tests::simulation::seed;

const SIZE: Size = Size {
    writes: 1_500,
    faults: 8,
    write_pause_max: Duration::from_millis(30),
    fault_pause_max: Duration::from_secs(5),
    large: 50_000,
};

/// How many seeds one after the other; `PLAZA_SIM_SEEDS` asks for more.
fn rounds() -> u64 {
    std::env::var("PLAZA_SIM_SEEDS").map_or(1, |text| text.parse().expect("PLAZA_SIM_SEEDS is a whole number"))
}

async fn chaos(engine: Engine) {
    let first = seed();
    for seed in first..first + rounds() {
        let world = World::open(engine, seed, SIZE).await;
        Box::pin(world.act()).await;
        println!("seed {seed}: {} posts, {} messages", world.count("contents").await, world.count("messages").await);
        world.assert_agrees().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_drifts_in_tantivy() {
    chaos(Engine::Tantivy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_drifts_in_opensearch() {
    chaos(Engine::OpenSearch).await;
}
