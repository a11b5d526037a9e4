//! Which authors are pulled.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Timestamp, UserId};
use parking_lot::Mutex;
use postgres::{Db, StoreResult, fault};

/// Authors who are pulled at most. Readers compare their followings with the whole list; further authors are pushed,
/// however many followers they have.
pub const PULLED_MAX: i64 = 10_000;
/// How old a reader's list may be: a newly pulled author's first pulled post appears that much later at worst.
pub const PULLED_AGE_MAX: Duration = Duration::from_secs(1);

/// How an author's posts reach followers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Pushed,
    Pulled,
    /// Pushed again, and still pulled, for the sake of what was posted while pulled.
    Both,
}

impl Mode {
    #[must_use]
    pub const fn pushes(self) -> bool {
        !matches!(self, Self::Pulled)
    }

    /// What an author becomes who has so many followers now. Between half of `pull_min` and `pull_min`, nothing changes.
    #[must_use]
    pub const fn next(self, followers: u64, pull_min: u64) -> Self {
        match self {
            _ if followers >= pull_min => Self::Pulled,
            Self::Pulled if followers < pull_min / 2 => Self::Both,
            same => same,
        }
    }
}

pub(crate) struct Authors {
    db: Db,
    pull_min: u64,
    /// The last answer of [`Authors::pulled`].
    list: Mutex<Option<(Timestamp, Arc<[UserId]>)>>,
}

impl Authors {
    pub(crate) const fn new(db: Db, pull_min: u64) -> Self {
        Self { db, pull_min, list: Mutex::new(None) }
    }

    /// How the next post of an author goes out. Changes of the mode are durable before it is acted upon, so that a
    /// reader finds by pulling whatever is not pushed.
    pub(crate) async fn mode(&self, author: UserId, followers: u64, now: Timestamp) -> StoreResult<Mode> {
        let row: Option<bool> = telemetry::timed("postgres", "feed.mode", self.row(author)).await.map_err(fault)?;
        let mode = match row {
            None => Mode::Pushed,
            Some(false) => Mode::Pulled,
            Some(true) => Mode::Both,
        };
        let next = mode.next(followers, self.pull_min);
        if next == mode {
            return Ok(mode);
        }
        let known = self.record(author, next, now).await?;
        tracing::info!(%author, followers, from = ?mode, to = ?next, known, "an author's posts go out another way");
        Ok(if known { next } else { mode })
    }

    async fn row(&self, author: UserId) -> Result<Option<bool>, sqlx::Error> {
        sqlx::query_scalar("SELECT pushed FROM feed_authors WHERE author = $1")
            .bind(author)
            .fetch_optional(self.db.pool())
            .await
    }

    /// Whether there was room for the author.
    async fn record(&self, author: UserId, mode: Mode, now: Timestamp) -> StoreResult<bool> {
        sqlx::query(
            "INSERT INTO feed_authors (author, pushed, since)
             SELECT $1, $2, $3 WHERE EXISTS (SELECT FROM feed_authors WHERE author = $1)
                 OR (SELECT count(*) FROM feed_authors) < $4
             ON CONFLICT (author) DO UPDATE SET pushed = excluded.pushed, since = excluded.since",
        )
        .bind(author)
        .bind(mode.pushes())
        .bind(now)
        .bind(PULLED_MAX)
        .execute(self.db.pool())
        .await
        .map(|done| done.rows_affected() > 0)
        .map_err(fault)
    }

    /// Everybody whose posts are pulled, as of [`PULLED_AGE_MAX`] ago or later.
    pub(crate) async fn pulled(&self, now: Timestamp) -> StoreResult<Arc<[UserId]>> {
        if let Some((read_at, list)) = &*self.list.lock()
            && now.since(*read_at) < PULLED_AGE_MAX
            && *read_at <= now
        {
            return Ok(Arc::clone(list));
        }
        let read = sqlx::query_scalar("SELECT author FROM feed_authors").fetch_all(self.db.pool());
        let list: Arc<[UserId]> = telemetry::timed("postgres", "feed.pulled", read).await.map_err(fault)?.into();
        *self.list.lock() = Some((now, Arc::clone(&list)));
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_changes_at_its_thresholds_and_not_between() {
        use Mode::{Both, Pulled, Pushed};
        for (mode, followers, wanted) in [
            (Pushed, 0, Pushed),
            (Pushed, 99, Pushed),
            (Pushed, 100, Pulled),
            (Pulled, 99, Pulled),
            (Pulled, 50, Pulled),
            (Pulled, 49, Both),
            (Both, 50, Both),
            (Both, 99, Both),
            (Both, 100, Pulled),
            (Both, 0, Both),
        ] {
            assert_eq!(mode.next(followers, 100), wanted, "{mode:?} with {followers}");
        }
        assert!(Pushed.pushes() && Both.pushes() && !Pulled.pushes());
    }
}
