//! Settings and last-seen times in PostgreSQL.

use std::collections::HashMap;

use kernel::{StoreError, Timestamp, UserId};
use postgres::{Db, fault};
use schemas::presence::{Audience, PresenceSettings, PresenceSettingsPatch};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use telemetry::timed;

/// What is kept of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Kept {
    pub(crate) settings: PresenceSettings,
    pub(crate) last_seen: Option<Timestamp>,
}

pub(crate) async fn load(db: &Db, user: UserId) -> Result<PresenceSettings, StoreError> {
    let query =
        sqlx::query("SELECT last_seen_audience, invisible FROM presence_settings WHERE user_id = $1").bind(user);
    let row = timed("postgres", "presence.settings", query.fetch_optional(db.pool())).await.map_err(fault)?;
    row.as_ref().map_or_else(|| Ok(PresenceSettings::default()), settings)
}

pub(crate) async fn change(
    db: &Db,
    user: UserId,
    patch: PresenceSettingsPatch,
    now: Timestamp,
) -> Result<PresenceSettings, StoreError> {
    let query = sqlx::query(
        "INSERT INTO presence_settings AS mine (user_id, last_seen_audience, invisible, updated_at)
         VALUES ($1, coalesce($2, $5), coalesce($3, false), $4)
         ON CONFLICT (user_id) DO UPDATE SET
             last_seen_audience = coalesce($2, mine.last_seen_audience),
             invisible = coalesce($3, mine.invisible),
             updated_at = $4
         RETURNING last_seen_audience, invisible",
    )
    .bind(user)
    .bind(patch.last_seen.map(audience_name))
    .bind(patch.invisible)
    .bind(now)
    .bind(audience_name(Audience::default()));
    let row = timed("postgres", "presence.change_settings", query.fetch_one(db.pool())).await.map_err(fault)?;
    settings(&row)
}

/// What is kept of each of `users`; of whom nothing is, is left out.
pub(crate) async fn load_many(db: &Db, users: &[UserId]) -> Result<HashMap<UserId, Kept>, StoreError> {
    let query = sqlx::query(
        "SELECT user_id, coalesce(last_seen_audience, $2) AS last_seen_audience, coalesce(invisible, false) AS invisible, at
         FROM (SELECT * FROM presence_settings WHERE user_id = ANY($1)) AS chosen
         FULL JOIN (SELECT * FROM presence_last_seen WHERE user_id = ANY($1)) AS seen USING (user_id)",
    )
    .bind(users)
    .bind(audience_name(Audience::default()));
    let rows = timed("postgres", "presence.load", query.fetch_all(db.pool())).await.map_err(fault)?;
    rows.iter()
        .map(|row| {
            let kept = Kept { settings: settings(row)?, last_seen: row.try_get("at").map_err(fault)? };
            Ok((row.try_get("user_id").map_err(fault)?, kept))
        })
        .collect()
}

/// Moves last-seen times on, never back.
pub(crate) async fn write_last_seen(db: &Db, seen: &[(UserId, Timestamp)]) -> Result<(), StoreError> {
    let (users, times): (Vec<UserId>, Vec<Timestamp>) = seen.iter().copied().unzip();
    let query = sqlx::query(
        "INSERT INTO presence_last_seen AS known (user_id, at)
         SELECT * FROM unnest($1::uuid[], $2::timestamptz[])
         ON CONFLICT (user_id) DO UPDATE SET at = excluded.at WHERE known.at < excluded.at",
    )
    .bind(users)
    .bind(times);
    timed("postgres", "presence.write_last_seen", query.execute(db.pool())).await.map(drop).map_err(fault)
}

/// Forgets a person.
pub(crate) async fn erase(db: &Db, user: UserId) -> Result<(), StoreError> {
    for delete in
        ["DELETE FROM presence_settings WHERE user_id = $1", "DELETE FROM presence_last_seen WHERE user_id = $1"]
    {
        let query = sqlx::query(delete).bind(user);
        timed("postgres", "presence.erase", query.execute(db.pool())).await.map_err(fault)?;
    }
    Ok(())
}

fn settings(row: &PgRow) -> Result<PresenceSettings, StoreError> {
    let audience: &str = row.try_get("last_seen_audience").map_err(fault)?;
    let last_seen = match audience {
        "everyone" => Audience::Everyone,
        "followers" => Audience::Followers,
        "nobody" => Audience::Nobody,
        other => return Err(StoreError::broken(format!("audience {other:?}"))),
    };
    Ok(PresenceSettings { last_seen, invisible: row.try_get("invisible").map_err(fault)? })
}

const fn audience_name(audience: Audience) -> &'static str {
    match audience {
        Audience::Everyone => "everyone",
        Audience::Followers => "followers",
        Audience::Nobody => "nobody",
    }
}
