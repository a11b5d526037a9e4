//! From the bus to the queues: in order, without repeats, without holes.

use std::collections::VecDeque;
use std::sync::Arc;

use live::{Control, Incoming, Position, Publication, Signal, Since, Topic};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::coalesce::{self, Turn};
use super::{Hub, Phase, Stream};
use crate::frame;
use crate::limits::{BACKLOG_MAX, BUS_RETRY};
use crate::metrics::METRICS;
use crate::outlet::{Hold, Outlet, Why};
use crate::queue::Class;

/// Items looked at before connections get their turn to write: what came in a burst leaves in one write.
const BURST: usize = 64;

/// A [`live::UserEvent`] whose body stays where it is.
#[derive(Deserialize)]
pub(crate) struct Event<'a> {
    #[serde(default)]
    pub control: Vec<Control>,
    #[serde(borrow)]
    pub body: Option<&'a RawValue>,
}

impl Hub {
    /// Hands out what the bus brings, until it brings no more.
    pub async fn listen(self: Arc<Self>, mut incoming: mpsc::Receiver<Incoming>) {
        let mut burst = Vec::with_capacity(BURST);
        while incoming.recv_many(&mut burst, BURST).await > 0 {
            for item in burst.drain(..) {
                self.dispatch(item);
            }
            tokio::task::yield_now().await;
        }
    }

    fn dispatch(self: &Arc<Self>, item: Incoming) {
        let topic = match &item {
            Incoming::Suspect => return self.suspect.notify_one(),
            Incoming::Signal { topic, signal } => return self.signal(*topic, signal),
            Incoming::Event { topic, .. } | Incoming::Control { topic, .. } => *topic,
        };
        let mut shard = self.shard(&topic).lock();
        let Some(stream) = shard.get_mut(&topic) else { return };
        if let Phase::Entering(_) = stream.phase {
            // Nobody is attached yet whom an order could concern; an event is fetched.
            if let Incoming::Event { publication, .. } = &item {
                stream.heard = stream.heard.max(publication.offset);
            }
            return;
        }
        if let Some(backlog) = &mut stream.backlog {
            if backlog.len() < BACKLOG_MAX {
                backlog.push_back(item);
            } else {
                stream.refill = true;
            }
            return;
        }
        if let Some(item) = self.deliver_now(topic, stream, item) {
            stream.backlog = Some(VecDeque::from([item]));
            tokio::spawn(Arc::clone(self).work(topic));
        }
    }

    /// Delivers an item that needs nothing else. Gives back one that does: it has a hole before it, or orders in it.
    fn deliver_now(&self, topic: Topic, stream: &mut Stream, item: Incoming) -> Option<Incoming> {
        let Incoming::Event { epoch, publication, .. } = &item else { return Some(item) };
        match self.place(stream, epoch, publication) {
            Place::Past => return None,
            Place::AfterHole => return Some(item),
            Place::Next => {}
        }
        match serde_json::from_slice::<Event<'_>>(&publication.event) {
            Ok(event) if event.control.is_empty() => {
                self.hand_out(topic, stream, publication, event.body, &[]);
                None
            }
            Ok(_) => Some(item),
            Err(error) => {
                tracing::error!(%topic, %error, "an event that cannot be read");
                stream.last = publication.offset;
                None
            }
        }
    }

    fn place(&self, stream: &mut Stream, epoch: &Arc<str>, publication: &Publication) -> Place {
        let current = self.adopt(epoch);
        if current.name != *epoch {
            // Of before or after a loss that this node is about to look into; everybody will read anew.
            return Place::Past;
        }
        if stream.epoch != current.nth {
            // The first of a new epoch. Everybody is being told to read anew: what was before it does not matter.
            stream.epoch = current.nth;
            stream.last = publication.offset - 1;
        }
        match publication.offset.checked_sub(stream.last) {
            None | Some(0) => Place::Past,
            Some(1) => Place::Next,
            Some(_) => Place::AfterHole,
        }
    }

    fn signal(&self, topic: Topic, signal: &Signal) {
        let shard = self.shard(&topic).lock();
        let Some(stream) = shard.get(&topic) else { return };
        let wire = frame::signal(&topic, signal);
        for outlet in &stream.subscribers {
            let own = signal.by.is_some() && outlet.peer().map(|peer| peer.user) == signal.by;
            if !own && !outlet.is_gone() {
                outlet.queue().push_signal(&signal.key, wire.clone());
            }
        }
    }

    /// Has the topic's worker fetch what follows `last`. Starts it if none is at work.
    pub(super) fn refill(self: &Arc<Self>, topic: Topic, stream: &mut Stream, found_by: &'static str) {
        METRICS.gaps.get_or_create(&[("found_by", found_by)]).inc();
        stream.refill = true;
        if stream.backlog.is_none() {
            stream.backlog = Some(VecDeque::new());
            tokio::spawn(Arc::clone(self).work(topic));
        }
    }

    /// Works off a topic's backlog, item by item, then lets go of it. One at a time for each topic.
    async fn work(self: Arc<Self>, topic: Topic) {
        while let Some(step) = self.next_step(topic) {
            match step {
                Step::Fill => self.fill(topic).await,
                Step::Obey(Incoming::Event { publication, .. }) => self.obey_and_hand_out(topic, &publication).await,
                Step::Obey(Incoming::Control { event, .. }) => drop(self.obey(topic, &event.control).await),
                Step::Obey(Incoming::Signal { .. } | Incoming::Suspect) => {}
            }
        }
    }

    /// Delivers what can be delivered at once, up to something that takes time. `None` when all is done.
    fn next_step(&self, topic: Topic) -> Option<Step> {
        let mut shard = self.shard(&topic).lock();
        let stream = shard.get_mut(&topic)?;
        loop {
            let Some(item) = stream.backlog.as_mut().and_then(VecDeque::pop_front) else {
                if std::mem::take(&mut stream.refill) {
                    return Some(Step::Fill);
                }
                stream.backlog = None;
                return None;
            };
            let Some(item) = self.deliver_now(topic, stream, item) else { continue };
            if let Incoming::Event { publication, .. } = &item
                && publication.offset > stream.last + 1
            {
                METRICS.gaps.get_or_create(&[("found_by", "event")]).inc();
                stream.backlog.get_or_insert_default().push_front(item);
                return Some(Step::Fill);
            }
            return Some(Step::Obey(item));
        }
    }

    /// Fetches what follows the last event, and puts it before what waits. What cannot be fetched is lost for good.
    async fn fill(self: &Arc<Self>, topic: Topic) {
        let Some(last) = self.position(topic) else { return };
        let after = Position { epoch: self.epoch(), offset: last };
        let missed = match self.bus.since(topic, &after).await {
            Ok(Since::Complete(missed)) => missed,
            Ok(Since::Lost) => return self.lost(topic).await,
            Err(error) => {
                tracing::warn!(%topic, %error, "cannot fetch missed events yet");
                tokio::time::sleep(BUS_RETRY).await;
                if let Some(stream) = self.shard(&topic).lock().get_mut(&topic) {
                    stream.refill = true;
                }
                return;
            }
        };
        let still_a_hole = {
            let mut shard = self.shard(&topic).lock();
            let Some(stream) = shard.get_mut(&topic) else { return };
            let backlog = stream.backlog.get_or_insert_default();
            for publication in missed.into_iter().rev() {
                backlog.push_front(Incoming::Event { topic, epoch: Arc::clone(&after.epoch), publication });
            }
            match backlog.front() {
                Some(Incoming::Event { publication, .. }) => publication.offset > stream.last + 1,
                _ => false,
            }
        };
        if still_a_hole {
            // The bus says that nothing is missing, and an event says that something is.
            self.lost(topic).await;
        }
    }

    async fn obey_and_hand_out(self: &Arc<Self>, topic: Topic, publication: &Publication) {
        let Ok(event) = serde_json::from_slice::<Event<'_>>(&publication.event) else { return };
        let (follows, _holds) = self.obey(topic, &event.control).await;
        let mut shard = self.shard(&topic).lock();
        if let Some(stream) = shard.get_mut(&topic)
            && publication.offset > stream.last
        {
            self.hand_out(topic, stream, publication, event.body, &follows);
        }
    }

    /// Carries out orders on the connections that follow `topic`. Says where topics stand that they follow by it, and holds
    /// back the events of these until that has been passed on.
    async fn obey(self: &Arc<Self>, topic: Topic, orders: &[Control]) -> (Vec<(Topic, u64)>, Vec<Hold>) {
        let outlets = {
            let shard = self.shard(&topic).lock();
            shard.get(&topic).map(|stream| stream.subscribers.clone()).unwrap_or_default()
        };
        let (mut follows, mut holds) = (Vec::new(), Vec::new());
        for order in orders {
            match order {
                Control::Follow(to) => {
                    let mut lowest: Option<u64> = None;
                    for outlet in &outlets {
                        holds.push(outlet.hold());
                        let position = self.attach_at_last(outlet, *to).await;
                        lowest = lowest.into_iter().chain(position).min();
                    }
                    follows.extend(lowest.map(|position| (*to, position)));
                }
                Control::Unfollow(from) => outlets.iter().for_each(|outlet| self.detach(outlet, *from)),
                Control::Close { session, reason } => {
                    let meant = |outlet: &Outlet| {
                        session.is_none_or(|session| outlet.peer().is_some_and(|peer| peer.session == session))
                    };
                    outlets.iter().filter(|outlet| meant(outlet)).for_each(|outlet| outlet.close((*reason).into()));
                }
            }
        }
        (follows, holds)
    }

    /// Follows a topic that the connection belongs to, however long the bus takes: without it, it would be deaf.
    async fn attach_at_last(self: &Arc<Self>, outlet: &Arc<Outlet>, to: Topic) -> Option<u64> {
        loop {
            if outlet.is_gone() {
                return None;
            }
            match self.attach(outlet, &[to], Why::Belongs).await {
                Ok(positions) => return positions.first().map(|(_, position)| *position),
                Err(_) => tokio::time::sleep(BUS_RETRY).await,
            }
        }
    }

    /// Puts one event into the queue of every subscriber.
    fn hand_out(
        &self,
        topic: Topic,
        stream: &mut Stream,
        publication: &Publication,
        body: Option<&RawValue>,
        follows: &frame::Positions,
    ) {
        stream.last = publication.offset;
        let Some(body) = body else { return };
        let span = publication.trace.as_deref().map(|trace| {
            let span = tracing::debug_span!("socket.deliver", %topic, receivers = stream.subscribers.len());
            telemetry::continue_trace(&span, trace);
            span
        });
        let _entered = span.as_ref().map(tracing::Span::enter);
        let wire = frame::event(&topic, publication, body, follows);
        let turn = stream.pace.turn(Instant::now(), coalesce::span(stream.subscribers.len()));
        let mut at = 0;
        while let Some(outlet) = stream.subscribers.get(at) {
            if outlet.is_gone() {
                stream.subscribers.swap_remove(at);
                continue;
            }
            let mut queue = outlet.queue();
            if turn == Turn::Now {
                queue.push(Class::Event, wire.clone());
            } else {
                queue.push_quietly(Class::Event, wire.clone());
            }
            drop(queue);
            at += 1;
        }
        if let Turn::Then(due) = turn {
            self.pending.add(due, topic);
        }
        METRICS.fanout.observe(stream.subscribers.len() as f64);
    }
}

/// Where an event stands to the last one of its topic.
enum Place {
    Past,
    Next,
    AfterHole,
}

/// What a topic's worker cannot do in passing.
enum Step {
    /// Fetch what follows the last event.
    Fill,
    /// Carry out the orders in this, then hand it out.
    Obey(Incoming),
}
