//! Lines and acts in PostgreSQL. Whatever changes acts holds the rows of their lines, in the order of ids.

mod forget;
mod recount;

pub use forget::FORGET_BATCH;
pub(crate) use forget::{forget_content, forget_person};
pub use recount::{Report, recount};

use kernel::{ContentId, ContentKind, NotificationId, Timestamp, UserId};
use postgres::{Db, StoreResult, fault};
use schemas::notifications::Happening;
use sqlx::{PgConnection, Postgres, Transaction};
use telemetry::timed;
use uuid::Uuid;

use crate::model::{Act, day, number_of, value_of};

/// Lines that an inbox keeps: the oldest go.
pub const INBOX_MAX: i64 = 1_000;
/// Acts that a line keeps: later ones only move it to the top.
pub const ACTS_MAX: i32 = 1_000;
/// The last acts of a line, out of which those are chosen that are shown.
pub const ACTS_READ: i64 = 8;

/// A line, as it is kept.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Line {
    pub id: NotificationId,
    pub what: i16,
    pub target: Uuid,
    pub target_kind: Option<i16>,
    pub at: Timestamp,
    /// How many different people acted.
    pub actors: i64,
    pub read_until: Option<Timestamp>,
}

/// One of the last acts of a line.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct LineAct {
    pub notification: NotificationId,
    pub actor: UserId,
    pub item: Uuid,
    pub item_kind: Option<i16>,
    pub value: i16,
}

/// Content out of its two columns.
pub(crate) fn content(kind: Option<i16>, uuid: Uuid) -> Option<ContentId> {
    Some(ContentId::from_parts(ContentKind::from_number(kind?)?, uuid))
}

fn uuid(content: Option<ContentId>) -> Uuid {
    content.map_or(Uuid::nil(), ContentId::uuid)
}

fn kind(content: Option<ContentId>) -> Option<i16> {
    content.map(|content| content.kind().number())
}

async fn commit(tx: Transaction<'static, Postgres>) -> StoreResult<()> {
    timed("postgres", "notifications.commit", tx.commit()).await.map_err(fault)
}

/// What an act did to an inbox: to which line it was added, and how many that one has now.
pub(crate) type Added = Option<(NotificationId, i32)>;

/// Adds an act to its line, unless it is there already, on whatever day.
pub(crate) async fn add(db: &Db, act: &Act) -> StoreResult<Added> {
    let mut tx = db.begin().await?;
    if renew(&mut tx, act).await? {
        commit(tx).await?;
        return Ok(None);
    }
    // What comes late is unread all the same, so it stands above what was read.
    let query = sqlx::query_as(
        "INSERT INTO notifications AS n (id, recipient, what, target, target_kind, day, at)
         VALUES ($1, $2, $3, $4, $5, $6, greatest($7,
             (SELECT read_until + interval '1 millisecond' FROM notification_marks m WHERE m.recipient = $2)))
         ON CONFLICT (recipient, what, target, day) DO UPDATE SET at = greatest(n.at, EXCLUDED.at)
         RETURNING id, acts",
    )
    .bind(NotificationId::new(act.at))
    .bind(act.recipient)
    .bind(number_of(act.what))
    .bind(uuid(act.target))
    .bind(kind(act.target))
    .bind(day(act.at))
    .bind(act.at)
    .fetch_one(&mut *tx);
    let (line, acts): (NotificationId, i32) = timed("postgres", "notifications.line", query).await.map_err(fault)?;
    if acts >= ACTS_MAX {
        commit(tx).await?;
        return Ok(None);
    }
    let query = sqlx::query(
        "INSERT INTO notification_acts (notification, actor, item, item_kind, value, at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(line)
    .bind(act.actor)
    .bind(uuid(act.item))
    .bind(kind(act.item))
    .bind(value_of(act.reaction))
    .bind(act.at)
    .execute(&mut *tx);
    timed("postgres", "notifications.act", query).await.map_err(fault)?;
    sqlx::query("UPDATE notifications SET acts = acts + 1 WHERE id = $1")
        .bind(line)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    if acts == 0 {
        trim(&mut tx, act.recipient).await?;
    }
    commit(tx).await?;
    Ok(Some((line, acts + 1)))
}

/// Gives an act that is there its present value. Whether it is there.
async fn renew(tx: &mut PgConnection, act: &Act) -> StoreResult<bool> {
    let query = sqlx::query(
        "UPDATE notification_acts a SET value = $6 FROM notifications n
         WHERE n.recipient = $1 AND n.what = $2 AND n.target = $3
           AND a.notification = n.id AND a.actor = $4 AND a.item = $5",
    )
    .bind(act.recipient)
    .bind(number_of(act.what))
    .bind(uuid(act.target))
    .bind(act.actor)
    .bind(uuid(act.item))
    .bind(value_of(act.reaction))
    .execute(tx);
    Ok(timed("postgres", "notifications.renew", query).await.map_err(fault)?.rows_affected() > 0)
}

/// Deletes what an inbox has too many of.
async fn trim(tx: &mut PgConnection, recipient: UserId) -> StoreResult<()> {
    let query = sqlx::query(
        "DELETE FROM notifications WHERE id IN (
             SELECT id FROM notifications WHERE id IN (
                 SELECT id FROM notifications WHERE recipient = $1 ORDER BY at DESC, id DESC OFFSET $2
             ) ORDER BY id FOR UPDATE
         )",
    )
    .bind(recipient)
    .bind(INBOX_MAX)
    .execute(tx);
    timed("postgres", "notifications.trim", query).await.map(drop).map_err(fault)
}

/// Whether somebody did something to somebody that is still in the inbox.
pub(crate) async fn is_there(db: &Db, recipient: UserId, what: Happening, actor: UserId) -> StoreResult<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM notifications n JOIN notification_acts a ON a.notification = n.id
         WHERE n.recipient = $1 AND n.what = $2 AND n.target = $3 AND a.actor = $4)",
    )
    .bind(recipient)
    .bind(number_of(what))
    .bind(Uuid::nil())
    .bind(actor)
    .fetch_one(db.pool())
    .await
    .map_err(fault)
}

/// Takes an act back, whenever it was done.
pub(crate) async fn remove(
    db: &Db,
    recipient: UserId,
    what: Happening,
    target: Option<ContentId>,
    actor: UserId,
) -> StoreResult<()> {
    let mut tx = db.begin().await?;
    let lines = sqlx::query_scalar(
        "SELECT id FROM notifications WHERE recipient = $1 AND what = $2 AND target = $3 ORDER BY id FOR UPDATE",
    )
    .bind(recipient)
    .bind(number_of(what))
    .bind(uuid(target))
    .fetch_all(&mut *tx);
    let lines: Vec<NotificationId> = timed("postgres", "notifications.lock", lines).await.map_err(fault)?;
    sqlx::query("DELETE FROM notification_acts WHERE notification = ANY($1) AND actor = $2")
        .bind(&lines)
        .bind(actor)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
    settle(&mut tx, &lines).await?;
    commit(tx).await
}

/// Counts the acts of locked lines anew, and deletes lines that have none.
async fn settle(tx: &mut PgConnection, lines: &[NotificationId]) -> StoreResult<()> {
    sqlx::query(
        "UPDATE notifications n SET acts = (SELECT count(*) FROM notification_acts a WHERE a.notification = n.id)
         WHERE id = ANY($1)",
    )
    .bind(lines)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    sqlx::query("DELETE FROM notifications WHERE id = ANY($1) AND acts = 0")
        .bind(lines)
        .execute(tx)
        .await
        .map(drop)
        .map_err(fault)
}

/// Where a page of an inbox ends.
pub(crate) type Place = (Timestamp, NotificationId);

/// Below every line.
pub(crate) const END: Place = (Timestamp::from_millis(0), NotificationId::from_uuid(Uuid::nil()));
/// Above every line.
pub(crate) const START: Place = (Timestamp::from_millis(253_402_300_799_000), NotificationId::from_uuid(Uuid::max()));

/// Lines between two places, the last first, and how far their owner has read.
pub(crate) async fn lines(
    db: &Db,
    recipient: UserId,
    before: Place,
    after: Timestamp,
    limit: i64,
) -> StoreResult<Vec<Line>> {
    let query = sqlx::query_as(
        "SELECT id, what, target, target_kind, at,
                (SELECT count(DISTINCT actor) FROM notification_acts a WHERE a.notification = n.id) AS actors,
                (SELECT read_until FROM notification_marks m WHERE m.recipient = $1) AS read_until
         FROM notifications n
         WHERE recipient = $1 AND (at, id) < ($2, $3) AND at > $4 ORDER BY at DESC, id DESC LIMIT $5",
    )
    .bind(recipient)
    .bind(before.0)
    .bind(before.1)
    .bind(after)
    .bind(limit)
    .fetch_all(db.pool());
    timed("postgres", "notifications.lines", query).await.map_err(fault)
}

/// One line.
pub(crate) async fn line(db: &Db, recipient: UserId, id: NotificationId) -> StoreResult<Option<Line>> {
    let query = sqlx::query_as(
        "SELECT id, what, target, target_kind, at,
                (SELECT count(DISTINCT actor) FROM notification_acts a WHERE a.notification = n.id) AS actors,
                (SELECT read_until FROM notification_marks m WHERE m.recipient = $1) AS read_until
         FROM notifications n WHERE recipient = $1 AND id = $2",
    )
    .bind(recipient)
    .bind(id)
    .fetch_optional(db.pool());
    timed("postgres", "notifications.read_line", query).await.map_err(fault)
}

/// The last acts of each line, the last first.
pub(crate) async fn acts(db: &Db, lines: &[NotificationId]) -> StoreResult<Vec<LineAct>> {
    let query = sqlx::query_as(
        "SELECT line.id AS notification, last.actor, last.item, last.item_kind, last.value
         FROM unnest($1::uuid[]) line (id)
         CROSS JOIN LATERAL (
             SELECT actor, item, item_kind, value, at FROM notification_acts a
             WHERE a.notification = line.id ORDER BY at DESC, actor DESC LIMIT $2
         ) last
         ORDER BY line.id, last.at DESC, last.actor DESC",
    )
    .bind(lines)
    .bind(ACTS_READ)
    .fetch_all(db.pool());
    timed("postgres", "notifications.acts", query).await.map_err(fault)
}

pub(crate) async fn read_until(db: &Db, recipient: UserId) -> StoreResult<Option<Timestamp>> {
    sqlx::query_scalar("SELECT read_until FROM notification_marks WHERE recipient = $1")
        .bind(recipient)
        .fetch_optional(db.pool())
        .await
        .map_err(fault)
}

/// Moves the mark on, never back. Where it is now, if it moved.
pub(crate) async fn mark(db: &Db, recipient: UserId, until: Timestamp) -> StoreResult<Option<Timestamp>> {
    let query = sqlx::query_scalar(
        "INSERT INTO notification_marks AS m (recipient, read_until) VALUES ($1, $2)
         ON CONFLICT (recipient) DO UPDATE SET read_until = EXCLUDED.read_until WHERE EXCLUDED.read_until > m.read_until
         RETURNING read_until",
    )
    .bind(recipient)
    .bind(until)
    .fetch_optional(db.pool());
    timed("postgres", "notifications.mark", query).await.map_err(fault)
}
