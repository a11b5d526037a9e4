//! What is wired is what the specs list, and the other way round.

use kernel::Clock;
use schemas::contract::{assert_same_commands, assert_same_operations};

use super::{Slices, Stores, commands, operations};
use crate::config::Config;

async fn slices() -> Slices {
    let config = Config::default();
    let folder = tempfile::tempdir().expect("a folder");
    let blobs = blobs::Blobs::open(&config.blobs, folder.path()).expect("a folder for blobs");
    let stores = Stores::new(postgres::testing::fresh().await, None, None, None, blobs, &config).await.expect("stores");
    match Slices::start(&stores, &config, &Clock::system()).await {
        Ok(slices) => slices,
        Err(stopped) => panic!("the slices do not start: {stopped:?}"),
    }
}

#[tokio::test]
async fn every_operation_of_openapi_is_served_and_no_other() {
    let routes = operations(&slices().await);
    assert_same_operations(routes.operations().map(|it| (it.id, &it.method, it.path, it.creates)));
}

#[tokio::test]
async fn every_command_of_asyncapi_is_answered_and_no_other() {
    let commands = commands(&slices().await);
    assert_same_commands(commands.names().chain(gateway::COMMANDS));
}
