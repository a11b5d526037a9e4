//! What a running Plaza offers.

use rustix::process::Signal;
use serde_json::Value;

use crate::process::{Folder, Running, client, plaza, run};

#[tokio::test]
async fn it_starts_on_an_empty_folder_serves_and_stops_when_told() {
    let folder = Folder::new();
    let plaza = Running::start(&folder).await;
    assert_eq!(plaza.get("/healthz").await, (200, "ok\n".to_owned()));
    let (status, ready) = plaza.get("/readyz").await;
    let ready: Value = serde_json::from_str(&ready).unwrap();
    assert_eq!((status, &ready["status"], &ready["stores"]["postgres"]), (200, &"ready".into(), &"up".into()));
    assert_eq!(plaza.register("ada").await, 201);
    let (status, metrics) = plaza.get("/metrics").await;
    assert!(status == 200 && metrics.ends_with("# EOF\n"), "{metrics}");
    assert_eq!(plaza.get("/v1/nothing").await.0, 404);

    let (code, said) = plaza.stop().await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("SIGTERM: draining") && said.contains("Plaza has stopped."), "{said}");
    assert!(!folder.postmaster_file().exists(), "its PostgreSQL stopped with it");
}

#[tokio::test]
async fn figures_may_have_an_address_of_their_own() {
    let folder = Folder::new();
    let data = folder.data();
    let own = ["--metrics-listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()];
    let plaza = Running::spawn(plaza(&[&["up", "--listen", "127.0.0.1:0"], &own[..]].concat())).await;
    assert_eq!(plaza.get("/metrics").await.0, 404);
    let figures = plaza.figures.clone().expect("it says where they are");
    let answer = |path: &str| client().get(figures.replace("/metrics", path)).send();
    let metrics = answer("/metrics").await.unwrap();
    assert_eq!(metrics.status().as_u16(), 200);
    assert!(metrics.text().await.unwrap().ends_with("# EOF\n"));
    assert_eq!(answer("/v1/me").await.unwrap().status().as_u16(), 404);
    plaza.stop().await;

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let refused = run(crate::process::plaza(&["up", "--listen", "127.0.0.1:0", "--metrics-listen", &taken])).await;
    assert_eq!(refused.code, Some(71), "{}", refused.stderr);
    assert!(refused.stderr.contains("Name another with --metrics-listen"), "{}", refused.stderr);
}

#[tokio::test]
async fn what_was_registered_is_there_after_a_restart() {
    let folder = Folder::new();
    let plaza = Running::start(&folder).await;
    assert_eq!(plaza.register("ben").await, 201);
    assert_eq!(plaza.stop().await.0, Some(0));
    let plaza = Running::start(&folder).await;
    assert_eq!(plaza.log_in("ben").await.0, 201);
    plaza.stop().await;
}

#[tokio::test]
async fn a_second_signal_stops_it_at_once() {
    let folder = Folder::new();
    let plaza = Running::start(&folder).await;
    // A request that never ends would hold the drain up.
    let address = plaza.url.trim_start_matches("http://");
    let mut slow = tokio::net::TcpStream::connect(address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(
        &mut slow,
        b"POST /v1/accounts HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
    )
    .await
    .unwrap();
    assert_eq!(plaza.get("/healthz").await.0, 200);
    plaza.signal(Signal::INT);
    plaza.signal(Signal::TERM);
    assert_eq!(plaza.end().await.0, Some(0));
}

#[tokio::test]
async fn check_looks_at_everything_and_changes_nothing() {
    let folder = Folder::new();
    let data = folder.data();
    let checked = run(plaza(&["check", "--data-dir", data.to_str().unwrap()])).await;
    assert_eq!(checked.code, Some(0), "{}{}", checked.stdout, checked.stderr);
    let lines: Vec<&str> = checked.stdout.lines().collect();
    assert!(lines.len() == 6 && lines.iter().all(|line| line.starts_with("ok")), "{}", checked.stdout);
    assert!(!data.exists());

    let running = Running::start(&folder).await;
    let checked = run(plaza(&["check", "--data-dir", data.to_str().unwrap()])).await;
    assert!(checked.stdout.contains("embedded, running") && checked.code == Some(0), "{}", checked.stdout);
    running.stop().await;
}

#[tokio::test]
async fn a_configured_server_is_migrated_and_used() {
    let url = postgres::testing::fresh_url().await;
    let mut migrate = plaza(&["migrate"]);
    migrate.env("PLAZA_POSTGRES_URL", &url);
    let migrated = run(migrate).await;
    assert_eq!(migrated.code, Some(0), "{}", migrated.stderr);

    let mut up = plaza(&["up", "--listen", "127.0.0.1:0"]);
    up.env("PLAZA_POSTGRES_URL", &url);
    let plaza = Running::spawn(up).await;
    assert_eq!(plaza.register("cleo").await, 201);
    assert_eq!(plaza.stop().await.0, Some(0));
}

#[tokio::test]
async fn check_says_where_uploads_live_and_whether_that_answers() {
    let folder = Folder::new();
    let data = folder.data();
    let checked = async |url: &str, endpoint: Option<&str>| {
        let mut check = plaza(&["check", "--data-dir", data.to_str().unwrap()]);
        check.env("PLAZA_BLOBS_URL", url).env("PLAZA_BLOBS_ACCESS_KEY", "ada").env("PLAZA_BLOBS_SECRET_KEY", "engine");
        check.envs(endpoint.map(|endpoint| ("PLAZA_BLOBS_ENDPOINT", endpoint)));
        let ended = run(check).await;
        let line = ended.stdout.lines().find(|line| line.contains(" blobs ")).unwrap_or_default().to_owned();
        (ended.code, line, ended.stderr)
    };
    let shared = format!("file://{}", folder.path().join("shared").display());
    let (code, line, _) = checked(&shared, None).await;
    assert!(code == Some(0) && line.starts_with("ok") && line.contains("shared"), "{line}");
    assert!(!folder.path().join("shared").exists());
    // Nobody listens on the discard port.
    let (code, line, _) = checked("s3://plaza", Some("http://127.0.0.1:9")).await;
    assert!(code == Some(69) && line.starts_with("WRONG"), "{line}");
    let (code, _, said) = checked("https://plaza", None).await;
    assert!(code == Some(78) && said.contains("s3://bucket"), "{said}");
}

#[tokio::test]
async fn help_tells_of_commands_stores_and_exit_codes() {
    let help = run(plaza(&["--help"])).await;
    assert_eq!(help.code, Some(0));
    for word in ["seed", "check", "migrate", "PLAZA_POSTGRES_URL", "PLAZA_REDIS_URL", "Exit codes", "78"] {
        assert!(help.stdout.contains(word), "{word}");
    }
}

#[tokio::test]
async fn a_demo_community_is_filled_once_and_beside_a_plaza_that_is_up() {
    let folder = Folder::new();
    let data = folder.data();
    let seed = || run(plaza(&["seed", "--people", "4", "--data-dir", data.to_str().unwrap()]));
    let seeded = seed().await;
    assert_eq!(seeded.code, Some(0), "{}", seeded.stderr);
    let running = Running::start(&folder).await;
    let again = seed().await;
    let count =
        |text: &str| text.lines().next().unwrap().replace("4 of them", "n of them").replace("0 of them", "n of them");
    assert!(seeded.stdout.starts_with("4 people (4 of them new)"), "{}", seeded.stdout);
    assert!(again.stdout.starts_with("4 people (0 of them new)"), "{}{}", again.stdout, again.stderr);
    assert_eq!(count(&seeded.stdout), count(&again.stdout), "nothing twice");
    running.stop().await;
}
