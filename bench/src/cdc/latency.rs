//! From a commit until searches find what it changed, while changes come at a steady rate.

use std::collections::VecDeque;
use std::time::Duration;

use hdrhistogram::Histogram;
use index::pipeline::{CONSUMER, state};
use tokio::time::{Instant, interval, sleep};

use super::Error;
use super::stage::Stage;

/// Transactions a second; each changes as many rows as the rate asks for.
const COMMITS: f64 = 50.0;
const POLL: Duration = Duration::from_millis(5);

pub struct Waits {
    pub rate: f64,
    pub p50: Duration,
    pub p99: Duration,
}

/// Commits at `rate` rows a second, and watches for each commit when the index has it.
pub async fn at(stage: &Stage, rate: f64, lasting: Duration) -> Result<Waits, Error> {
    let following = stage.follow().await?;
    let rows = (rate / COMMITS).round().max(1.0) as u32;
    let (commits, mut committed) = tokio::sync::mpsc::channel::<(cdc::Lsn, Instant)>(4_096);
    let writing = async move {
        let mut ticks = interval(Duration::from_secs_f64(1.0 / COMMITS));
        let started = Instant::now();
        let mut changes = 0;
        while started.elapsed() < lasting {
            ticks.tick().await;
            stage.change(rows).await?;
            changes += u64::from(rows);
            let at = Instant::now();
            commits.send((stage.log_end().await?, at)).await?;
        }
        Ok::<_, Error>(changes as f64 / started.elapsed().as_secs_f64())
    };
    let watching = async {
        let mut waits = Histogram::<u64>::new_with_bounds(1, 600_000_000, 3)?;
        let mut open: VecDeque<(cdc::Lsn, Instant)> = VecDeque::new();
        let mut writer_is_there = true;
        while writer_is_there || !open.is_empty() {
            loop {
                match committed.try_recv() {
                    Ok(commit) => open.push_back(commit),
                    Err(tokio::sync::mpsc::error::TryRecvError::Empty) => break,
                    Err(tokio::sync::mpsc::error::TryRecvError::Disconnected) => {
                        if writer_is_there {
                            // The last commit's position is reached with the next record of the log.
                            stage.caught_up().await?;
                        }
                        writer_is_there = false;
                        break;
                    }
                }
            }
            let reached = state(&stage.db, CONSUMER).await?.map(|state| state.position()).unwrap_or_default();
            let now = Instant::now();
            while open.front().is_some_and(|(lsn, _)| *lsn <= reached) {
                if let Some((_, at)) = open.pop_front() {
                    waits.record((now - at).as_micros() as u64)?;
                }
            }
            sleep(POLL).await;
        }
        Ok::<_, Error>(waits)
    };
    let (rate, waits) = tokio::try_join!(writing, watching)?;
    following.stop().await?;
    let quantile = |q| Duration::from_micros(waits.value_at_quantile(q));
    Ok(Waits { rate, p50: quantile(0.5), p99: quantile(0.99) })
}
