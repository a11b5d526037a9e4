//! Content in PostgreSQL.

use std::collections::HashMap;

use kernel::{ContentId, ContentKind, PageSize, StoreError, Timestamp, UserId};
use postgres::outbox::{self, OutboxEvent};
use postgres::{Db, StoreResult, fault};
use schemas::content::{Audience, Place};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use crate::model::Content;

const COLUMNS: &str = "id, kind, author, audience, text, mentions, hashtags, version, created_at, edited_at, \
     latitude, longitude, place_name";

#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) db: Db,
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
    pub(crate) async fn by_id(&self, ids: &[ContentId]) -> StoreResult<Vec<Content>> {
        let rows = sqlx::query_as::<_, Row>(select("WHERE id = ANY($1) AND deleted_at IS NULL"))
            .bind(ids)
            .fetch_all(self.db.pool());
        let mut found = collect(telemetry::timed("postgres", "content.by_id", rows).await)?;
        // An id of another kind names nothing, though the rest of it is right.
        found.retain(|content| ids.contains(&content.id));
        Ok(found)
    }

    /// An author's content before `before`, newest first.
    pub(crate) async fn by_author(
        &self,
        author: UserId,
        audiences: &[Audience],
        before: Option<ContentId>,
        size: PageSize,
    ) -> StoreResult<Vec<Content>> {
        let rows = sqlx::query_as::<_, Row>(select(
            "WHERE author = $1 AND deleted_at IS NULL AND audience = ANY($2) AND id < $3
             ORDER BY id DESC LIMIT $4",
        ))
        .bind(author)
        .bind(audiences.iter().map(|audience| audience.name()).collect::<Vec<_>>())
        .bind(before.map_or(Uuid::max(), ContentId::uuid))
        .bind(size.plus_one())
        .fetch_all(self.db.pool());
        collect(telemetry::timed("postgres", "content.by_author", rows).await)
    }

    /// Public content with a hashtag before `before`, newest first.
    pub(crate) async fn by_tag(&self, tag: &str, before: Option<ContentId>, limit: i64) -> StoreResult<Vec<Content>> {
        let rows = sqlx::query_as::<_, Row>(select(
            "JOIN content_hashtags ON content = id
             WHERE tag = $1 AND content < $2 AND deleted_at IS NULL AND audience = 'public'
             ORDER BY content DESC LIMIT $3",
        ))
        .bind(tag)
        .bind(before.map_or(Uuid::max(), ContentId::uuid))
        .bind(limit)
        .fetch_all(self.db.pool());
        collect(telemetry::timed("postgres", "content.by_tag", rows).await)
    }

    /// Hashtags and authors of the latest public content of each of `tags`, up to `each` of a hashtag.
    pub(crate) async fn latest_of_tags(&self, tags: &[String], each: i64) -> StoreResult<Vec<(String, UserId)>> {
        let rows = sqlx::query_as::<_, (String, UserId)>(
            "SELECT asked.tag, latest.author FROM unnest($1::text[]) asked (tag)
             CROSS JOIN LATERAL (
                 SELECT author FROM content_hashtags JOIN contents ON id = content
                 WHERE content_hashtags.tag = asked.tag AND deleted_at IS NULL AND audience = 'public'
                 ORDER BY content DESC LIMIT $2
             ) latest",
        )
        .bind(tags)
        .bind(each)
        .fetch_all(self.db.pool());
        telemetry::timed("postgres", "content.latest_of_tags", rows).await.map_err(fault)
    }

    /// How much public content each of `tags` has, counted up to `most`.
    pub(crate) async fn count_tags(&self, tags: &[String], most: i64) -> StoreResult<HashMap<String, i64>> {
        let rows = sqlx::query_as::<_, (String, i64)>(
            "SELECT asked.tag, (SELECT count(*) FROM (
                 SELECT FROM content_hashtags WHERE content_hashtags.tag = asked.tag LIMIT $2
             ) counted) FROM unnest($1::text[]) asked (tag)",
        )
        .bind(tags)
        .bind(most)
        .fetch_all(self.db.pool());
        Ok(telemetry::timed("postgres", "content.count_tags", rows).await.map_err(fault)?.into_iter().collect())
    }
}

/// A piece of content, locked until the transaction ends: what changes it and tells of the change comes one after the other.
pub(crate) async fn lock(tx: &mut PgConnection, id: ContentId) -> StoreResult<Option<Content>> {
    sqlx::query_as::<_, Row>(select("WHERE id = $1 AND kind = $2 AND deleted_at IS NULL FOR UPDATE"))
        .bind(id)
        .bind(id.kind())
        .fetch_optional(tx)
        .await
        .map_err(fault)?
        .map(Content::try_from)
        .transpose()
}

/// Up to `limit` pieces of content of an author, locked.
pub(crate) async fn lock_some_of(tx: &mut PgConnection, author: UserId, limit: i64) -> StoreResult<Vec<Content>> {
    let rows = sqlx::query_as::<_, Row>(select(
        "WHERE author = $1 AND deleted_at IS NULL ORDER BY id DESC LIMIT $2 FOR UPDATE",
    ))
    .bind(author)
    .bind(limit)
    .fetch_all(tx)
    .await;
    collect(rows)
}

pub(crate) async fn insert(tx: &mut PgConnection, content: &Content) -> StoreResult<()> {
    let insert = sqlx::query(
        "INSERT INTO contents (id, kind, author, audience, text, mentions, hashtags, version, created_at,
                            latitude, longitude, place_name)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(content.id)
    .bind(content.id.kind())
    .bind(content.author)
    .bind(content.audience.name())
    .bind(&content.text)
    .bind(Json(&content.mentions))
    .bind(Json(&content.hashtags))
    .bind(content.version.cast_signed())
    .bind(content.created_at)
    .bind(content.place.as_ref().map(|place| place.latitude))
    .bind(content.place.as_ref().map(|place| place.longitude))
    .bind(content.place.as_ref().and_then(|place| place.name.as_deref()))
    .execute(&mut *tx);
    telemetry::timed("postgres", "content.insert", insert).await.map_err(fault)?;
    insert_tags(tx, content).await
}

pub(crate) async fn update(tx: &mut PgConnection, content: &Content) -> StoreResult<()> {
    sqlx::query(
        "UPDATE contents SET audience = $2, text = $3, mentions = $4, hashtags = $5, version = $6, edited_at = $7,
                          latitude = $8, longitude = $9, place_name = $10
         WHERE id = $1",
    )
    .bind(content.id)
    .bind(content.audience.name())
    .bind(&content.text)
    .bind(Json(&content.mentions))
    .bind(Json(&content.hashtags))
    .bind(content.version.cast_signed())
    .bind(content.edited_at)
    .bind(content.place.as_ref().map(|place| place.latitude))
    .bind(content.place.as_ref().map(|place| place.longitude))
    .bind(content.place.as_ref().and_then(|place| place.name.as_deref()))
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    delete_tags(tx, &[content.id]).await?;
    insert_tags(tx, content).await
}

/// Leaves of them only that they were there.
pub(crate) async fn bury(tx: &mut PgConnection, ids: &[ContentId], now: Timestamp) -> StoreResult<()> {
    sqlx::query(
        "UPDATE contents SET text = '', mentions = '[]', hashtags = '[]', latitude = NULL, longitude = NULL,
                          place_name = NULL, deleted_at = $2
         WHERE id = ANY($1)",
    )
    .bind(ids)
    .bind(now)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    delete_tags(tx, ids).await
}

/// Writes an event about a piece of content in the transaction that changes it.
pub(crate) async fn announce(
    tx: &mut PgConnection,
    kind: &'static str,
    id: ContentId,
    payload: &impl Serialize,
    now: Timestamp,
) -> StoreResult<()> {
    let payload = serde_json::to_value(payload).map_err(StoreError::broken)?;
    let event = OutboxEvent { id: kernel::EventId::new(now), kind, key: id.to_string(), payload };
    outbox::append(tx, &event, now).await
}

async fn insert_tags(tx: &mut PgConnection, content: &Content) -> StoreResult<()> {
    if content.audience != Audience::Public || content.hashtags.is_empty() {
        return Ok(());
    }
    sqlx::query("INSERT INTO content_hashtags (tag, content) SELECT tag, $2 FROM unnest($1::text[]) tag")
        .bind(content.tags())
        .bind(content.id)
        .execute(tx)
        .await
        .map(drop)
        .map_err(fault)
}

async fn delete_tags(tx: &mut PgConnection, ids: &[ContentId]) -> StoreResult<()> {
    sqlx::query("DELETE FROM content_hashtags WHERE content = ANY($1)")
        .bind(ids)
        .execute(tx)
        .await
        .map(drop)
        .map_err(fault)
}

fn select(rest: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM contents {rest}"))
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    kind: ContentKind,
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

impl TryFrom<Row> for Content {
    type Error = StoreError;

    fn try_from(row: Row) -> StoreResult<Self> {
        Ok(Self {
            id: ContentId::from_parts(row.kind, row.id),
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

fn collect(rows: Result<Vec<Row>, sqlx::Error>) -> StoreResult<Vec<Content>> {
    rows.map_err(fault)?.into_iter().map(Content::try_from).collect()
}

/// A variant by its name, the same in the database as in JSON.
fn named<T: DeserializeOwned>(name: String) -> StoreResult<T> {
    serde_json::from_value(serde_json::Value::String(name)).map_err(StoreError::broken)
}
