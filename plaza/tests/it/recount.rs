//! `plaza recount`

use kernel::Secret;
use postgres::Db;

use crate::process::{Ended, plaza, run};

async fn recount(url: &str, arguments: &[&str]) -> Ended {
    let mut command = plaza(&[&["recount"], arguments].concat());
    command.env("PLAZA_POSTGRES_URL", url);
    run(command).await
}

#[tokio::test]
async fn counts_are_proven_and_repaired() {
    let url = postgres::testing::fresh_url().await;
    let settings = postgres::Settings { url: Some(Secret::new(url.clone())), connections_max: 2, ..Default::default() };
    let db = Db::connect(&settings).await.unwrap();
    let none = recount(&url, &[]).await;
    assert_eq!(
        (none.code, none.stdout.as_str()),
        (Some(0), "ok    0 counts of 0 contents, all right\nok    0 lines of inboxes, all right\n"),
        "{}",
        none.stderr
    );
    sqlx::query(
        "WITH told AS (
             INSERT INTO notifications (id, recipient, what, target, day, acts, at)
             VALUES (gen_random_uuid(), gen_random_uuid(), 1, gen_random_uuid(), 1, 4, now())
         ),
         made AS (
             INSERT INTO engagement_edges (content, what, actor, kind, author, value, at)
             SELECT gen_random_uuid(), 1, gen_random_uuid(), 1, gen_random_uuid(), 1, now() FROM generate_series(1, 60)
             RETURNING content
         )
         INSERT INTO engagement_counters (content, what, value, slot, count) SELECT content, 1, 1, 0, 3 FROM made",
    )
    .execute(db.pool())
    .await
    .unwrap();
    let wrong = recount(&url, &[]).await;
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
    assert!(
        wrong.stdout.contains("reaction 1: 3 counted, 1 there") && wrong.stdout.contains("… and 10 more\n"),
        "{}",
        wrong.stdout
    );
    assert!(wrong.stderr.contains("60 counts and 1 lines of inboxes are wrong"), "{}", wrong.stderr);
    let repaired = recount(&url, &["--repair"]).await;
    assert_eq!(repaired.code, Some(0), "{}", repaired.stderr);
    let said = "60 of 60 counts were wrong, and are right now.\n1 of 1 lines were wrong, and are right now.\n";
    assert!(repaired.stdout.ends_with(said), "{}", repaired.stdout);
    let right = recount(&url, &[]).await;
    assert_eq!(
        (right.code, right.stdout.as_str()),
        (Some(0), "ok    60 counts of 60 contents, all right\nok    0 lines of inboxes, all right\n")
    );
    assert_eq!(recount(&url, &["--everything"]).await.code, Some(64));
}
