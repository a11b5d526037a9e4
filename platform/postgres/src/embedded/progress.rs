//! Tells a waiting person what takes so long.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// A step that takes longer than this is worth a line.
const FIRST_LINE: Duration = Duration::from_secs(1);
const NEXT_LINES: Duration = Duration::from_secs(5);

/// Where lines about long steps go.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(&str) + Send + Sync>);

impl Progress {
    pub fn new(write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }

    #[must_use]
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    pub fn say(&self, line: &str) {
        (self.0)(line);
    }

    /// Waits for `step`, and says what it is when it takes long; `state` is asked each time for more to say.
    pub async fn during<T>(&self, state: impl Fn() -> String, step: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let mut ticks = interval_at(started + FIRST_LINE, NEXT_LINES);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(step);
        loop {
            tokio::select! {
                done = &mut step => return done,
                now = ticks.tick() => {
                    let seconds = now.duration_since(started).as_secs();
                    let since = if seconds > 1 { format!(" ({seconds} s so far)") } else { String::new() };
                    self.say(&format!("{}{since}", state()));
                }
            }
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_long_steps_are_mentioned() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let progress = Progress::new({
            let lines = Arc::clone(&lines);
            move |line| lines.lock().unwrap().push(line.to_owned())
        });
        progress.during(|| "quick".to_owned(), tokio::time::sleep(Duration::from_millis(900))).await;
        progress.during(|| "slow".to_owned(), tokio::time::sleep(Duration::from_millis(6_500))).await;
        assert_eq!(*lines.lock().unwrap(), ["slow", "slow (6 s so far)"]);
    }
}
