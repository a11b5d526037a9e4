//! The SQL of accounts.

use kernel::{Timestamp, UserId};
use postgres::{Db, StoreResult, fault};
use schemas::accounts::{Account, PersonSummary};
use sqlx::{FromRow, PgConnection};
use telemetry::timed;

use crate::model::{Handle, PersonRef};

/// A statement about the columns of [`AccountRow`].
macro_rules! account_sql {
    ($before:literal, $after:literal) => {
        concat!($before, " id, handle, name, bio, private, created_at, updated_at ", $after)
    };
}

#[derive(FromRow)]
pub(crate) struct AccountRow {
    pub id: UserId,
    pub handle: String,
    pub name: String,
    pub bio: String,
    pub private: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl From<AccountRow> for Account {
    fn from(row: AccountRow) -> Self {
        let AccountRow { id, handle, name, bio, private, created_at, updated_at } = row;
        Self { id, handle, name, bio, private, created_at, updated_at }
    }
}

/// What proves who somebody is.
#[derive(FromRow)]
pub(crate) struct Credentials {
    pub id: UserId,
    pub handle: String,
    pub password_hash: String,
    pub token_version: i32,
}

/// The name of the constraint that a taken handle breaks.
pub(crate) const HANDLE_TAKEN: &str = "accounts_handle";

pub(crate) async fn insert_account(tx: &mut PgConnection, account: &Account, password_hash: &str) -> StoreResult<()> {
    let query = sqlx::query(
        "INSERT INTO accounts (id, handle, name, bio, private, password_hash, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(account.id)
    .bind(&account.handle)
    .bind(&account.name)
    .bind(&account.bio)
    .bind(account.private)
    .bind(password_hash)
    .bind(account.created_at)
    .bind(account.updated_at)
    .execute(tx);
    timed("postgres", "accounts.insert", query).await.map(drop).map_err(fault)
}

pub(crate) async fn account(db: &Db, who: &PersonRef) -> StoreResult<Option<Account>> {
    let query = match who {
        PersonRef::Id(id) => {
            sqlx::query_as(account_sql!("SELECT", "FROM accounts WHERE id = $1 AND deleted_at IS NULL")).bind(id)
        }
        PersonRef::Handle(handle) => {
            sqlx::query_as(account_sql!("SELECT", "FROM accounts WHERE handle = $1 AND deleted_at IS NULL"))
                .bind(handle.as_str())
        }
    };
    let row: Option<AccountRow> =
        timed("postgres", "accounts.account", query.fetch_optional(db.pool())).await.map_err(fault)?;
    Ok(row.map(Account::from))
}

/// Summaries of those accounts that exist, in any order.
pub(crate) async fn summaries(db: &Db, ids: &[UserId]) -> StoreResult<Vec<PersonSummary>> {
    let query =
        sqlx::query_as("SELECT id, handle, name, private FROM accounts WHERE id = ANY($1) AND deleted_at IS NULL")
            .bind(ids)
            .fetch_all(db.pool());
    let rows: Vec<(UserId, String, String, bool)> =
        timed("postgres", "accounts.summaries", query).await.map_err(fault)?;
    Ok(rows.into_iter().map(|(id, handle, name, private)| PersonSummary { id, handle, name, private }).collect())
}

pub(crate) async fn ids_of(db: &Db, handles: &[String]) -> StoreResult<Vec<(String, UserId)>> {
    let query = sqlx::query_as("SELECT handle, id FROM accounts WHERE handle = ANY($1) AND deleted_at IS NULL")
        .bind(handles)
        .fetch_all(db.pool());
    timed("postgres", "accounts.ids_of", query).await.map_err(fault)
}

pub(crate) async fn credentials_by_handle(db: &Db, handle: &Handle) -> StoreResult<Option<Credentials>> {
    let query = sqlx::query_as(
        "SELECT id, handle, password_hash, token_version FROM accounts WHERE handle = $1 AND deleted_at IS NULL",
    )
    .bind(handle.as_str())
    .fetch_optional(db.pool());
    timed("postgres", "accounts.credentials", query).await.map_err(fault)
}

pub(crate) async fn credentials(db: &Db, user: UserId) -> StoreResult<Option<Credentials>> {
    sqlx::query_as("SELECT id, handle, password_hash, token_version FROM accounts WHERE id = $1 AND deleted_at IS NULL")
        .bind(user)
        .fetch_optional(db.pool())
        .await
        .map_err(fault)
}

/// Locks an account until the end of the transaction: whoever opens or ends sessions does this first. `None` when it is
/// gone, or when `proven` is given and is not its password hash any more.
pub(crate) async fn lock_account(
    tx: &mut PgConnection,
    user: UserId,
    proven: Option<&str>,
) -> StoreResult<Option<Account>> {
    let query = sqlx::query_as(account_sql!(
        "SELECT",
        "FROM accounts WHERE id = $1 AND deleted_at IS NULL AND ($2::text IS NULL OR password_hash = $2)
         FOR NO KEY UPDATE"
    ))
    .bind(user)
    .bind(proven)
    .fetch_optional(tx);
    let row: Option<AccountRow> = timed("postgres", "accounts.lock", query).await.map_err(fault)?;
    Ok(row.map(Account::from))
}

pub(crate) async fn update_profile(tx: &mut PgConnection, account: &Account) -> StoreResult<()> {
    sqlx::query("UPDATE accounts SET name = $2, bio = $3, private = $4, updated_at = $5 WHERE id = $1")
        .bind(account.id)
        .bind(&account.name)
        .bind(&account.bio)
        .bind(account.private)
        .bind(account.updated_at)
        .execute(tx)
        .await
        .map(drop)
        .map_err(fault)
}

/// Replaces the password, if it still is the one that was verified; returns the new token version.
pub(crate) async fn update_password(
    tx: &mut PgConnection,
    user: UserId,
    verified_hash: &str,
    new_hash: &str,
) -> StoreResult<Option<i32>> {
    sqlx::query_scalar(
        "UPDATE accounts SET password_hash = $3, token_version = token_version + 1
         WHERE id = $1 AND password_hash = $2 AND deleted_at IS NULL RETURNING token_version",
    )
    .bind(user)
    .bind(verified_hash)
    .bind(new_hash)
    .fetch_optional(tx)
    .await
    .map_err(fault)
}

/// Empties an account; its handle stays taken.
pub(crate) async fn delete_account(tx: &mut PgConnection, user: UserId, now: Timestamp) -> StoreResult<()> {
    sqlx::query(
        "UPDATE accounts SET name = '', bio = '', password_hash = '', token_version = token_version + 1,
             updated_at = $2, deleted_at = $2 WHERE id = $1",
    )
    .bind(user)
    .bind(now)
    .execute(tx)
    .await
    .map(drop)
    .map_err(fault)
}
