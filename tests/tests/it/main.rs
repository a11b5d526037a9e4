//! What people can do with a Plaza, tried from outside.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that panics fails, and shows what it printed")]

mod accounts;
mod chat;
mod engagement;
mod faults;
mod feed;
mod graph;
mod limits;
mod observability;
mod presence;
mod rest;
mod search;
mod search_chaos;
mod simulation;

/// Runs each test on the embedded and on the grown-up stores.
macro_rules! on_both_stores {
    ($($test:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(system_tests::Deployment::shared(system_tests::Stores::Embedded).await).await;
            })*
        }
        mod grown_up {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(system_tests::Deployment::shared(system_tests::Stores::GrownUp).await).await;
            })*
        }
    };
}
use on_both_stores;
