//! Keyspaces for tests, on the cluster that `PLAZA_TEST_CASSANDRA_NODES` names.
//!
//! Making tables is slow in Cassandra, so tests share one migrated keyspace for each set of migrations and keep apart by
//! the ids that they make.

use crate::{Db, Settings};

/// A keyspace with all migrations applied, shared with other tests.
///
/// # Panics
/// When there is no test cluster: a test that needs one must not pass without it.
pub async fn shared() -> Db {
    let db = bare(&format!("plaza_test_{}", crate::migrations::fingerprint())).await;
    db.migrate().await.expect("the migrations apply");
    db
}

/// A keyspace called `name`, empty if nobody used it before.
///
/// # Panics
/// As [`shared`].
pub async fn bare(name: &str) -> Db {
    Db::connect(&settings(name)).await.expect("PLAZA_TEST_CASSANDRA_NODES names a cluster that answers")
}

/// How to reach the test cluster.
///
/// # Panics
/// As [`shared`].
#[must_use]
pub fn settings(keyspace: &str) -> Settings {
    let nodes = std::env::var("PLAZA_TEST_CASSANDRA_NODES")
        .expect("this test needs Cassandra: run ./test, or set PLAZA_TEST_CASSANDRA_NODES");
    let nodes = nodes.split(',').map(|node| node.trim().to_owned()).collect();
    Settings { nodes, keyspace: keyspace.to_owned(), ..Settings::default() }
}

/// Drops a keyspace made by [`bare`].
///
/// # Panics
/// When the cluster refuses.
pub async fn drop_keyspace(db: &Db) {
    db.run(&format!("DROP KEYSPACE IF EXISTS {}", db.keyspace())).await.expect("the keyspace goes");
}
