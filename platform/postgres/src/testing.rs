//! A fresh, migrated database for each test, on the server that `PLAZA_TEST_POSTGRES_URL` names.
//!
//! Migrations run once for each distinct set of them, into a template; a test's database is a copy of it. Databases
//! of earlier runs are dropped when they are older than an hour.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::str::FromStr as _;
use std::time::Duration;

use kernel::{Clock, Secret, Timestamp};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};

use crate::{Db, Settings, migrations, outbox};

const LEFTOVER_AGE_MAX: Duration = Duration::from_secs(60 * 60);
/// A test that has a slot and no connection for this long is over.
const SLOT_AGE_MAX: Duration = Duration::from_secs(3 * 60);
/// Many builds and tests share a machine: slow is not broken.
const ACQUIRE_MS_MAX: u64 = 60_000;
/// A test needs few connections, and many tests run at once.
const CONNECTIONS_MAX: u32 = 8;
const TEST_PREFIX: &str = "plaza_test_";
const TEMPLATE_PREFIX: &str = "plaza_template_";

/// A new database with all migrations applied.
///
/// # Panics
/// When there is no test server: a test that needs one must not pass without it.
pub async fn fresh() -> Db {
    let url = fresh_url().await;
    let settings = Settings {
        url: Some(Secret::new(url)),
        connections_max: CONNECTIONS_MAX,
        acquire_ms_max: ACQUIRE_MS_MAX,
        ..Settings::default()
    };
    Db::connect(&settings).await.expect("a connection to the test's own database")
}

/// Like [`fresh`], for tests that start a process of their own: the new database's URL.
///
/// # Panics
/// As [`fresh`].
pub async fn fresh_url() -> String {
    let server = std::env::var("PLAZA_TEST_POSTGRES_URL")
        .expect("this test needs PostgreSQL: run ./test, or set PLAZA_TEST_POSTGRES_URL");
    let options = PgConnectOptions::from_str(&server).expect("PLAZA_TEST_POSTGRES_URL is a PostgreSQL URL");
    let mut admin = options.connect().await.expect("PLAZA_TEST_POSTGRES_URL names a server that answers");

    let now = Clock::system().now();
    let template = template(&mut admin, &server, now).await;
    let name = format!("{TEST_PREFIX}{}_{:08x}", now.as_millis() / 1000, rand::random::<u32>());
    run(&mut admin, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    drop_leftovers(&mut admin, now).await;
    admin.close().await.expect("closing the connection");
    with_database(&server, &name)
}

/// Gives what is committed its place in the outbox, as the reader of the change stream does.
///
/// # Panics
/// When the database does not answer.
pub async fn number_events(db: &Db) {
    let mut tx = db.begin().await.expect("a transaction");
    outbox::number_all(&mut tx).await.expect("the outbox");
    tx.commit().await.expect("a commit");
}

/// Delivers one batch to each consumer, in a test that reads no change stream. Returns as [`outbox::Dispatch::deliver_once`].
///
/// # Panics
/// When the database does not answer.
pub async fn deliver_once(db: &Db, dispatch: &outbox::Dispatch) -> usize {
    number_events(db).await;
    dispatch.deliver_once().await.expect("the events are delivered")
}

/// The name of the migrated template; made under a lock if this set of migrations has none yet.
async fn template(admin: &mut PgConnection, server: &str, now: Timestamp) -> String {
    let name = format!("{TEMPLATE_PREFIX}{}", migrations::fingerprint());
    let lock = lock_key(&name);
    sqlx::query("SELECT pg_advisory_lock($1)").bind(lock).execute(&mut *admin).await.expect("the template's lock");
    // `datistemplate` is set last: a template without it was left half made.
    let ready: Option<bool> = sqlx::query_scalar("SELECT datistemplate FROM pg_database WHERE datname = $1")
        .bind(&name)
        .fetch_optional(&mut *admin)
        .await
        .expect("the catalogue of databases");
    if ready != Some(true) {
        run(admin, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        run(admin, format!("CREATE DATABASE {name}")).await;
        let settings = Settings {
            url: Some(Secret::new(with_database(server, &name))),
            connections_max: 1,
            ..Settings::default()
        };
        let db = Db::connect(&settings).await.expect("a connection to the template");
        db.migrate().await.expect("the migrations apply to an empty database");
        db.close().await;
        run(admin, format!("COMMENT ON DATABASE {name} IS '{}'", now.as_millis() / 1000)).await;
        run(admin, format!("ALTER DATABASE {name} IS_TEMPLATE true ALLOW_CONNECTIONS false")).await;
    }
    sqlx::query("SELECT pg_advisory_unlock($1)").bind(lock).execute(&mut *admin).await.expect("the template's lock");
    name
}

/// Drops databases of earlier runs, and templates of migrations that are long gone. One process at a time does it.
async fn drop_leftovers(admin: &mut PgConnection, now: Timestamp) {
    let lock = lock_key("leftovers");
    let mine: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
        .bind(lock)
        .fetch_one(&mut *admin)
        .await
        .expect("the lock for cleaning up");
    if !mine {
        return;
    }
    let oldest = now.minus(LEFTOVER_AGE_MAX).as_millis() / 1000;
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT datname::text FROM pg_database
         WHERE datname LIKE 'plaza\\_test\\_%' AND split_part(datname, '_', 3)::bigint < $1",
    )
    .bind(oldest)
    .fetch_all(&mut *admin)
    .await
    .expect("the catalogue of databases");
    for name in names {
        // Somebody else may be quicker.
        run(admin, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
    }
    drop_slots(admin, now).await;
    let current = format!("{TEMPLATE_PREFIX}{}", migrations::fingerprint());
    let day_ago = now.minus(24 * LEFTOVER_AGE_MAX).as_millis() / 1000;
    let templates: Vec<String> = sqlx::query_scalar(
        "SELECT datname::text FROM pg_database
         WHERE datname LIKE 'plaza\\_template\\_%' AND datistemplate AND datname <> $1
           AND shobj_description(oid, 'pg_database')::bigint < $2",
    )
    .bind(&current)
    .bind(day_ago)
    .fetch_all(&mut *admin)
    .await
    .expect("the catalogue of databases");
    for name in templates {
        run(admin, format!("ALTER DATABASE {name} IS_TEMPLATE false")).await;
        run(admin, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
    }
    sqlx::query("SELECT pg_advisory_unlock($1)").bind(lock).execute(&mut *admin).await.expect("the clean-up's lock");
}

/// Drops the replication slots of tests that are over: a server has few of them. Nobody is connected to their databases.
async fn drop_slots(admin: &mut PgConnection, now: Timestamp) {
    let oldest = now.minus(SLOT_AGE_MAX).as_millis() / 1000;
    let slots: Vec<String> = sqlx::query_scalar(
        "SELECT slot_name::text FROM pg_replication_slots slot
         WHERE database LIKE 'plaza\\_test\\_%' AND split_part(database, '_', 3)::bigint < $1 AND NOT active
           AND NOT EXISTS (SELECT FROM pg_stat_activity busy WHERE busy.datname = slot.database)",
    )
    .bind(oldest)
    .fetch_all(&mut *admin)
    .await
    .expect("the catalogue of slots");
    for slot in slots {
        // Somebody else may be quicker.
        let dropped = sqlx::query("SELECT pg_drop_replication_slot($1)").bind(&slot).execute(&mut *admin).await;
        drop(dropped);
    }
}

/// Runs a statement that takes no parameters; its names are made here, never by a user.
async fn run(admin: &mut PgConnection, sql: String) {
    if let Err(error) = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(admin).await {
        panic!("{sql}: {error}");
    }
}

fn lock_key(name: &str) -> i64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(name).cast_signed()
}

/// `server`, with another database in place of its own.
fn with_database(server: &str, name: &str) -> String {
    let (address, query) = server.split_once('?').map_or((server, None), |(a, q)| (a, Some(q)));
    let start = address.find("://").map_or(0, |at| at + 3);
    let end = address[start..].find('/').map_or(address.len(), |at| start + at);
    let query = query.map(|q| format!("?{q}")).unwrap_or_default();
    format!("{}/{name}{query}", &address[..end])
}
