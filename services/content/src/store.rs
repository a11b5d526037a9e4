//! Posts in PostgreSQL.

use std::collections::HashMap;

use kernel::{PageSize, PostId, StoreError, Timestamp, UserId};
use postgres::outbox::{self, OutboxEvent};
use postgres::{Db, StoreResult, fault};
use schemas::content::{Audience, Place, PostKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, Transaction};

use crate::model::Post;

const COLUMNS: &str = "id, kind, author, audience, text, mentions, hashtags, version, created_at, edited_at, \
     latitude, longitude, place_name";

#[derive(Debug, Clone)]
pub(crate) struct Store {
    db: Db,
}

type Tx = Transaction<'static, Postgres>;

impl Store {
    pub(crate) const fn new(db: Db) -> Self {
        Self { db }
    }

    pub(crate) async fn begin(&self) -> StoreResult<Tx> {
        self.db.begin().await
    }

    /// Those of `ids` that exist, in no order.
    pub(crate) async fn by_id(&self, ids: &[PostId]) -> StoreResult<Vec<Post>> {
        let rows = sqlx::query_as::<_, Row>(select("WHERE id = ANY($1) AND deleted_at IS NULL"))
            .bind(ids)
            .fetch_all(self.db.pool());
        collect(telemetry::timed("postgres", "content.by_id", rows).await)
    }

    /// An author's posts before `before`, newest first.
    pub(crate) async fn by_author(
        &self,
        author: UserId,
        public_only: bool,
        before: Option<PostId>,
        size: PageSize,
    ) -> StoreResult<Vec<Post>> {
        let rows = sqlx::query_as::<_, Row>(select(
            "WHERE author = $1 AND deleted_at IS NULL AND ($2 OR audience = 'public') AND id < $3
             ORDER BY id DESC LIMIT $4",
        ))
        .bind(author)
        .bind(!public_only)
        .bind(before.unwrap_or(LAST))
        .bind(size.plus_one())
        .fetch_all(self.db.pool());
        collect(telemetry::timed("postgres", "content.by_author", rows).await)
    }

    /// Public posts with a hashtag before `before`, newest first.
    pub(crate) async fn by_tag(&self, tag: &str, before: Option<PostId>, limit: i64) -> StoreResult<Vec<Post>> {
        let rows = sqlx::query_as::<_, Row>(select(
            "JOIN post_hashtags ON post = id
             WHERE tag = $1 AND post < $2 AND deleted_at IS NULL AND audience = 'public'
             ORDER BY post DESC LIMIT $3",
        ))
        .bind(tag)
        .bind(before.unwrap_or(LAST))
        .bind(limit)
        .fetch_all(self.db.pool());
        collect(telemetry::timed("postgres", "content.by_tag", rows).await)
    }

    /// Hashtags and authors of the latest public posts of each of `tags`, up to `each` of a hashtag.
    pub(crate) async fn latest_of_tags(&self, tags: &[String], each: i64) -> StoreResult<Vec<(String, UserId)>> {
        let rows = sqlx::query_as::<_, (String, UserId)>(
            "SELECT asked.tag, post.author FROM unnest($1::text[]) asked (tag)
             CROSS JOIN LATERAL (
                 SELECT author FROM post_hashtags JOIN posts ON id = post
                 WHERE post_hashtags.tag = asked.tag AND deleted_at IS NULL AND audience = 'public'
                 ORDER BY post DESC LIMIT $2
             ) post",
        )
        .bind(tags)
        .bind(each)
        .fetch_all(self.db.pool());
        telemetry::timed("postgres", "content.latest_of_tags", rows).await.map_err(fault)
    }

    /// How many public posts each of `tags` has, counted up to `most`.
    pub(crate) async fn count_tags(&self, tags: &[String], most: i64) -> StoreResult<HashMap<String, i64>> {
        let rows = sqlx::query_as::<_, (String, i64)>(
            "SELECT asked.tag, (SELECT count(*) FROM (
                 SELECT FROM post_hashtags WHERE post_hashtags.tag = asked.tag LIMIT $2
             ) counted) FROM unnest($1::text[]) asked (tag)",
        )
        .bind(tags)
        .bind(most)
        .fetch_all(self.db.pool());
        Ok(telemetry::timed("postgres", "content.count_tags", rows).await.map_err(fault)?.into_iter().collect())
    }

    /// The newest posts of all `authors` together that come before `before`: ids and authors, newest first.
    pub(crate) async fn latest(
        &self,
        authors: &[UserId],
        before: Option<PostId>,
        limit: i64,
    ) -> StoreResult<Vec<(PostId, UserId)>> {
        let rows = sqlx::query_as::<_, (PostId, UserId)>(
            "SELECT post.id, author FROM unnest($1::uuid[]) author
             CROSS JOIN LATERAL (
                 SELECT id FROM posts
                 WHERE posts.author = author.author AND deleted_at IS NULL AND id < $2
                 ORDER BY id DESC LIMIT $3
             ) post
             ORDER BY post.id DESC LIMIT $3",
        )
        .bind(authors)
        .bind(before.unwrap_or(LAST))
        .bind(limit)
        .fetch_all(self.db.pool());
        telemetry::timed("postgres", "content.latest", rows).await.map_err(fault)
    }
}

/// A post, locked until the transaction ends: what changes it and tells of the change comes one after the other.
pub(crate) async fn lock(tx: &mut PgConnection, id: PostId) -> StoreResult<Option<Post>> {
    sqlx::query_as::<_, Row>(select("WHERE id = $1 AND deleted_at IS NULL FOR UPDATE"))
        .bind(id)
        .fetch_optional(tx)
        .await
        .map_err(fault)?
        .map(Post::try_from)
        .transpose()
}

/// Up to `limit` posts of an author, locked.
pub(crate) async fn lock_some_of(tx: &mut PgConnection, author: UserId, limit: i64) -> StoreResult<Vec<Post>> {
    let rows = sqlx::query_as::<_, Row>(select(
        "WHERE author = $1 AND deleted_at IS NULL ORDER BY id DESC LIMIT $2 FOR UPDATE",
    ))
    .bind(author)
    .bind(limit)
    .fetch_all(tx)
    .await;
    collect(rows)
}

pub(crate) async fn insert(tx: &mut PgConnection, post: &Post) -> StoreResult<()> {
    let insert = sqlx::query(
        "INSERT INTO posts (id, kind, author, audience, text, mentions, hashtags, version, created_at,
                            latitude, longitude, place_name)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(post.id)
    .bind(name(&post.kind)?)
    .bind(post.author)
    .bind(name(&post.audience)?)
    .bind(&post.text)
    .bind(Json(&post.mentions))
    .bind(Json(&post.hashtags))
    .bind(post.version.cast_signed())
    .bind(post.created_at)
    .bind(post.place.as_ref().map(|place| place.latitude))
    .bind(post.place.as_ref().map(|place| place.longitude))
    .bind(post.place.as_ref().and_then(|place| place.name.as_deref()))
    .execute(&mut *tx);
    telemetry::timed("postgres", "content.insert", insert).await.map_err(fault)?;
    insert_tags(tx, post).await
}

pub(crate) async fn update(tx: &mut PgConnection, post: &Post) -> StoreResult<()> {
    sqlx::query(
        "UPDATE posts SET audience = $2, text = $3, mentions = $4, hashtags = $5, version = $6, edited_at = $7,
                          latitude = $8, longitude = $9, place_name = $10
         WHERE id = $1",
    )
    .bind(post.id)
    .bind(name(&post.audience)?)
    .bind(&post.text)
    .bind(Json(&post.mentions))
    .bind(Json(&post.hashtags))
    .bind(post.version.cast_signed())
    .bind(post.edited_at)
    .bind(post.place.as_ref().map(|place| place.latitude))
    .bind(post.place.as_ref().map(|place| place.longitude))
    .bind(post.place.as_ref().and_then(|place| place.name.as_deref()))
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    delete_tags(tx, &[post.id]).await?;
    insert_tags(tx, post).await
}

/// Leaves of the posts only that they were there.
pub(crate) async fn bury(tx: &mut PgConnection, posts: &[PostId], now: Timestamp) -> StoreResult<()> {
    sqlx::query(
        "UPDATE posts SET text = '', mentions = '[]', hashtags = '[]', latitude = NULL, longitude = NULL,
                          place_name = NULL, deleted_at = $2
         WHERE id = ANY($1)",
    )
    .bind(posts)
    .bind(now)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    delete_tags(tx, posts).await
}

/// Writes an event about a post in the transaction that changes the post.
pub(crate) async fn announce(
    tx: &mut PgConnection,
    kind: &'static str,
    post: PostId,
    payload: &impl Serialize,
    now: Timestamp,
) -> StoreResult<()> {
    let payload = serde_json::to_value(payload).map_err(StoreError::broken)?;
    let event = OutboxEvent { id: kernel::EventId::new(now), kind, key: post.to_string(), payload };
    outbox::append(tx, &event, now).await
}

async fn insert_tags(tx: &mut PgConnection, post: &Post) -> StoreResult<()> {
    if post.audience != Audience::Public || post.hashtags.is_empty() {
        return Ok(());
    }
    sqlx::query("INSERT INTO post_hashtags (tag, post) SELECT tag, $2 FROM unnest($1::text[]) tag")
        .bind(post.tags())
        .bind(post.id)
        .execute(tx)
        .await
        .map(drop)
        .map_err(fault)
}

async fn delete_tags(tx: &mut PgConnection, posts: &[PostId]) -> StoreResult<()> {
    sqlx::query("DELETE FROM post_hashtags WHERE post = ANY($1)").bind(posts).execute(tx).await.map(drop).map_err(fault)
}

/// Above every id: where a list is read from its beginning.
const LAST: PostId = PostId::from_uuid(uuid::Uuid::max());

fn select(rest: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM posts {rest}"))
}

#[derive(sqlx::FromRow)]
struct Row {
    id: PostId,
    kind: String,
    author: UserId,
    audience: String,
    text: String,
    mentions: Json<Vec<schemas::content::MentionSpan>>,
    hashtags: Json<Vec<schemas::content::HashtagSpan>>,
    version: i32,
    created_at: Timestamp,
    edited_at: Option<Timestamp>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    place_name: Option<String>,
}

impl TryFrom<Row> for Post {
    type Error = StoreError;

    fn try_from(row: Row) -> StoreResult<Self> {
        Ok(Self {
            id: row.id,
            kind: named::<PostKind>(row.kind)?,
            author: row.author,
            audience: named(row.audience)?,
            text: row.text,
            mentions: row.mentions.0,
            hashtags: row.hashtags.0,
            place: row.latitude.zip(row.longitude).map(|(latitude, longitude)| Place {
                latitude,
                longitude,
                name: row.place_name,
            }),
            version: u32::try_from(row.version).map_err(StoreError::broken)?,
            created_at: row.created_at,
            edited_at: row.edited_at,
        })
    }
}

fn collect(rows: Result<Vec<Row>, sqlx::Error>) -> StoreResult<Vec<Post>> {
    rows.map_err(fault)?.into_iter().map(Post::try_from).collect()
}

/// The name of a variant, the same in the database as in JSON.
fn name(variant: &impl Serialize) -> StoreResult<String> {
    match serde_json::to_value(variant).map_err(StoreError::broken)? {
        serde_json::Value::String(name) => Ok(name),
        other => Err(StoreError::broken(format!("{other} is not the name of a variant"))),
    }
}

fn named<T: DeserializeOwned>(name: String) -> StoreResult<T> {
    serde_json::from_value(serde_json::Value::String(name)).map_err(StoreError::broken)
}
