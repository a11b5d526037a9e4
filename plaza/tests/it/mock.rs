//! `plaza mock`, and `plaza conformance` against it.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::timeout;

use crate::process::{DEADLINE, client, plaza, run};

#[tokio::test]
async fn a_mock_needs_nothing_does_as_the_specs_say_and_ends_when_asked() {
    let mut command = plaza(&["mock", "--listen", "127.0.0.1:0"]);
    let mut mock = command.stdout(Stdio::null()).spawn().unwrap();
    let mut said = BufReader::new(mock.stderr.take().unwrap()).lines();
    let line = timeout(DEADLINE, said.next_line()).await.expect("it starts in time").unwrap().expect("it says where");
    let url = line.strip_prefix("plaza mock listens on ").and_then(|it| it.split(';').next()).expect("an address");

    let me = client().get(format!("{url}/v1/me")).bearer_auth("mock-ada").send().await.unwrap();
    assert_eq!(me.status(), 200);
    assert_eq!(client().get(format!("{url}/v1/me")).send().await.unwrap().status(), 401);
    let address = url.strip_prefix("http://").unwrap();
    let fine = run(plaza(&["conformance", address])).await;
    assert_eq!(fine.code, Some(0), "{}{}", fine.stdout, fine.stderr);
    let strange = run(plaza(&["conformance", address, "--token", "nobody"])).await;
    assert_eq!(strange.code, Some(2), "{}{}", strange.stdout, strange.stderr);

    kill_process(Pid::from_raw(mock.id().unwrap().cast_signed()).unwrap(), Signal::TERM).unwrap();
    assert_eq!(timeout(DEADLINE, mock.wait()).await.expect("it ends in time").unwrap().code(), Some(0));
}

#[tokio::test]
async fn what_cannot_be_mocked_is_said() {
    let missing = run(plaza(&["mock", "--listen", "127.0.0.1:0", "--openapi", "/nonexistent.yaml"])).await;
    assert_eq!(missing.code, Some(78), "{}", missing.stderr);
    assert!(missing.stderr.contains("/nonexistent.yaml"), "{}", missing.stderr);
    assert_eq!(run(plaza(&["mock", "--fail-rate", "2"])).await.code, Some(64));
}
