use graph::Error;
use graph::model::{Act, BLOCKS_MAX, FOLLOWING_MAX, MUTES_MAX, Refusal};
use kernel::UserId;

use crate::stage::{ADA, BEN, CLEO, DANA, Stage, person};

/// Gives `who` so many edges to a crowd, in one statement.
async fn crowd(stage: &Stage, who: UserId, table: &str, column: &str, count: u64) {
    let edges = format!(
        "INSERT INTO {table} (source, target, created_at)
         SELECT $1, lpad(to_hex(n), 32, '0')::uuid, now() FROM generate_series(1000, 999 + $2::bigint) n"
    );
    let count = i64::try_from(count).unwrap();
    sqlx::query(sqlx::AssertSqlSafe(edges)).bind(who).bind(count).execute(stage.db.pool()).await.unwrap();
    let counts = format!(
        "INSERT INTO graph_people (user_id, {column}) VALUES ($1, $2)
         ON CONFLICT (user_id) DO UPDATE SET {column} = excluded.{column}"
    );
    sqlx::query(sqlx::AssertSqlSafe(counts)).bind(who).bind(count).execute(stage.db.pool()).await.unwrap();
    // The crowd has rows too, so that counts stay what they should.
    sqlx::query(
        "INSERT INTO graph_people (user_id, followers)
         SELECT lpad(to_hex(n), 32, '0')::uuid, 1 FROM generate_series(1000, 999 + $1::bigint) n ON CONFLICT DO NOTHING",
    )
    .bind(count)
    .execute(stage.db.pool())
    .await
    .unwrap();
}

#[tokio::test]
async fn the_following_past_the_last_is_refused_and_requests_count() {
    let stage = Stage::new().await;
    crowd(&stage, ADA, "follows", "following", FOLLOWING_MAX - 2).await;
    assert!(stage.follow(ADA, CLEO).await.requested);
    assert!(stage.follow(ADA, BEN).await.follows);
    let refused = stage.service.follow(&stage.ctx(ADA), "dana").await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::FollowingLimit))));
    // An accepted request always has room; one that ends makes room.
    assert!(stage.act(CLEO, ADA, Act::Accept).await.is_ok());
    assert_eq!(stage.counts(ADA).await.1, FOLLOWING_MAX);
    assert_eq!(stage.service.followings(ADA).await.unwrap().len() as u64, FOLLOWING_MAX);
    stage.act(ADA, person(1000), Act::Unfollow).await.unwrap();
    assert!(stage.follow(ADA, DANA).await.follows);
}

#[tokio::test]
async fn the_block_and_the_mute_past_the_last_are_refused() {
    let stage = Stage::new().await;
    crowd(&stage, ADA, "blocks", "blocks", BLOCKS_MAX - 1).await;
    crowd(&stage, ADA, "mutes", "mutes", MUTES_MAX - 1).await;
    assert!(stage.act(ADA, BEN, Act::Mute).await.is_ok());
    assert!(stage.act(ADA, BEN, Act::Block).await.is_ok());
    assert!(stage.act(ADA, BEN, Act::Block).await.is_ok(), "what is there needs no room");
    assert!(matches!(stage.act(ADA, CLEO, Act::Block).await, Err(Error::Refused(Refusal::BlockLimit))));
    assert!(matches!(stage.act(ADA, CLEO, Act::Mute).await, Err(Error::Refused(Refusal::MuteLimit))));
    stage.act(ADA, BEN, Act::Unblock).await.unwrap();
    assert!(stage.act(ADA, CLEO, Act::Block).await.is_ok());
}
