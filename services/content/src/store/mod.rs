//! Content in PostgreSQL: what changes it. [`reads`] has the rest.

mod reads;
mod row;

use kernel::{ContentId, StoreError, Timestamp, UserId};
use postgres::outbox::{self, OutboxEvent};
use postgres::{Db, StoreResult, fault};
use schemas::content::Audience;
use serde::Serialize;
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, Transaction};

use self::row::{Row, collect, select};
use crate::kinds::rules;
use crate::model::Content;

pub(crate) use self::reads::Below;

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

/// What a thread is about, if it is still there: neither deleted nor given another audience until the transaction ends. Any
/// number of comments may be written meanwhile.
pub(crate) async fn share(tx: &mut PgConnection, root: ContentId) -> StoreResult<Option<Audience>> {
    let audience: Option<String> =
        sqlx::query_scalar("SELECT audience FROM contents WHERE id = $1 AND deleted_at IS NULL FOR SHARE")
            .bind(root)
            .fetch_optional(tx)
            .await
            .map_err(fault)?;
    audience.map(row::named).transpose()
}

/// Up to `limit` pieces of content of an author, locked.
pub(crate) async fn lock_some_of(tx: &mut PgConnection, author: UserId, limit: i64) -> StoreResult<Vec<Content>> {
    let rows = sqlx::query_as::<_, Row>(select(
        "WHERE author = $1 AND deleted_at IS NULL ORDER BY id DESC LIMIT $2 FOR UPDATE",
    ));
    collect(rows.bind(author).bind(limit).fetch_all(tx).await)
}

/// Up to `limit` comments of a thread, locked.
pub(crate) async fn lock_some_below(tx: &mut PgConnection, root: ContentId, limit: i64) -> StoreResult<Vec<Content>> {
    let rows =
        sqlx::query_as::<_, Row>(select("WHERE root = $1 AND deleted_at IS NULL ORDER BY id LIMIT $2 FOR UPDATE"));
    collect(rows.bind(root).bind(limit).fetch_all(tx).await)
}

/// Up to `limit` pieces of content whose time is over, locked; those that somebody else is burying are left to them.
pub(crate) async fn lock_expired(tx: &mut PgConnection, now: Timestamp, limit: i64) -> StoreResult<Vec<Content>> {
    let rows = sqlx::query_as::<_, Row>(select(
        "WHERE expires_at <= $1 AND deleted_at IS NULL ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED",
    ));
    collect(rows.bind(now).bind(limit).fetch_all(tx).await)
}

/// Gives up to `limit` comments of a thread the audience of what it is about; how many there were.
pub(crate) async fn align_some_below(
    tx: &mut PgConnection,
    root: ContentId,
    audience: Audience,
    limit: i64,
) -> StoreResult<u64> {
    let update = sqlx::query(
        "UPDATE contents SET audience = $2 WHERE id = ANY (ARRAY(
             SELECT id FROM contents WHERE root = $1 AND deleted_at IS NULL AND audience <> $2
             ORDER BY id LIMIT $3 FOR UPDATE
         ))",
    );
    let update = update.bind(root).bind(audience.name()).bind(limit).execute(tx).await;
    update.map(|done| done.rows_affected()).map_err(fault)
}

pub(crate) async fn insert(tx: &mut PgConnection, content: &Content) -> StoreResult<()> {
    let insert = sqlx::query(
        "INSERT INTO contents (id, kind, author, audience, text, mentions, hashtags, version, created_at,
                               latitude, longitude, place_name, media, parent, parent_kind, root, root_kind, depth,
                               title, state, price_amount, price_currency, availability, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                 $19, $20, $21, $22, $23, $24)",
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
    .bind(&content.media)
    .bind(content.thread.map(|thread| thread.parent))
    .bind(content.thread.map(|thread| thread.parent.kind()))
    .bind(content.thread.map(|thread| thread.root))
    .bind(content.thread.map(|thread| thread.root.kind()))
    .bind(content.thread.map(|thread| thread.depth))
    .bind(&content.title)
    .bind(content.state.map(row::state_name))
    .bind(content.price.as_ref().map(|price| price.amount.cast_signed()))
    .bind(content.price.as_ref().map(|price| price.currency.as_str()))
    .bind(content.availability.map(row::availability_name))
    .bind(content.expires_at)
    .execute(&mut *tx);
    telemetry::timed("postgres", "content.insert", insert).await.map_err(fault)?;
    insert_tags(tx, content).await
}

pub(crate) async fn update(tx: &mut PgConnection, content: &Content) -> StoreResult<()> {
    sqlx::query(
        "UPDATE contents SET audience = $2, text = $3, mentions = $4, hashtags = $5, version = $6, edited_at = $7,
                             latitude = $8, longitude = $9, place_name = $10, title = $11, state = $12,
                             price_amount = $13, price_currency = $14, availability = $15
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
    .bind(&content.title)
    .bind(content.state.map(row::state_name))
    .bind(content.price.as_ref().map(|price| price.amount.cast_signed()))
    .bind(content.price.as_ref().map(|price| price.currency.as_str()))
    .bind(content.availability.map(row::availability_name))
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    delete_tags(tx, &[content.id]).await?;
    insert_tags(tx, content).await
}

/// Leaves of them only that they were there, and where.
pub(crate) async fn bury(tx: &mut PgConnection, ids: &[ContentId], now: Timestamp) -> StoreResult<()> {
    sqlx::query(
        "UPDATE contents SET text = '', mentions = '[]', hashtags = '[]', latitude = NULL, longitude = NULL,
                             place_name = NULL, media = '{}', title = NULL, price_amount = NULL,
                             price_currency = NULL, popularity = 0, deleted_at = $2
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
    if content.audience != Audience::Public || content.hashtags.is_empty() || !rules(content.id.kind()).listed {
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
