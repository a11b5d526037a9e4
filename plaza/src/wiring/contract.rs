//! What is wired is what the specs list, and the other way round.

use kernel::Clock;
use schemas::contract::assert_same_operations;

use super::{Slices, Stores, operations};
use crate::config::Config;

async fn slices() -> Slices {
    let config = Config::default();
    let stores = Stores::new(postgres::testing::fresh().await, None, None, &config);
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
