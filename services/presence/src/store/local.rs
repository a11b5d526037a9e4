//! Presence in this process's memory.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Clock, StoreError, Timestamp, UserId};
use parking_lot::Mutex;
use schemas::presence::{Activity, State};

use super::{PresenceStore, Pulse, Seen, Shown, Snapshot, TAKEN_OVER_MAX, Times};
use crate::model::shown;

/// The memory that the handles of all nodes share. A process has one node; tests have more.
pub struct Memory {
    clock: Clock,
    times: Times,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    people: HashMap<UserId, Person>,
    /// When the lease of each node ends.
    leases: HashMap<u64, Timestamp>,
    nodes_ever: u64,
    /// People to forget, the earliest first, if they are still offline then.
    leavers: VecDeque<(Timestamp, UserId)>,
}

#[derive(Default)]
struct Person {
    entries: Vec<Entry>,
    hidden: bool,
    state: State,
    since: Timestamp,
}

struct Entry {
    connection: u64,
    node: u64,
    activity: Activity,
}

impl Memory {
    #[must_use]
    pub fn new(clock: Clock, times: Times) -> Arc<Self> {
        Arc::new(Self { clock, times, kept: Mutex::default() })
    }

    /// A handle for one more node.
    #[must_use]
    pub fn node(self: &Arc<Self>) -> Arc<dyn PresenceStore> {
        let mut kept = self.kept.lock();
        kept.nodes_ever += 1;
        Arc::new(Local { memory: Arc::clone(self), node: kept.nodes_ever })
    }
}

/// One node's handle.
struct Local {
    memory: Arc<Memory>,
    node: u64,
}

impl Local {
    fn change(&self, user: UserId, change: impl FnOnce(&mut Person)) -> Shown {
        let mut kept = self.memory.kept.lock();
        kept.change(user, self.memory.clock.now(), &self.memory.times, change)
    }
}

impl Kept {
    fn change(&mut self, user: UserId, now: Timestamp, times: &Times, change: impl FnOnce(&mut Person)) -> Shown {
        let person = self.people.entry(user).or_default();
        change(person);
        if person.entries.is_empty() {
            person.hidden = false;
        }
        let state = shown(person.entries.iter().map(|entry| entry.activity), person.hidden);
        let changed = state != person.state;
        if changed {
            person.state = state;
            person.since = now.max(Timestamp::from_millis(person.since.as_millis() + 1));
        }
        let shown = Shown { state, at: person.since, changed };
        if person.entries.is_empty() {
            self.leavers.push_back((now.plus(times.remembered), user));
        }
        shown
    }

    fn forget(&mut self, now: Timestamp) {
        while self.leavers.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, user)) = self.leavers.pop_front()
                && self.people.get(&user).is_some_and(|person| person.entries.is_empty())
            {
                self.people.remove(&user);
            }
        }
    }
}

#[async_trait]
impl PresenceStore for Local {
    async fn put(
        &self,
        user: UserId,
        connection: u64,
        activity: Activity,
        hidden: Option<bool>,
    ) -> Result<Shown, StoreError> {
        Ok(self.change(user, |person| {
            person.hidden = hidden.unwrap_or(person.hidden);
            let entry = Entry { connection, node: self.node, activity };
            match person.entries.iter_mut().find(|entry| entry.connection == connection) {
                Some(known) => *known = entry,
                None => person.entries.push(entry),
            }
        }))
    }

    async fn remove(&self, user: UserId, connection: u64) -> Result<Shown, StoreError> {
        Ok(self.change(user, |person| person.entries.retain(|entry| entry.connection != connection)))
    }

    async fn hide(&self, user: UserId, hidden: bool) -> Result<Shown, StoreError> {
        Ok(self.change(user, |person| person.hidden = hidden))
    }

    async fn read(&self, users: &[UserId]) -> Result<Snapshot, StoreError> {
        let kept = self.memory.kept.lock();
        let seen = |user| match kept.people.get(user) {
            Some(person) if person.since > Timestamp::default() => {
                Seen { state: person.state, since: Some(person.since) }
            }
            _ => Seen { state: State::Offline, since: None },
        };
        Ok(Snapshot { at: self.memory.clock.now(), people: users.iter().map(seen).collect() })
    }

    async fn beat(&self) -> Result<Pulse, StoreError> {
        let (now, times) = (self.memory.clock.now(), self.memory.times);
        let mut kept = self.memory.kept.lock();
        let before = kept.leases.insert(self.node, now.plus(times.lease));
        let mut pulse = Pulse { lapsed: before.is_none_or(|lease| lease < now), ..Pulse::default() };
        kept.forget(now);
        let dead: Vec<u64> = kept.leases.iter().filter(|(_, lease)| **lease < now).map(|(node, _)| *node).collect();
        if dead.is_empty() {
            return Ok(pulse);
        }
        let left_behind = |person: &Person| person.entries.iter().any(|entry| dead.contains(&entry.node));
        let mut people: Vec<UserId> =
            kept.people.iter().filter(|(_, person)| left_behind(person)).map(|(user, _)| *user).collect();
        pulse.more = people.len() > TAKEN_OVER_MAX;
        people.truncate(TAKEN_OVER_MAX);
        for user in people {
            let shown = kept.change(user, now, &times, |person| {
                person.entries.retain(|entry| !dead.contains(&entry.node));
            });
            if shown.changed {
                pulse.changes.push((user, shown));
            }
        }
        if !pulse.more {
            kept.leases.retain(|node, _| !dead.contains(node));
        }
        Ok(pulse)
    }
}
