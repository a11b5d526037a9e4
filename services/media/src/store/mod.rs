//! Media in PostgreSQL.

mod upkeep;

use kernel::{MediaId, StoreError, Timestamp, UserId};
use postgres::{Db, StoreResult, fault};
use schemas::media::{MediaType, Refusal};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::types::Json;

use crate::model::{DAY, Facts, Form, Media, State};

const COLUMNS: &str = "id, owner, state, type, bytes, received, tries, due_at, reason, width, height, duration_ms, \
     poster, renditions, let_go, created_at";

#[derive(Debug, Clone)]
pub(crate) struct Store {
    db: Db,
}

/// What a person has under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) uploads: i64,
    pub(crate) bytes_today: i64,
}

/// How an upload stands after an attempt to add to it.
#[derive(Debug)]
pub(crate) enum Added {
    Kept {
        complete: bool,
    },
    /// Somebody else was first, or it is not being uploaded any more.
    Not(Option<Media>),
}

impl Store {
    pub(crate) const fn new(db: Db) -> Self {
        Self { db }
    }

    /// Adds an upload, unless `fits` says no to what its owner has already. One at a time of each owner.
    pub(crate) async fn begin<E: From<StoreError>>(
        &self,
        media: &Media,
        fits: impl FnOnce(Load) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut tx = self.db.begin().await?;
        let lock = sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))");
        lock.bind(format!("media:{}", media.owner)).execute(&mut *tx).await.map_err(fault)?;
        let (uploads, bytes_today): (i64, i64) = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE state IN (1, 2)), coalesce(sum(bytes), 0)::bigint
             FROM media WHERE owner = $1 AND created_at > $2",
        )
        .bind(media.owner)
        .bind(media.created_at.minus(DAY))
        .fetch_one(&mut *tx)
        .await
        .map_err(fault)?;
        fits(Load { uploads, bytes_today })?;
        sqlx::query(
            "INSERT INTO media (id, owner, state, type, bytes, due_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(media.id)
        .bind(media.owner)
        .bind(media.state.number())
        .bind(media.r#type.name())
        .bind(media.bytes.cast_signed())
        .bind(media.due_at)
        .bind(media.created_at)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        tx.commit().await.map_err(fault)?;
        Ok(())
    }

    pub(crate) async fn find(&self, id: MediaId) -> StoreResult<Option<Media>> {
        Ok(self.by_id(&[id]).await?.pop())
    }

    /// Those of `ids` that exist, in no order.
    pub(crate) async fn by_id(&self, ids: &[MediaId]) -> StoreResult<Vec<Media>> {
        let rows =
            sqlx::query_as::<_, Row>(select("WHERE id = ANY($1) AND state <> 5")).bind(ids).fetch_all(self.db.pool());
        collect(telemetry::timed("postgres", "media.by_id", rows).await)
    }

    /// Notes a part that was written as `blob`, if the upload goes on where it begins. The last one hands the upload on.
    pub(crate) async fn add(
        &self,
        id: MediaId,
        start: u64,
        bytes: u64,
        blob: &str,
        now: Timestamp,
    ) -> StoreResult<Added> {
        let mut tx = self.db.begin().await?;
        let complete: Option<bool> = sqlx::query_scalar(
            "UPDATE media SET received = received + $3,
                              state = CASE WHEN received + $3 = bytes THEN 2 ELSE state END,
                              due_at = CASE WHEN received + $3 = bytes THEN $4 ELSE due_at END
             WHERE id = $1 AND state = 1 AND received = $2 AND received + $3 <= bytes AND due_at > $4
             RETURNING received = bytes",
        )
        .bind(id)
        .bind(start.cast_signed())
        .bind(bytes.cast_signed())
        .bind(now)
        .fetch_optional(&mut *tx)
        .await
        .map_err(fault)?;
        let Some(complete) = complete else {
            drop(tx);
            return self.find(id).await.map(Added::Not);
        };
        sqlx::query("INSERT INTO media_parts (media, start, bytes, blob) VALUES ($1, $2, $3, $4)")
            .bind(id)
            .bind(start.cast_signed())
            .bind(i32::try_from(bytes).map_err(StoreError::broken)?)
            .bind(blob)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        telemetry::timed("postgres", "media.add", tx.commit()).await.map_err(fault)?;
        Ok(Added::Kept { complete })
    }

    /// The blobs of an upload's parts, in order, and how many bytes they are.
    pub(crate) async fn parts(&self, id: MediaId) -> StoreResult<(Vec<String>, u64)> {
        let rows: Vec<(String, i32)> =
            sqlx::query_as("SELECT blob, bytes FROM media_parts WHERE media = $1 ORDER BY start")
                .bind(id)
                .fetch_all(self.db.pool())
                .await
                .map_err(fault)?;
        let bytes = rows.iter().map(|(_, bytes)| u64::from(bytes.unsigned_abs())).sum();
        Ok((rows.into_iter().map(|(blob, _)| blob).collect(), bytes))
    }

    /// Takes the file that has waited longest to be processed, for `lease`. The attempt is counted before it is made: a file that kills
    /// whoever works on it is tried no more often than any other.
    pub(crate) async fn claim(&self, now: Timestamp, until: Timestamp) -> StoreResult<Option<Media>> {
        let row = sqlx::query_as::<_, Row>(sqlx::AssertSqlSafe(format!(
            "UPDATE media SET tries = tries + 1, due_at = $2 WHERE id = (
                 SELECT id FROM media WHERE state = 2 AND due_at <= $1 ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
             ) RETURNING {COLUMNS}"
        )))
        .bind(now)
        .bind(until)
        .fetch_optional(self.db.pool())
        .await;
        row.map_err(fault)?.map(Media::try_from).transpose()
    }

    /// Keeps what was claimed, or puts it back for later. Whether it is still in these hands.
    pub(crate) async fn hold(&self, media: &Media, until: Timestamp) -> StoreResult<bool> {
        let held = sqlx::query("UPDATE media SET due_at = $3 WHERE id = $1 AND state = 2 AND tries = $2")
            .bind(media.id)
            .bind(media.tries)
            .bind(until)
            .execute(self.db.pool())
            .await
            .map_err(fault)?;
        Ok(held.rows_affected() == 1)
    }

    /// Makes a file ready, if it is still in the hands of this attempt. Whether it was.
    pub(crate) async fn ready(
        &self,
        media: &Media,
        kind: MediaType,
        facts: Facts,
        forms: &[Form],
        due_at: Timestamp,
    ) -> StoreResult<bool> {
        let made = sqlx::query(
            "UPDATE media SET state = 3, type = $3, width = $4, height = $5, duration_ms = $6, poster = $7,
                              renditions = $8, due_at = $9
             WHERE id = $1 AND state = 2 AND tries = $2",
        )
        .bind(media.id)
        .bind(media.tries)
        .bind(kind.name())
        .bind(facts.width.map(u32::cast_signed))
        .bind(facts.height.map(u32::cast_signed))
        .bind(facts.duration_ms.map(u64::cast_signed))
        .bind(facts.poster.as_ref().map(name).transpose()?)
        .bind(Json(forms))
        .bind(due_at)
        .execute(self.db.pool());
        Ok(telemetry::timed("postgres", "media.ready", made).await.map_err(fault)?.rows_affected() == 1)
    }

    /// Refuses a file that is in the state and at the try that `media` says. Whether it was.
    pub(crate) async fn refuse(&self, media: &Media, reason: Refusal, due_at: Timestamp) -> StoreResult<bool> {
        let refused = sqlx::query(
            "UPDATE media SET state = 4, reason = $4, due_at = $5 WHERE id = $1 AND state = $2 AND tries = $3",
        )
        .bind(media.id)
        .bind(media.state.number())
        .bind(media.tries)
        .bind(name(&reason)?)
        .bind(due_at)
        .execute(self.db.pool())
        .await
        .map_err(fault)?;
        Ok(refused.rows_affected() == 1)
    }

    pub(crate) async fn forget_parts(&self, id: MediaId) -> StoreResult<()> {
        let delete = sqlx::query("DELETE FROM media_parts WHERE media = $1").bind(id);
        delete.execute(self.db.pool()).await.map(drop).map_err(fault)
    }

    /// Those of `ids` that are `owner`'s and ready, kept until `until` at least: somebody is about to show them.
    pub(crate) async fn touch(&self, owner: UserId, ids: &[MediaId], until: Timestamp) -> StoreResult<Vec<Media>> {
        let rows = sqlx::query_as::<_, Row>(sqlx::AssertSqlSafe(format!(
            "UPDATE media SET due_at = greatest(due_at, $3) WHERE id = ANY($1) AND owner = $2 AND state = 3 AND NOT let_go
             RETURNING {COLUMNS}"
        )))
        .bind(ids)
        .bind(owner)
        .bind(until)
        .fetch_all(self.db.pool());
        collect(telemetry::timed("postgres", "media.touch", rows).await)
    }
}

fn select(rest: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM media {rest}"))
}

#[derive(sqlx::FromRow)]
struct Row {
    id: MediaId,
    owner: UserId,
    state: i16,
    r#type: String,
    bytes: i64,
    received: i64,
    tries: i16,
    due_at: Timestamp,
    reason: Option<String>,
    width: Option<i32>,
    height: Option<i32>,
    duration_ms: Option<i64>,
    poster: Option<String>,
    renditions: Json<Vec<Form>>,
    let_go: bool,
    created_at: Timestamp,
}

impl TryFrom<Row> for Media {
    type Error = StoreError;

    fn try_from(row: Row) -> StoreResult<Self> {
        let unknown = || StoreError::broken(format!("media {} is in no state or of no type that is known", row.id));
        Ok(Self {
            id: row.id,
            owner: row.owner,
            state: State::from_number(row.state).ok_or_else(unknown)?,
            r#type: MediaType::named(&row.r#type).ok_or_else(unknown)?,
            bytes: row.bytes.unsigned_abs(),
            received: row.received.unsigned_abs(),
            tries: row.tries,
            due_at: row.due_at,
            reason: row.reason.map(named).transpose()?,
            facts: Facts {
                width: row.width.map(i32::unsigned_abs),
                height: row.height.map(i32::unsigned_abs),
                duration_ms: row.duration_ms.map(i64::unsigned_abs),
                poster: row.poster.map(named).transpose()?,
            },
            forms: row.renditions.0,
            let_go: row.let_go,
            created_at: row.created_at,
        })
    }
}

fn collect(rows: Result<Vec<Row>, sqlx::Error>) -> StoreResult<Vec<Media>> {
    rows.map_err(fault)?.into_iter().map(Media::try_from).collect()
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
