//! Looks for what no event can show: a lost tail, a bus that lost its memory, topics that nobody follows.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use live::{BusError, Topic};
use tokio_util::sync::CancellationToken;

use super::{Hub, Phase, SHARDS};
use crate::limits::{BUS_RETRY, LINGER, ON_ITS_WAY, POSITION_CHECK, POSITIONS_BATCH, POSITIONS_PER_SECOND_MAX};

/// Checks in a row that must find a topic deserted before it is left.
const DESERTED_MAX: u8 = (LINGER.as_millis() / POSITION_CHECK.as_millis()) as u8;

impl Hub {
    /// Checks a part of the topics at a time, so that each has its turn every [`POSITION_CHECK`]; all of them at once
    /// when the bus says that it may have missed something.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(POSITION_CHECK / SHARDS as u32);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut turn = 0;
        loop {
            let all = tokio::select! {
                () = stop.cancelled() => return,
                () = self.suspect.notified() => true,
                _ = ticks.tick() => false,
            };
            if all {
                if let Err(error) = self.check(0..SHARDS, Duration::ZERO).await {
                    tracing::warn!(%error, "cannot check all positions yet");
                    tokio::time::sleep(BUS_RETRY).await;
                    self.suspect.notify_one();
                }
                continue;
            }
            self.sweep(turn);
            match self.check(turn..turn + 1, ON_ITS_WAY).await {
                Ok(checked) => tokio::time::sleep(Duration::from_secs(1) / POSITIONS_PER_SECOND_MAX * checked).await,
                Err(error) => tracing::debug!(%error, "cannot check positions"),
            }
            turn = (turn + 1) % SHARDS;
        }
    }

    /// Compares what was handed out with what the bus has, and has the difference fetched unless it arrives within
    /// `patience`. Says how many topics it looked at.
    async fn check(self: &Arc<Self>, shards: Range<usize>, patience: Duration) -> Result<u32, BusError> {
        let handed_out = self.handed_out(shards);
        for batch in handed_out.chunks(POSITIONS_BATCH) {
            let topics: Vec<Topic> = batch.iter().map(|(topic, _)| *topic).collect();
            let positions = self.bus.positions(&topics).await?;
            let mut behind = Vec::new();
            for (&(topic, last), position) in batch.iter().zip(positions) {
                if self.adopt(&position.epoch).name != position.epoch {
                    self.renew(position.epoch);
                    return Ok(0);
                }
                if position.offset != last {
                    behind.push((topic, last));
                }
            }
            if !behind.is_empty() {
                tokio::spawn(Arc::clone(self).fetch_unless_moved(behind, patience));
            }
        }
        Ok(handed_out.len() as u32)
    }

    /// Where the topics stand that are not being worked on.
    fn handed_out(&self, shards: Range<usize>) -> Vec<(Topic, u64)> {
        let nth = self.epoch.lock().nth;
        let mut all = Vec::new();
        for shard in &self.shards[shards] {
            let shard = shard.lock();
            let settled = shard
                .iter()
                .filter(|(_, stream)| stream.is_settled() && stream.epoch == nth)
                .filter(|(topic, _)| topic.is_numbered());
            all.extend(settled.map(|(topic, stream)| (*topic, stream.last)));
        }
        all
    }

    async fn fetch_unless_moved(self: Arc<Self>, behind: Vec<(Topic, u64)>, patience: Duration) {
        tokio::time::sleep(patience).await;
        for (topic, last) in behind {
            let mut shard = self.shard(&topic).lock();
            if let Some(stream) = shard.get_mut(&topic)
                && stream.is_settled()
                && stream.last == last
            {
                self.refill(topic, stream, "check");
            }
        }
    }

    /// Forgets connections that are gone, and leaves topics that nobody follows.
    fn sweep(self: &Arc<Self>, shard: usize) {
        let mut shard = self.shards[shard].lock();
        for (topic, stream) in shard.iter_mut() {
            stream.subscribers.retain(|outlet| !outlet.is_gone());
            if stream.subscribers.capacity() > 4 * stream.subscribers.len().max(4) {
                stream.subscribers.shrink_to_fit();
            }
            if !stream.subscribers.is_empty() || !stream.is_settled() {
                stream.deserted = 0;
                continue;
            }
            stream.deserted += 1;
            if stream.deserted > DESERTED_MAX {
                stream.phase = Phase::Leaving(Vec::new());
                tokio::spawn(Arc::clone(self).leave(*topic));
            }
        }
    }
}
