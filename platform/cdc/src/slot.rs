//! Slots and publications: made, looked at, given up.

use std::borrow::Cow;

use kernel::{StoreError, Timestamp};
use postgres::{Db, StoreResult, fault};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::source::wire::Session;
use crate::{Error, Lsn, Settings, Spec, address};

/// What PostgreSQL says of a slot that is being read, and of one that is not there (SQLSTATE, appendix A of its manual).
const OBJECT_IN_USE: &str = "55006";
const UNDEFINED_OBJECT: &str = "42704";
/// How often the reader of a slot is ended before it is dropped: a reader comes back after its first pause.
const READERS_ENDED_MAX: u32 = 20;

/// Longest name of a [`Spec`]: PostgreSQL's names have at most 63 bytes, and the database's oid follows.
pub const NAME_LENGTH_MAX: usize = 40;

/// What the server says of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotState {
    /// The process that reads it.
    pub active_pid: Option<i32>,
    /// It is of no use any more: the server has thrown away log that it needed.
    pub lost: bool,
    /// Up to where its reader has confirmed.
    pub confirmed: Lsn,
    /// Bytes of log that are kept for it.
    pub kept: u64,
    /// Bytes of log between what was confirmed and the newest.
    pub behind: u64,
    /// The end of the log that is on disk.
    pub flushed: Lsn,
}

/// The slot of `spec` in the database of `db`.
pub async fn name(db: &Db, spec: &Spec) -> Result<String, Error> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if spec.name.is_empty() || spec.name.len() > NAME_LENGTH_MAX || !spec.name.bytes().all(fits) {
        return Err(Error::Setup(format!("{:?} is no name for a slot", spec.name)));
    }
    let oid: i64 = sqlx::query_scalar("SELECT oid::bigint FROM pg_database WHERE datname = current_database()")
        .fetch_one(db.pool())
        .await
        .map_err(fault)?;
    Ok(format!("{}_{oid}", spec.name))
}

/// Why PostgreSQL cannot tell its changes; `None` when it can. For the one who set it up.
pub async fn obstacle(db: &Db) -> StoreResult<Option<String>> {
    let (level, slots, may): (String, String, bool) = sqlx::query_as(
        "SELECT current_setting('wal_level'), current_setting('max_replication_slots'),
                EXISTS (SELECT FROM pg_roles WHERE rolname = current_user AND (rolreplication OR rolsuper))",
    )
    .fetch_one(db.pool())
    .await
    .map_err(fault)?;
    Ok(in_the_way(&level, &slots, may))
}

fn in_the_way(level: &str, slots: &str, may: bool) -> Option<String> {
    if level != "logical" {
        Some(format!(
            "wal_level is {level}, and Plaza reads the change stream: set wal_level = logical in postgresql.conf (or with \
             ALTER SYSTEM) and restart PostgreSQL"
        ))
    } else if slots == "0" {
        Some("max_replication_slots is 0: Plaza needs one for each consumer of the change stream".to_owned())
    } else if !may {
        Some(
            "the role that Plaza connects as may not read the change stream: ALTER ROLE … REPLICATION (on Amazon RDS: \
             GRANT rds_replication)"
                .to_owned(),
        )
    } else {
        None
    }
}

/// Whether the change stream can be read: what `plaza check` looks at. Changes nothing.
pub async fn check(db: &Db, settings: &Settings) -> Result<(), Error> {
    if let Some(obstacle) = obstacle(db).await? {
        return Err(Error::Setup(obstacle));
    }
    let config = address::config(db, settings.url.as_ref(), "plaza_check", "plaza_check", "")?;
    Session::open(config).await.map(drop).map_err(|error| {
        Error::Setup(format!(
            "a replication connection does not open ({error}); it does not pass through a pooler: name PostgreSQL itself \
             in cdc.url"
        ))
    })
}

/// What the server may keep for a slot without Plaza: `max_slot_wal_keep_size` in MiB, `None` when that is without
/// limit.
pub async fn keep_limit_mb(db: &Db) -> StoreResult<Option<i64>> {
    let mb: i64 = sqlx::query_scalar("SELECT setting::bigint FROM pg_settings WHERE name = 'max_slot_wal_keep_size'")
        .fetch_one(db.pool())
        .await
        .map_err(fault)?;
    Ok(Some(mb).filter(|mb| *mb >= 0))
}

#[derive(sqlx::FromRow)]
struct Shown {
    active_pid: Option<i32>,
    wal_status: Option<String>,
    confirmed: Option<String>,
    kept: Option<i64>,
    flushed: String,
}

/// `None` when there is no such slot.
pub async fn look(db: &Db, slot: &str) -> StoreResult<Option<SlotState>> {
    let shown: Option<Shown> = sqlx::query_as(
        "SELECT active_pid, wal_status, confirmed_flush_lsn::text AS confirmed,
                pg_wal_lsn_diff(pg_current_wal_flush_lsn(), restart_lsn)::bigint AS kept,
                pg_current_wal_flush_lsn()::text AS flushed
         FROM pg_replication_slots WHERE slot_name = $1",
    )
    .bind(slot)
    .fetch_optional(db.pool())
    .await
    .map_err(fault)?;
    let Some(Shown { active_pid, wal_status, confirmed, kept, flushed }) = shown else { return Ok(None) };
    let flushed: Lsn = flushed.parse().map_err(StoreError::broken)?;
    let confirmed: Option<Lsn> = confirmed.map(|text| text.parse()).transpose().map_err(StoreError::broken)?;
    Ok(Some(SlotState {
        active_pid,
        lost: kept.is_none() || wal_status.as_deref() == Some("lost"),
        confirmed: confirmed.unwrap_or_default(),
        kept: kept.unwrap_or_default().max(0).cast_unsigned(),
        behind: confirmed.map_or(0, |confirmed| flushed.since(confirmed)),
        flushed,
    }))
}

/// Makes the publication of `spec`, or brings it up to date. A slot cannot be read through a publication that is
/// younger.
pub async fn publish(db: &Db, spec: &Spec) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    // Several processes start at once.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(spec.name)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    let mut wanted = spec.tables.clone();
    wanted.sort();
    wanted.dedup();
    if wanted.is_empty() {
        return Err(Error::Setup(format!("the publication {} has no tables", spec.name)));
    }
    if !spec.inserts_only {
        identified(&mut tx, &wanted).await?;
    }
    let what = if spec.inserts_only { "insert" } else { "insert, update, delete, truncate" };
    let there: Option<(bool, bool)> =
        sqlx::query_as("SELECT pubupdate, pubviaroot FROM pg_publication WHERE pubname = $1")
            .bind(spec.name)
            .fetch_optional(&mut *tx)
            .await
            .map_err(fault)?;
    let tables = wanted.iter().map(|table| quoted(table)).collect::<Vec<_>>().join(", ");
    let name = spec.name;
    match there {
        None => {
            run(
                &mut tx,
                format!(
                    "CREATE PUBLICATION {name} FOR TABLE {tables} WITH (publish = '{what}', publish_via_partition_root = true)"
                ),
            )
            .await?;
        }
        Some((updates, via_root)) => {
            let published: Vec<String> = sqlx::query_scalar(
                "SELECT tablename::text FROM pg_publication_tables
                 WHERE pubname = $1 AND schemaname = current_schema()",
            )
            .bind(name)
            .fetch_all(&mut *tx)
            .await
            .map_err(fault)?;
            if updates == spec.inserts_only || !via_root {
                run(
                    &mut tx,
                    format!("ALTER PUBLICATION {name} SET (publish = '{what}', publish_via_partition_root = true)"),
                )
                .await?;
            }
            // None is taken out: a process of an older Plaza that starts beside a newer one would make a gap in what
            // that is told, and a sink passes over tables that it does not know.
            let missing: Vec<String> =
                wanted.iter().filter(|table| !published.contains(table)).map(|table| quoted(table)).collect();
            if !missing.is_empty() {
                run(&mut tx, format!("ALTER PUBLICATION {name} ADD TABLE {}", missing.join(", "))).await?;
            }
        }
    }
    tx.commit().await.map_err(fault)?;
    Ok(())
}

/// A table without a replica identity could not be updated any more once it is published.
async fn identified(at: &mut PgConnection, tables: &[String]) -> Result<(), Error> {
    let without: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c
         WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY($1)
           AND (c.relreplident = 'n' OR (c.relreplident = 'd'
                AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)))",
    )
    .bind(tables)
    .fetch_all(at)
    .await
    .map_err(fault)?;
    match without.as_slice() {
        [] => Ok(()),
        without => Err(Error::Setup(format!(
            "these tables have no primary key to tell their changes by: {}",
            without.join(", ")
        ))),
    }
}

/// Ends whoever reads the slot, and drops it. Gone already is fine.
pub async fn give_up(db: &Db, slot: &str) -> StoreResult<()> {
    let mut ended = 0;
    loop {
        sqlx::query(
            "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots
             WHERE slot_name = $1 AND active_pid IS NOT NULL",
        )
        .bind(slot)
        .execute(db.pool())
        .await
        .map_err(fault)?;
        let dropped =
            sqlx::query("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1")
                .bind(slot)
                .execute(db.pool())
                .await;
        let code = dropped.as_ref().err().and_then(|error| error.as_database_error()?.code());
        match code.as_deref() {
            // Whoever read it was quicker to come back.
            Some(OBJECT_IN_USE) if ended < READERS_ENDED_MAX => ended += 1,
            Some(UNDEFINED_OBJECT) => return Ok(()),
            _ => return dropped.map(drop).map_err(fault),
        }
    }
}

/// What is known of a slot that Plaza made.
#[derive(Debug, Clone, Copy)]
pub struct Made {
    pub at: Lsn,
    /// When the one before it was lost.
    pub lost_at: Option<Timestamp>,
}

pub async fn made(at: &mut PgConnection, slot: &str) -> StoreResult<Option<Made>> {
    let row: Option<(i64, Option<Timestamp>)> = sqlx::query_as("SELECT made, lost_at FROM cdc_slots WHERE slot = $1")
        .bind(slot)
        .fetch_optional(at)
        .await
        .map_err(fault)?;
    Ok(row.map(|(made, lost_at)| Made { at: Lsn::from_i64(made), lost_at }))
}

/// Notes that the slot begins at `made`, and, if it is not the first, that the one before was found lost.
pub async fn note(at: &mut PgConnection, slot: &str, made: Lsn, lost: bool, now: Timestamp) -> StoreResult<()> {
    sqlx::query(
        "INSERT INTO cdc_slots (slot, made, made_at, lost_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (slot) DO UPDATE SET made = EXCLUDED.made, made_at = EXCLUDED.made_at,
                                          lost_at = COALESCE(EXCLUDED.lost_at, cdc_slots.lost_at)",
    )
    .bind(slot)
    .bind(made.as_i64())
    .bind(now)
    .bind(lost.then_some(now))
    .execute(at)
    .await
    .map(drop)
    .map_err(fault)
}

/// The slots that Plaza made in this database, with the log that is kept for each: also those that nobody reads any
/// more.
pub async fn kept(db: &Db) -> StoreResult<Vec<(String, u64)>> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT s.slot_name::text, pg_wal_lsn_diff(pg_current_wal_flush_lsn(), s.restart_lsn)::bigint
         FROM pg_replication_slots s JOIN cdc_slots c ON c.slot = s.slot_name WHERE s.restart_lsn IS NOT NULL",
    )
    .fetch_all(db.pool())
    .await
    .map_err(fault)?;
    Ok(rows.into_iter().map(|(slot, kept)| (slot, kept.max(0).cast_unsigned())).collect())
}

/// Leaves a sign of life in the log, so that readers of a database in which nothing happens move on.
pub async fn heartbeat(db: &Db) -> StoreResult<()> {
    sqlx::query("SELECT pg_logical_emit_message(false, 'plaza.heartbeat', '')")
        .execute(db.pool())
        .await
        .map(drop)
        .map_err(fault)
}

/// Why a slot that is there cannot be read on.
pub fn lost(slot: &str, why: impl Into<Cow<'static, str>>) -> Error {
    Error::Lost { slot: slot.to_owned(), why: why.into() }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Runs a statement that takes no parameters; its names are the code's.
async fn run(at: &mut PgConnection, sql: String) -> Result<(), Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(at).await.map(drop).map_err(|error| match &error {
        sqlx::Error::Database(said) if said.code().is_some_and(|code| code == "42501") => {
            Error::Setup(format!("the publication cannot be made: {said}"))
        }
        _ => fault(error).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::in_the_way;

    #[test]
    fn what_is_in_the_way_is_named_with_what_to_do() {
        assert_eq!(in_the_way("logical", "10", true), None);
        for (level, slots, may, word) in [
            ("replica", "10", true, "set wal_level = logical"),
            ("minimal", "0", false, "wal_level is minimal"),
            ("logical", "0", true, "max_replication_slots is 0"),
            ("logical", "10", false, "ALTER ROLE"),
        ] {
            let said = in_the_way(level, slots, may).unwrap();
            assert!(said.contains(word), "{said}");
        }
    }
}
