//! The embedded server, with this machine's PostgreSQL: start, loss of power, leftovers, stop.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use postgres::embedded::{Archive, EmbeddedError, Options, Progress, Server};
use postgres::{Db, Settings};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const DEADLINE: Duration = Duration::from_secs(180);

/// A folder that the user PostgreSQL runs as can reach, even when the tests run as root.
fn folder() -> TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

async fn start(folder: &Path) -> Server {
    let (options, progress) = (Options::default(), Progress::silent());
    let started = Server::start(folder, &options, &progress);
    tokio::time::timeout(DEADLINE, started).await.expect("in time").expect("it starts")
}

async fn connect(server: &Server) -> Db {
    let url = Some(server.url().clone());
    Db::connect(&Settings { url, connections_max: 2, ..Settings::default() }).await.unwrap()
}

async fn count(db: &Db) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM notes").fetch_one(db.pool()).await.unwrap()
}

fn postmaster(folder: &Path) -> i32 {
    postmaster_now(folder).expect("its file")
}

/// `None` while there is no file, or none that is written yet.
fn postmaster_now(folder: &Path) -> Option<i32> {
    let text = fs::read_to_string(folder.join("cluster/postmaster.pid")).ok()?;
    text.lines().next()?.parse().ok()
}

fn kill(pid: i32, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal).unwrap();
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_stop_and_a_start() {
    let folder = folder();
    let server = start(folder.path()).await;
    assert!(server.created());
    let db = connect(&server).await;
    db.migrate().await.unwrap();
    sqlx::query("CREATE TABLE notes AS SELECT 1").execute(db.pool()).await.unwrap();
    let level: String = sqlx::query_scalar("SHOW wal_level").fetch_one(db.pool()).await.unwrap();
    assert_eq!(level, "logical");
    db.close().await;
    server.stop().await;
    assert!(!folder.path().join("cluster/postmaster.pid").exists());

    let server = start(folder.path()).await;
    assert!(!server.created());
    assert_eq!(count(&connect(&server).await).await, 1);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_is_killed_comes_back_with_everything_committed() {
    let folder = folder();
    let server = start(folder.path()).await;
    let db = connect(&server).await;
    sqlx::query("CREATE TABLE notes AS SELECT 1").execute(db.pool()).await.unwrap();
    // The pool has as many connections as it may, and all of them are about to break.
    let (one, other) = tokio::try_join!(db.pool().acquire(), db.pool().acquire()).unwrap();
    drop((one, other));
    let before = postmaster(folder.path());
    kill(before, rustix::process::Signal::KILL);
    let back =
        async { while db.ping().await.is_err() || postmaster_now(folder.path()).is_none_or(|now| now == before) {} };
    tokio::time::timeout(DEADLINE, back).await.expect("it comes back by itself");
    assert_eq!(count(&db).await, 1);
    db.close().await;
    server.stop().await;
}

/// The process that watches over the server `postmaster` for the end of Plaza.
fn guard_of(postmaster: i32) -> Option<i32> {
    let wanted = format!("plaza-guard\0{postmaster}\0");
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.find(|pid| fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.ends_with(&wanted)))
}

fn runs(pid: i32) -> bool {
    rustix::process::test_kill_process(rustix::process::Pid::from_raw(pid).unwrap()).is_ok()
}

/// Starts a server in a runtime that then ends without notice, as a killed Plaza does. Returns the postmaster.
fn start_and_die(folder: &Path, before_death: impl FnOnce(i32)) -> i32 {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let server = start(folder).await;
        let db = connect(&server).await;
        sqlx::query("CREATE TABLE notes AS SELECT 1").execute(db.pool()).await.unwrap();
        std::mem::forget(server);
    });
    let postmaster = postmaster(folder);
    before_death(postmaster);
    runtime.shutdown_timeout(DEADLINE);
    postmaster
}

#[test]
fn the_guard_stops_the_server_of_a_plaza_that_died() {
    let folder = folder();
    start_and_die(folder.path(), |_| {});
    let started = std::time::Instant::now();
    while folder.path().join("cluster/postmaster.pid").exists() {
        assert!(started.elapsed() < DEADLINE, "the guard stops it");
        std::thread::yield_now();
    }
}

#[test]
fn a_server_that_even_the_guard_left_running_is_replaced() {
    let folder = folder();
    let left = start_and_die(folder.path(), |postmaster| {
        kill(guard_of(postmaster).unwrap(), rustix::process::Signal::KILL);
    });
    assert!(runs(left));
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let server = start(folder.path()).await;
        assert_ne!(postmaster(folder.path()), left);
        assert_eq!(count(&connect(&server).await).await, 1);
        server.stop().await;
    });
}

#[tokio::test]
async fn a_lock_file_with_the_number_of_another_program_is_no_obstacle() {
    let folder = folder();
    start(folder.path()).await.stop().await;
    let lock = folder.path().join("cluster/postmaster.pid");
    fs::write(&lock, format!("{}\n", std::process::id())).unwrap();
    start(folder.path()).await.stop().await;
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_gets_a_loopback_port() {
    let folder = folder();
    let deep = folder.path().join("long".repeat(30));
    fs::create_dir(&deep).unwrap();
    let server = start(&deep).await;
    assert!(server.url().expose().contains("@127.0.0.1:"), "by port");
    connect(&server).await.ping().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_cluster_of_another_version_is_left_alone() {
    let folder = folder();
    fs::create_dir_all(folder.path().join("cluster")).unwrap();
    fs::write(folder.path().join("cluster/PG_VERSION"), "9\n").unwrap();
    let refused = Server::start(folder.path(), &Options::default(), &Progress::silent()).await.unwrap_err();
    assert!(matches!(refused, EmbeddedError::OtherMajor { needed: 9, .. }), "{refused}");
}

#[tokio::test]
async fn a_folder_of_programs_that_is_none_is_named() {
    let folder = folder();
    let options = Options { bin: Some("/usr/bin".into()), ..Options::default() };
    let refused = Server::start(folder.path(), &options, &Progress::silent()).await.unwrap_err();
    assert!(matches!(refused, EmbeddedError::BadPrograms { .. }), "{refused}");
}

/// A jar as Maven Central has them, with these files in it.
fn jar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o755);
        tar.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    let mut txz = liblzma::write::XzEncoder::new(Vec::new(), 6);
    txz.write_all(&tar.into_inner().unwrap()).unwrap();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("postgres-test.txz", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(&txz.finish().unwrap()).unwrap();
    zip.finish().unwrap().into_inner()
}

/// Answers every request with `body`, and returns its address.
async fn serve(body: Vec<u8>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
        }
    });
    format!("http://{address}/postgres.jar")
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn an_archive_is_fetched_checked_and_unpacked_as_a_whole() {
    let folder = folder();
    let body = jar(&[("bin/postgres", "#!/bin/sh\n"), ("bin/initdb", "#!/bin/sh\n")]);
    let archive = Archive { sha256: sha256(&body), url: serve(body).await };
    let target = folder.path().join("dist");
    archive.fetch(&target, &Progress::silent()).await.unwrap();
    assert_eq!(fs::read_to_string(target.join("bin/postgres")).unwrap(), "#!/bin/sh\n");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
}

#[tokio::test]
async fn an_archive_with_another_content_is_neither_used_nor_kept() {
    let folder = folder();
    let archive = Archive { sha256: sha256(b"other"), url: serve(jar(&[("bin/postgres", "evil")])).await };
    let refused = archive.fetch(&folder.path().join("dist"), &Progress::silent()).await.unwrap_err();
    assert!(refused.to_string().contains("another content than expected"), "{refused}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn an_archive_without_postgres_in_it_is_refused() {
    let folder = folder();
    let body = jar(&[("share/readme", "hello")]);
    let archive = Archive { sha256: sha256(&body), url: serve(body).await };
    let target = folder.path().join("dist");
    let refused = archive.fetch(&target, &Progress::silent()).await.unwrap_err();
    assert!(refused.to_string().contains("no bin/postgres"), "{refused}");
    assert!(!target.exists());
}

#[tokio::test]
async fn an_unreachable_mirror_is_reported_with_what_to_do_instead() {
    let lines = Arc::new(Mutex::new(Vec::<String>::new()));
    let archive = Archive::pinned("http://127.0.0.1:1/maven2").unwrap();
    let progress = Progress::new({
        let lines = Arc::clone(&lines);
        move |line| lines.lock().unwrap().push(line.to_owned())
    });
    let refused = archive.fetch(&folder().path().join("dist"), &progress).await.unwrap_err().to_string();
    assert!(refused.contains("PLAZA_POSTGRES_BIN") && refused.contains("PLAZA_POSTGRES_URL"), "{refused}");
}
