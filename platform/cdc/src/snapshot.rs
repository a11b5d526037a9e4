//! What a transaction sees.

use std::time::Duration;

use kernel::StoreError;
use postgres::{Db, StoreResult, fault};
use sqlx::{PgConnection, Postgres, Transaction};
use tokio::time::{Instant, sleep};

/// Between its commit and its end a transaction does nothing but wait, if need be, for a synchronous standby.
const SETTLE_MAX: Duration = Duration::from_secs(5);
const SETTLE_POLL: Duration = Duration::from_millis(5);
/// Pause before looking again whether a commit is seen.
const SEEN_POLL: Duration = Duration::from_millis(1);
/// Longest that a commit which the stream has told may stay unseen. With synchronous replication it is the time that a
/// standby takes to answer.
const SEEN_WITHIN: Duration = Duration::from_secs(20);

/// Which transactions the reads of a transaction see.
///
/// A commit may reach the stream *before* reads see it: the log is written first, and only then (with synchronous
/// replication even much later) the transaction counts as ended. Whoever reads rows because a change was told must
/// therefore first make sure that the change's transaction [is seen](Self::sees), as [`Snapshot::seeing`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The first transaction that had not begun.
    next: u64,
    /// Those before it that had not ended.
    running: Vec<u64>,
}

impl Snapshot {
    /// That of the transaction which `at` is in.
    pub async fn of(at: &mut PgConnection) -> StoreResult<Self> {
        let text: String =
            sqlx::query_scalar("SELECT pg_current_snapshot()::text").fetch_one(at).await.map_err(fault)?;
        Self::parse(&text).ok_or_else(|| StoreError::broken(format!("a snapshot written as {text:?}")))
    }

    /// A transaction that reads all tables as of one moment, at which everything is seen that the committed transactions `xids`
    /// did.
    pub async fn seeing(db: &Db, xids: &[u32]) -> StoreResult<Transaction<'static, Postgres>> {
        let give_up = Instant::now() + SEEN_WITHIN;
        loop {
            let begun = db.pool().begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await;
            let mut tx = begun.map_err(fault)?;
            // The first statement is what fixes the moment.
            if xids.is_empty() || Self::of(&mut tx).await?.sees_all(xids) {
                return Ok(tx);
            }
            tx.rollback().await.map_err(fault)?;
            if Instant::now() > give_up {
                return Err(StoreError::unavailable("a transaction that was committed is not seen by reads yet"));
            }
            sleep(SEEN_POLL).await;
        }
    }

    /// Waits until every transaction has ended that runs now, but no longer than [`SETTLE_MAX`]: some of them may have
    /// written their commit already.
    pub(crate) async fn settle(at: &mut PgConnection) -> StoreResult<()> {
        let first = Self::of(at).await?;
        let deadline = Instant::now() + SETTLE_MAX;
        while Instant::now() < deadline {
            let now = Self::of(at).await?;
            if !first.running.iter().any(|xid| now.running.contains(xid)) {
                break;
            }
            sleep(SETTLE_POLL).await;
        }
        Ok(())
    }

    /// `oldest:next:running,running,…`
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (_oldest, next, running) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let running =
            running.split(',').filter(|xid| !xid.is_empty()).map(|xid| xid.parse().ok()).collect::<Option<_>>();
        Some(Self { next, running: running? })
    }

    /// Whether everything that the committed transaction `xid` did is seen.
    #[must_use]
    pub fn sees(&self, xid: u32) -> bool {
        // The log names transactions by the lower half of their numbers. No two that are alive are further apart than
        // 2³¹.
        let ahead = xid.wrapping_sub(self.next as u32).cast_signed();
        ahead < 0 && !self.running.iter().any(|running| *running as u32 == xid)
    }

    #[must_use]
    pub fn sees_all(&self, xids: &[u32]) -> bool {
        xids.iter().all(|xid| self.sees(*xid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_is_seen_and_nothing_else() {
        let snapshot = Snapshot::parse("100:110:100,105").unwrap();
        assert!(snapshot.sees(99) && snapshot.sees(101) && snapshot.sees(109));
        assert!(!snapshot.sees(100) && !snapshot.sees(105) && !snapshot.sees(110) && !snapshot.sees(4_000));
        assert!(snapshot.sees_all(&[1, 109]) && !snapshot.sees_all(&[1, 105]));
        assert!(Snapshot::parse("7:7:").unwrap().sees(6));
    }

    #[test]
    fn numbers_that_have_wrapped_are_compared_around_the_corner() {
        // 2³² + 5 is the next; the log says 4_294_967_290 for one just before the corner.
        let snapshot = Snapshot::parse("4294967290:4294967301:4294967295").unwrap();
        assert!(snapshot.sees(4_294_967_290) && snapshot.sees(3));
        assert!(!snapshot.sees(4_294_967_295) && !snapshot.sees(5));
    }

    #[test]
    fn garbage_is_no_snapshot() {
        for text in ["", "1", "1:2", "1:x:", "1:2:x"] {
            assert_eq!(Snapshot::parse(text), None, "{text}");
        }
    }
}
