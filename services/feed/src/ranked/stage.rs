//! What all stages have: a name, a deadline, and what their failure means.

use std::time::Duration;

use kernel::StoreError;
use tokio::time::timeout;

use super::log::METRICS;
use crate::Error;

/// What the failure of a stage means for the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailMode {
    /// The page is made without what the stage gives.
    Open,
    /// There is no page.
    Closed,
}

#[derive(Debug, Clone, Copy)]
pub struct Stage {
    pub name: &'static str,
    pub deadline: Duration,
    pub fails: FailMode,
}

impl Stage {
    pub const fn open(name: &'static str, deadline: Duration) -> Self {
        Self { name, deadline, fails: FailMode::Open }
    }

    pub const fn closed(name: &'static str, deadline: Duration) -> Self {
        Self { name, deadline, fails: FailMode::Closed }
    }

    /// What `work` gives within `patience` times the deadline; nothing, when it fails and the stage fails open.
    pub async fn run<T: Default>(
        &self,
        patience: u32,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let done = match timeout(self.deadline * patience, telemetry::timed("feed", self.name, work)).await {
            Ok(done) => done,
            Err(late) => Err(StoreError::unavailable(late).into()),
        };
        match done {
            Err(error) if self.fails == FailMode::Open => {
                METRICS.stages_failed.inc();
                tracing::warn!(stage = self.name, %error, "a page is ranked without a stage");
                Ok(T::default())
            }
            done => done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stage_that_fails_or_is_late_fails_as_it_says() {
        let (open, closed) = (Stage::open("a", Duration::from_millis(5)), Stage::closed("b", Duration::from_millis(5)));
        let late = || async {
            tokio::time::sleep(Duration::from_millis(6)).await;
            Ok(7)
        };
        let failed = || async { Err::<i32, _>(Error::Cursor) };
        assert_eq!(open.run(1, async { Ok(7) }).await.unwrap(), 7);
        assert_eq!((open.run(1, late()).await.unwrap(), open.run(1, failed()).await.unwrap()), (0, 0));
        assert!(closed.run(1, late()).await.is_err() && closed.run(1, failed()).await.is_err());
        assert_eq!(open.run(2, late()).await.unwrap(), 7, "with more patience");
    }
}
