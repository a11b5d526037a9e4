//! The runner of `plaza conformance`, on the mock.

use mock::conformance::{Broken, run};
use mock::spec::Spec;
use mock::{Mock, Settings};

use crate::world::World;

#[tokio::test]
async fn the_mock_does_as_the_spec_says_without_exceptions() {
    let world = World::start(Settings::default()).await;
    let spec = Spec::load(None, None).unwrap();
    let report = run(&spec, &world.address.to_string(), "mock-ada", &[]).await.unwrap();
    assert!(report.differences.is_empty(), "{:#?}", report.differences);
    assert!(report.excepted.is_empty());
    // Every command, valid and spoilt.
    assert!(report.passed > 80, "{}", report.passed);
}

#[tokio::test]
async fn a_server_that_does_otherwise_is_found_out() {
    let world = World::start(Settings { fail_rate: 1.0, ..Settings::default() }).await;
    let spec = Mock::load(Settings::default()).unwrap().spec();
    let address = world.address.to_string();
    let report = run(&spec, &address, "mock-ada", &["history store_unavailable".to_owned()]).await.unwrap();
    assert!(report.differences.iter().any(|it| it == "message.send plain: refused with store_unavailable"));
    assert!(!report.differences.iter().any(|it| it.starts_with("history")), "{:?}", report.differences);
    assert!(report.excepted["history store_unavailable"] > 0);
    // A token that does not let in ends the connection.
    let refused = run(&spec, &address, "nobody", &[]).await;
    assert!(matches!(refused, Err(Broken::Ended(_))), "{refused:?}");
}
