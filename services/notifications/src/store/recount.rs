//! Proves that each line knows how many acts it has, and repairs those that do not.

use kernel::NotificationId;
use postgres::{Db, StoreResult, fault};
use telemetry::timed;
use uuid::Uuid;

use super::{commit, settle};

/// Lines that are compared in one statement.
pub const CHUNK: i64 = 1_000;

/// How far a recount is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    pub lines: u64,
    /// Those whose number is not the number of their acts, and those that have none.
    pub wrong: u64,
}

/// Compares everything, a chunk at a time, while traffic goes on: a line and its acts change in one transaction, so that they agree
/// in every snapshot. With `repair`, makes it so; a line without acts goes.
pub async fn recount(db: &Db, repair: bool, mut progress: impl FnMut(&Report)) -> StoreResult<Report> {
    let mut report = Report::default();
    let mut after = NotificationId::from_uuid(Uuid::nil());
    loop {
        let query = sqlx::query_as(
            "SELECT n.id, n.acts = 0 OR n.acts <> (SELECT count(*) FROM notification_acts a WHERE a.notification = n.id)
             FROM notifications n WHERE n.id > $1 ORDER BY n.id LIMIT $2",
        )
        .bind(after)
        .bind(CHUNK)
        .fetch_all(db.pool());
        let rows: Vec<(NotificationId, bool)> =
            timed("postgres", "notifications.recount", query).await.map_err(fault)?;
        let Some((last, _)) = rows.last() else { return Ok(report) };
        after = *last;
        report.lines += rows.len() as u64;
        let wrong: Vec<NotificationId> = rows.into_iter().filter(|(_, is_wrong)| *is_wrong).map(|(id, _)| id).collect();
        report.wrong += wrong.len() as u64;
        if repair && !wrong.is_empty() {
            let mut tx = db.begin().await?;
            sqlx::query("SELECT FROM notifications WHERE id = ANY($1) ORDER BY id FOR UPDATE")
                .bind(&wrong)
                .execute(&mut *tx)
                .await
                .map_err(fault)?;
            settle(&mut tx, &wrong).await?;
            commit(tx).await?;
        }
        progress(&report);
    }
}
