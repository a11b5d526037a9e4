//! When something is lost for good: telling clients to read anew, and finding out anew what they follow.

use std::sync::Arc;
use std::time::Duration;

use kernel::Problem;
use live::{CloseReason, Peer, Position, Topic};
use schemas::socket::{Resync, ResyncReason, TopicPosition};

use super::{Hub, Phase};
use crate::close::Close;
use crate::frame;
use crate::limits::{BUS_RETRY, POSITIONS_BATCH, RESYNCS_PER_SECOND};
use crate::metrics::METRICS;
use crate::outlet::{Outlet, Why};
use crate::queue::Class;

impl Hub {
    /// A hole in a topic that cannot be filled: everybody who follows it reads anew.
    pub(super) async fn lost(self: &Arc<Self>, topic: Topic) {
        let Some(position) = self.ask_until_answered(&[topic]).await.pop() else { return };
        if self.adopt(&position.epoch).name != position.epoch {
            // The check finds out, and tells everybody about everything.
            return tokio::time::sleep(BUS_RETRY).await;
        }
        let outlets = {
            let mut shard = self.shard(&topic).lock();
            let Some(stream) = shard.get_mut(&topic) else { return };
            stream.last = position.offset;
            stream.subscribers.clone()
        };
        if let Topic::User(_) = topic {
            // Orders to follow, to leave or to close may have been in the hole.
            for outlet in &outlets {
                self.reseat(outlet).await;
                self.resync(outlet, ResyncReason::Gap);
            }
            return;
        }
        let wire = frame::json(&Resync {
            reason: ResyncReason::Gap,
            epoch: position.epoch.to_string(),
            topics: vec![TopicPosition { topic: topic.to_string(), pos: position.offset }],
        });
        for outlet in outlets.iter().filter(|outlet| !outlet.is_gone()) {
            METRICS.resyncs.get_or_create(&[("reason", "gap")]).inc();
            outlet.push(Class::Event, wire.clone());
        }
    }

    /// The bus lost its memory: no number of before means anything. Takes up the new epoch, then has every connection
    /// read anew, so many a second.
    pub(super) fn renew(self: &Arc<Self>, name: Arc<str>) {
        tracing::warn!(epoch = %name, "live delivery lost its memory; clients will read anew");
        let nth = {
            let mut epoch = self.epoch.lock();
            epoch.name = name;
            epoch.nth += 1;
            epoch.nth
        };
        let hub = Arc::clone(self);
        tokio::spawn(async move {
            hub.take_positions_of_epoch(nth).await;
            let mut ticks = tokio::time::interval(Duration::from_secs(1) / RESYNCS_PER_SECOND);
            for outlet in hub.connections() {
                ticks.tick().await;
                // One that is being identified finds out by itself.
                if outlet.peer().is_some() && !outlet.is_entering() {
                    hub.reseat(&outlet).await;
                    hub.resync(&outlet, ResyncReason::Epoch);
                }
            }
        });
    }

    async fn take_positions_of_epoch(&self, nth: u32) {
        for shard in &self.shards {
            let topics: Vec<Topic> = shard.lock().keys().copied().collect();
            for batch in topics.chunks(POSITIONS_BATCH) {
                let positions = self.ask_until_answered(batch).await;
                let mut shard = shard.lock();
                for (topic, position) in batch.iter().zip(positions) {
                    if let Some(stream) = shard.get_mut(topic)
                        && matches!(stream.phase, Phase::Followed)
                        && stream.epoch != nth
                    {
                        stream.last = position.offset;
                        stream.epoch = nth;
                    }
                }
            }
        }
    }

    /// Tells one client to read everything anew that it follows.
    fn resync(&self, outlet: &Outlet, reason: ResyncReason) {
        if outlet.is_gone() {
            return;
        }
        let standing = |topic: Topic| Some(TopicPosition { topic: topic.to_string(), pos: self.position(topic)? });
        let numbered = outlet.topics().into_iter().filter(|(topic, _)| topic.is_numbered());
        let topics = numbered.filter_map(|(topic, _)| standing(topic)).collect();
        let label = if reason == ResyncReason::Gap { "gap" } else { "epoch" };
        METRICS.resyncs.get_or_create(&[("reason", label)]).inc();
        // In line with the events: after those of before, and never before the answer to `identify`.
        outlet.push(Class::Event, frame::json(&Resync { reason, epoch: self.epoch().to_string(), topics }));
    }

    /// Finds out anew whether a connection may stay, and which topics it belongs to: what orders would have told.
    async fn reseat(self: &Arc<Self>, outlet: &Arc<Outlet>) {
        let Some(peer) = outlet.peer() else { return };
        match self.seat(outlet, peer).await {
            Ok(true) => {}
            Ok(false) => outlet.close(CloseReason::SessionRevoked.into()),
            Err(problem) => {
                tracing::warn!(connection = outlet.id, code = problem.code, "cannot tell what a connection follows");
                outlet.close(Close::Overloaded);
            }
        }
    }

    /// Whether the connection's session still stands; then it follows what it belongs to.
    async fn seat(self: &Arc<Self>, outlet: &Arc<Outlet>, peer: &Peer) -> Result<bool, Problem> {
        if !self.authenticator.stands(peer.session).await? {
            return Ok(false);
        }
        let mut topics = self.topics_of(peer.user).await?;
        topics.push(Topic::User(peer.user));
        for (topic, why) in outlet.topics() {
            if why == Why::Belongs && !topics.contains(&topic) {
                self.detach(outlet, topic);
            }
        }
        self.attach(outlet, &topics, Why::Belongs).await?;
        Ok(true)
    }

    async fn ask_until_answered(&self, topics: &[Topic]) -> Vec<Position> {
        loop {
            match self.bus.positions(topics).await {
                Ok(positions) => return positions,
                Err(error) => {
                    tracing::warn!(%error, "cannot read positions yet");
                    tokio::time::sleep(BUS_RETRY).await;
                }
            }
        }
    }
}
