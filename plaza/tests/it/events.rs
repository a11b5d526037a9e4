//! `plaza events`, and what PostgreSQL must allow for there to be any.

use kernel::{Clock, EventId, Secret};
use postgres::Db;

use crate::process::{DEADLINE, Ended, Running, plaza, run};

async fn open(url: &str) -> Db {
    let url = Some(Secret::new(url.to_owned()));
    Db::connect(&postgres::Settings { url, connections_max: 2, ..Default::default() }).await.unwrap()
}

async fn asked(url: &str, arguments: &[&str]) -> Ended {
    let mut command = plaza(arguments);
    command.env("PLAZA_POSTGRES_URL", url);
    run(command).await
}

#[tokio::test]
async fn events_that_failed_are_listed_and_given_to_their_consumer_again() {
    let url = postgres::testing::fresh_url().await;
    let db = open(&url).await;
    let now = Clock::system().now();
    let ids = [EventId::new(now), EventId::new(now)];
    for (position, id) in (1_i64..).zip(ids) {
        sqlx::query(
            "INSERT INTO event_dead (consumer, position, id, kind, key, payload, created_at, tries, died_at, error)
             VALUES ('nobody', $1, $2, 'thing.changed', 'ada', '{}', $3, 10, $3, 'it was raining')",
        )
        .bind(position)
        .bind(id)
        .bind(now)
        .execute(db.pool())
        .await
        .unwrap();
    }
    let listed = asked(&url, &["events", "dead"]).await;
    assert_eq!((listed.code, listed.stdout.lines().count()), (Some(0), 2), "{}", listed.stderr);
    assert!(
        listed.stdout.contains(&ids[0].to_string())
            && listed.stdout.contains("nobody  thing.changed  ada  10 tries: it was raining")
    );
    assert_eq!(asked(&url, &["events", "dead", "--limit", "1"]).await.stdout.lines().last(), Some("… and 1 more"));

    assert_eq!(asked(&url, &["events", "replay"]).await.code, Some(64), "which one?");
    let one = asked(&url, &["events", "replay", &ids[0].to_string()]).await;
    assert_eq!(one.stdout, "1 to be delivered again.\n", "{}", one.stderr);
    let other = asked(&url, &["events", "replay", "--all", "--consumer", "somebody"]).await;
    assert_eq!(other.stdout, "0 to be delivered again.\n");
    let rest = asked(&url, &["events", "replay", "--all"]).await;
    assert_eq!(rest.stdout, "1 to be delivered again.\n");
    assert!(asked(&url, &["events", "dead"]).await.stdout.starts_with("None"));

    // A Plaza that is up gives them their places; that nobody is called nobody holds them up for nobody.
    let mut command = plaza(&["up", "--listen", "127.0.0.1:0"]);
    command.env("PLAZA_POSTGRES_URL", &url);
    let running = Running::spawn(command).await;
    let taken = async {
        while sqlx::query_scalar::<_, bool>("SELECT EXISTS (SELECT FROM outbox)").fetch_one(db.pool()).await.unwrap() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, taken).await.expect("the replayed events are taken");
    running.stop().await;
}

#[tokio::test]
async fn a_role_that_may_not_read_the_change_stream_is_told_so_by_check_and_at_the_start() {
    let url = postgres::testing::fresh_url().await;
    let db = open(&url).await;
    let database: String = sqlx::query_scalar("SELECT current_database()::text").fetch_one(db.pool()).await.unwrap();
    let role = format!("{database}_reader");
    let make = format!("CREATE ROLE {role} LOGIN PASSWORD 'secret' NOREPLICATION; GRANT pg_read_all_data TO {role}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(make)).execute(db.pool()).await.unwrap();
    let options = (*db.pool().connect_options()).clone().username(&role).password("secret");
    let as_reader = sqlx::ConnectOptions::to_url_lossy(&options).to_string();
    let check = asked(&as_reader, &["check"]).await;
    assert_eq!(check.code, Some(69), "{}", check.stdout);
    assert!(check.stdout.contains("WRONG postgres") && check.stdout.contains("REPLICATION"), "{}", check.stdout);
    let up = asked(&as_reader, &["up", "--listen", "127.0.0.1:0"]).await;
    assert!(up.code == Some(69) && up.stderr.contains("REPLICATION"), "{}", up.stderr);
    let drop = format!("DROP ROLE {role}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(drop)).execute(db.pool()).await.unwrap();
    let check = asked(&url, &["check"]).await;
    assert!(check.stdout.contains("ok    postgres"), "{}", check.stdout);
}
