//! What goes when content or an account goes, a few lines at a time: each may have a thousand acts.

use kernel::{ContentId, NotificationId, UserId};
use postgres::{Db, StoreResult, fault};
use telemetry::timed;
use uuid::Uuid;

use super::{commit, settle};

/// Lines that are changed in one transaction.
pub const FORGET_BATCH: i64 = 20;

/// Removes what is about content that is gone, and what it was itself when it was a comment.
pub(crate) async fn forget_content(db: &Db, content: ContentId) -> StoreResult<()> {
    let about = "DELETE FROM notifications WHERE id IN (
             SELECT id FROM notifications WHERE target = $1 AND target_kind IS NOT NULL ORDER BY id LIMIT $2 FOR UPDATE
         )";
    remove_lines(db, about, content.uuid()).await?;
    let of_item =
        "SELECT DISTINCT notification FROM notification_acts WHERE item = $1 AND item_kind IS NOT NULL LIMIT $2";
    let acts = "DELETE FROM notification_acts WHERE item = $1 AND item_kind IS NOT NULL AND notification = ANY($2)";
    remove_acts(db, of_item, acts, content.uuid()).await
}

/// Removes the inbox of somebody, and what they did from the inboxes of others.
pub(crate) async fn forget_person(db: &Db, user: UserId) -> StoreResult<()> {
    let mine = "DELETE FROM notifications WHERE id IN (
             SELECT id FROM notifications WHERE recipient = $1 ORDER BY id LIMIT $2 FOR UPDATE
         )";
    remove_lines(db, mine, user.uuid()).await?;
    let mark = sqlx::query("DELETE FROM notification_marks WHERE recipient = $1").bind(user).execute(db.pool());
    mark.await.map_err(fault)?;
    let of_actor = "SELECT DISTINCT notification FROM notification_acts WHERE actor = $1 LIMIT $2";
    let acts = "DELETE FROM notification_acts WHERE actor = $1 AND notification = ANY($2)";
    remove_acts(db, of_actor, acts, user.uuid()).await
}

/// Removes lines with their acts until there are none.
async fn remove_lines(db: &Db, lines: &'static str, of: Uuid) -> StoreResult<()> {
    loop {
        let gone = sqlx::query(lines).bind(of).bind(FORGET_BATCH).execute(db.pool());
        if timed("postgres", "notifications.forget_lines", gone).await.map_err(fault)?.rows_affected() == 0 {
            return Ok(());
        }
    }
}

/// Removes acts until there are none.
async fn remove_acts(db: &Db, lines: &'static str, acts: &'static str, of: Uuid) -> StoreResult<()> {
    loop {
        let mut tx = db.begin().await?;
        let found: Vec<NotificationId> =
            sqlx::query_scalar(lines).bind(of).bind(FORGET_BATCH).fetch_all(&mut *tx).await.map_err(fault)?;
        if found.is_empty() {
            return Ok(());
        }
        sqlx::query("SELECT FROM notifications WHERE id = ANY($1) ORDER BY id FOR UPDATE")
            .bind(&found)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        sqlx::query(acts).bind(of).bind(&found).execute(&mut *tx).await.map_err(fault)?;
        settle(&mut tx, &found).await?;
        commit(tx).await?;
    }
}
