//! The SQL of sessions.

use kernel::{SessionId, StoreError, Timestamp, UserId};
use postgres::{Db, StoreResult, fault};
use schemas::accounts::Platform;
use sqlx::{FromRow, PgConnection};
use telemetry::timed;

use crate::tokens::refresh::{Family, Hash};

#[derive(FromRow)]
pub(crate) struct SessionRow {
    pub id: SessionId,
    pub device: String,
    pub platform: String,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A session as the authenticator sees it.
#[derive(FromRow)]
pub(crate) struct Alive {
    pub user_id: UserId,
    pub token_version: i32,
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
    pub revoked: bool,
}

#[derive(FromRow)]
struct FamilyRow {
    user_id: UserId,
    token_version: i32,
    refresh_hash: Vec<u8>,
    retired_hash: Option<Vec<u8>>,
    rotated_at: Option<Timestamp>,
}

pub(crate) const fn platform_name(platform: Platform) -> &'static str {
    match platform {
        Platform::Ios => "ios",
        Platform::Android => "android",
        Platform::Web => "web",
        Platform::Desktop => "desktop",
        Platform::Other => "other",
    }
}

pub(crate) fn platform(name: &str) -> Platform {
    match name {
        "ios" => Platform::Ios,
        "android" => Platform::Android,
        "web" => Platform::Web,
        "desktop" => Platform::Desktop,
        _ => Platform::Other,
    }
}

/// A session about to begin.
pub(crate) struct NewSession {
    pub id: SessionId,
    pub user: UserId,
    pub device: String,
    pub platform: Platform,
    pub refresh: Hash,
    pub expires_at: Timestamp,
}

pub(crate) async fn insert_session(tx: &mut PgConnection, session: &NewSession, now: Timestamp) -> StoreResult<()> {
    let query = sqlx::query(
        "INSERT INTO sessions (id, user_id, device, platform, created_at, last_seen_at, expires_at, refresh_hash)
         VALUES ($1, $2, $3, $4, $5, $5, $6, $7)",
    )
    .bind(session.id)
    .bind(session.user)
    .bind(&session.device)
    .bind(platform_name(session.platform))
    .bind(now)
    .bind(session.expires_at)
    .bind(session.refresh.as_slice())
    .execute(tx);
    timed("postgres", "accounts.open_session", query).await.map(drop).map_err(fault)
}

/// Sessions of an account that are alive, last seen first.
pub(crate) async fn sessions(db: &Db, user: UserId, now: Timestamp) -> StoreResult<Vec<SessionRow>> {
    let query = sqlx::query_as(
        "SELECT id, device, platform, created_at, last_seen_at, expires_at FROM sessions
         WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2 ORDER BY last_seen_at DESC, id DESC",
    )
    .bind(user)
    .bind(now)
    .fetch_all(db.pool());
    timed("postgres", "accounts.sessions", query).await.map_err(fault)
}

/// Which sessions to end.
pub(crate) enum Ending {
    One(SessionId),
    AllBut(Option<SessionId>),
    /// All but the `n` last seen.
    Beyond(i64),
}

/// Ends sessions of an account; returns those that were alive.
pub(crate) async fn revoke(
    tx: &mut PgConnection,
    user: UserId,
    ending: Ending,
    now: Timestamp,
) -> StoreResult<Vec<SessionId>> {
    let (one, but, beyond) = match ending {
        Ending::One(session) => (Some(session), None, None),
        Ending::AllBut(session) => (None, session, None),
        Ending::Beyond(count) => (None, None, Some(count)),
    };
    let query = sqlx::query_scalar(
        "UPDATE sessions SET revoked_at = $2
         WHERE user_id = $1 AND revoked_at IS NULL
           AND ($3::uuid IS NULL OR id = $3) AND ($4::uuid IS NULL OR id <> $4)
           AND ($5::bigint IS NULL OR id IN (
               SELECT id FROM sessions WHERE user_id = $1 AND revoked_at IS NULL
               ORDER BY last_seen_at DESC, id DESC OFFSET $5))
         RETURNING id",
    )
    .bind(user)
    .bind(now)
    .bind(one)
    .bind(but)
    .bind(beyond)
    .fetch_all(tx);
    timed("postgres", "accounts.revoke", query).await.map_err(fault)
}

pub(crate) async fn alive(db: &Db, session: SessionId) -> StoreResult<Option<Alive>> {
    let query = sqlx::query_as(
        "SELECT s.user_id, a.token_version, s.last_seen_at, s.expires_at,
                s.revoked_at IS NOT NULL OR a.deleted_at IS NOT NULL AS revoked
         FROM sessions s JOIN accounts a ON a.id = s.user_id WHERE s.id = $1",
    )
    .bind(session)
    .fetch_optional(db.pool());
    timed("postgres", "accounts.session", query).await.map_err(fault)
}

pub(crate) async fn touch(db: &Db, session: SessionId, now: Timestamp) -> StoreResult<()> {
    let query = sqlx::query("UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2")
        .bind(session)
        .bind(now)
        .execute(db.pool());
    timed("postgres", "accounts.touch", query).await.map(drop).map_err(fault)
}

/// A living session's owner and tokens, locked until the end of the transaction.
pub(crate) struct Holder {
    pub user: UserId,
    pub token_version: i32,
    pub family: Family,
}

pub(crate) async fn lock_family(
    tx: &mut PgConnection,
    session: SessionId,
    now: Timestamp,
) -> StoreResult<Option<Holder>> {
    let query = sqlx::query_as(
        "SELECT s.user_id, a.token_version, s.refresh_hash, s.retired_hash, s.rotated_at
         FROM sessions s JOIN accounts a ON a.id = s.user_id
         WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2 AND a.deleted_at IS NULL FOR UPDATE OF s",
    )
    .bind(session)
    .bind(now)
    .fetch_optional(tx);
    let row: Option<FamilyRow> = timed("postgres", "accounts.lock_tokens", query).await.map_err(fault)?;
    let Some(row) = row else { return Ok(None) };
    let retired = match (row.retired_hash, row.rotated_at) {
        (Some(hash), Some(at)) => Some((stored_hash(hash)?, at)),
        _ => None,
    };
    let family = Family { current: stored_hash(row.refresh_hash)?, retired };
    Ok(Some(Holder { user: row.user_id, token_version: row.token_version, family }))
}

fn stored_hash(bytes: Vec<u8>) -> StoreResult<Hash> {
    bytes.try_into().map_err(|_| StoreError::broken("a stored hash is not 32 bytes long"))
}

/// Stores a session's tokens after a swap; the session lives on from now.
pub(crate) async fn update_family(
    tx: &mut PgConnection,
    session: SessionId,
    family: &Family,
    expires_at: Timestamp,
    now: Timestamp,
) -> StoreResult<()> {
    let query = sqlx::query(
        "UPDATE sessions SET refresh_hash = $2, retired_hash = $3, rotated_at = $4, expires_at = $5,
             last_seen_at = GREATEST(last_seen_at, $6) WHERE id = $1",
    )
    .bind(session)
    .bind(family.current.as_slice())
    .bind(family.retired.map(|(hash, _)| hash.to_vec()))
    .bind(family.retired.map(|(_, at)| at))
    .bind(expires_at)
    .bind(now)
    .execute(tx);
    timed("postgres", "accounts.swap_tokens", query).await.map(drop).map_err(fault)
}

/// Deletes sessions that ended before `before`, at most `count` at once; returns how many.
pub(crate) async fn prune_sessions(db: &Db, before: Timestamp, count: i64) -> StoreResult<u64> {
    sqlx::query(
        "DELETE FROM sessions WHERE id IN (
             SELECT id FROM sessions WHERE expires_at < $1 OR revoked_at < $1 LIMIT $2)",
    )
    .bind(before)
    .bind(count)
    .execute(db.pool())
    .await
    .map(|done| done.rows_affected())
    .map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_stored_under_the_names_of_the_contract() {
        for it in [Platform::Ios, Platform::Android, Platform::Web, Platform::Desktop, Platform::Other] {
            assert_eq!(serde_json::to_value(it).unwrap(), platform_name(it));
            assert_eq!(platform(platform_name(it)), it);
        }
    }
}
