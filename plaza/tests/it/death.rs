//! `kill -9`, at any moment, and then the same command again.

use std::path::Path;

use rustix::process::Signal;

use crate::process::{Folder, Running, plaza, until};

#[tokio::test]
async fn nothing_acknowledged_is_gone_after_a_kill() {
    let folder = Folder::new();
    let mut expected: Vec<String> = Vec::new();
    for round in 0..3 {
        let plaza = Running::start(&folder).await;
        for handle in &expected {
            assert_eq!(plaza.log_in(handle).await.0, 201, "{handle}");
        }
        for n in 0..3 {
            let handle = format!("ada_{round}_{n}");
            assert_eq!(plaza.register(&handle).await, 201);
            expected.push(handle);
        }
        plaza.kill().await;
    }
    Running::start(&folder).await.stop().await;
}

#[tokio::test]
async fn its_postgres_does_not_outlive_it() {
    let folder = Folder::new();
    Running::start(&folder).await.kill().await;
    let file = folder.postmaster_file();
    until("the guard stops PostgreSQL", || !file.exists()).await;
}

#[tokio::test]
async fn a_first_start_may_be_killed_at_any_step() {
    let folder = Folder::new();
    let data = folder.data();
    let postgres = data.join("postgres");
    let begins_with = |folder: &Path, start: &str| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with(start))
    };
    type Reached<'a> = &'a dyn Fn() -> bool;
    let steps: [(&str, Reached<'_>); 5] = [
        ("the lock", &|| data.join("LOCK").exists()),
        ("its format", &|| data.join("FORMAT").exists()),
        ("a cluster half made", &|| begins_with(&postgres, "cluster.new-")),
        ("a cluster", &|| postgres.join("cluster").exists()),
        ("a server that starts", &|| folder.postmaster_file().exists()),
    ];
    for (step, reached) in steps {
        let mut child =
            plaza(&["up", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()]).spawn().unwrap();
        until(step, reached).await;
        child.kill().await.unwrap();
    }
    let plaza = Running::start(&folder).await;
    assert_eq!(plaza.register("dana").await, 201);
    plaza.stop().await;
}

#[tokio::test]
async fn a_signal_while_starting_is_obeyed() {
    let folder = Folder::new();
    let data = folder.data();
    let mut child = plaza(&["up", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()]).spawn().unwrap();
    until("its format", || data.join("FORMAT").exists()).await;
    let pid = rustix::process::Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    let ended = tokio::time::timeout(crate::process::DEADLINE, child.wait()).await.expect("it ends").unwrap();
    assert_eq!(ended.code(), Some(0));
    Running::start(&folder).await.stop().await;
}
