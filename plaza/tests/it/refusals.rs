//! What keeps Plaza from starting: a clear message, and an exit code of its own for each.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::process::{Ended, Folder, Running, plaza, run};

async fn refused(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = plaza(arguments);
    command.envs(variables.iter().copied());
    run(command).await
}

#[track_caller]
fn assert_says(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    for word in words {
        assert!(ended.stderr.contains(word), "“{word}” is missing in: {}", ended.stderr);
    }
}

#[tokio::test]
async fn a_wrong_command_line_is_64() {
    assert_says(&refused(&["upp"], &[]).await, 64, &["upp"]);
    assert_says(&refused(&["--role", "king"], &[]).await, 64, &["gateway", "api", "worker"]);
}

#[tokio::test]
async fn a_wrong_setting_is_78() {
    let unknown = refused(&["check"], &[("PLAZA_POSTGRES_ULR", "x")]).await;
    assert_says(&unknown, 78, &["PLAZA_POSTGRES_ULR", "PLAZA_POSTGRES_URL"]);
    assert_says(&refused(&["--set", "listn=x"], &[]).await, 78, &["listn", "listen"]);
    assert_says(&refused(&["--listen", "here"], &[]).await, 78, &["listen", "--listen"]);
    assert_says(&refused(&["--config", "/nonexistent.toml"], &[]).await, 78, &["/nonexistent.toml"]);
}

#[tokio::test]
async fn a_split_without_shared_stores_is_78() {
    assert_says(&refused(&["--role", "api"], &[]).await, 78, &["PLAZA_POSTGRES_URL", "PLAZA_REDIS_URL"]);
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_69() {
    let url = "postgres://plaza:hunter2@127.0.0.1:1/plaza";
    let quick = ("PLAZA_POSTGRES_ACQUIRE_MS_MAX", "300");
    let up = refused(&["up", "--listen", "127.0.0.1:0"], &[("PLAZA_POSTGRES_URL", url), quick]).await;
    assert_says(&up, 69, &["PostgreSQL", "PLAZA_POSTGRES_URL"]);
    assert!(!up.stderr.contains("hunter2"));
    let check = refused(&["check"], &[("PLAZA_POSTGRES_URL", url), quick]).await;
    assert_says(&check, 69, &[]);
    assert!(check.stdout.contains("WRONG postgres") && check.stdout.contains("ok    redis"), "{}", check.stdout);
}

#[tokio::test]
async fn a_taken_port_is_71_and_shows_before_anything_is_started() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = Folder::new();
    let data = folder.data();
    let up = refused(&["up", "--listen", &address, "--data-dir", data.to_str().unwrap()], &[]).await;
    assert_says(&up, 71, &[&address, "--listen"]);
    assert!(!data.exists());
    assert_says(&refused(&["up", "--listen", "192.0.2.1:80"], &[]).await, 71, &["no address of this machine"]);
}

#[tokio::test]
async fn a_second_plaza_on_one_folder_is_75() {
    let folder = Folder::new();
    let first = Running::start(&folder).await;
    let data = folder.data();
    let second = refused(&["up", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()], &[]).await;
    assert_says(&second, 75, &["Another Plaza", data.to_str().unwrap(), "--data-dir"]);
    assert_eq!(first.get("/readyz").await.0, 200, "the first one is not disturbed");
    first.stop().await;
}

#[tokio::test]
async fn a_folder_of_another_version_is_65() {
    let folder = Folder::new();
    fs::write(folder.path().join("FORMAT"), "99\n").unwrap();
    let path = folder.path().to_str().unwrap();
    let up = refused(&["up", "--listen", "127.0.0.1:0", "--data-dir", path], &[]).await;
    assert_says(&up, 65, &["newer Plaza", "99"]);

    fs::write(folder.path().join("FORMAT"), "1\n").unwrap();
    fs::create_dir_all(folder.path().join("postgres/cluster")).unwrap();
    fs::write(folder.path().join("postgres/cluster/PG_VERSION"), "9\n").unwrap();
    let up = refused(&["up", "--listen", "127.0.0.1:0", "--data-dir", path], &[]).await;
    assert_says(&up, 65, &["PostgreSQL 9", "pg_upgrade"]);
}

#[tokio::test]
async fn a_database_of_a_newer_plaza_is_65() {
    let url = postgres::testing::fresh_url().await;
    let settings = postgres::Settings { url: Some(kernel::Secret::new(url.clone())), ..Default::default() };
    let db = postgres::Db::connect(&settings).await.unwrap();
    sqlx::query("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1").execute(db.pool()).await.unwrap();
    let up = refused(&["up", "--listen", "127.0.0.1:0"], &[("PLAZA_POSTGRES_URL", &url)]).await;
    assert_says(&up, 65, &["newer Plaza", "9999"]);
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_73() {
    let folder = Folder::new();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        let up = refused(&["up", "--listen", "127.0.0.1:0", "--data-dir", path.to_str().unwrap()], &[]).await;
        assert_says(&up, 73, &["not a folder", "--data-dir"]);
    }
    let strange = refused(&["up", "--listen", "127.0.0.1:0", "--data-dir", folder.path().to_str().unwrap()], &[]).await;
    assert_says(&strange, 73, &["not empty", "file"]);
}

#[tokio::test]
async fn as_root_a_folder_below_a_private_one_is_73_and_a_better_place_is_named() {
    if !rustix::process::geteuid().is_root() {
        // PostgreSQL then runs as the same user, to whom nothing of this applies.
        return;
    }
    let folder = Folder::new();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    let data = folder.data();
    let up = refused(&["up", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()], &[]).await;
    assert_says(&up, 73, &["nobody cannot reach", "/var/lib/plaza", "PLAZA_POSTGRES_USER"]);
    let nemo = [("PLAZA_POSTGRES_USER", "nemo")];
    let up = refused(&["up", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()], &nemo).await;
    assert_says(&up, 78, &["no user nemo"]);
}

#[tokio::test]
async fn a_second_plaza_on_one_database_without_redis_waits_for_the_first() {
    let url = postgres::testing::fresh_url().await;
    let up = || {
        let mut command = plaza(&["up", "--listen", "127.0.0.1:0"]);
        command.env("PLAZA_POSTGRES_URL", &url);
        command
    };
    let first = Running::spawn(up()).await;
    let second = tokio::spawn(Running::spawn(up()));
    assert_eq!(first.get("/readyz").await.0, 200);
    assert!(!second.is_finished());
    first.stop().await;
    second.await.unwrap().stop().await;
}
