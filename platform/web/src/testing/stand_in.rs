//! What answers in place of a neighbouring slice.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kernel::{ErrorKind, Problem, UserId};
use parking_lot::Mutex;
use schemas::accounts::PersonSummary;

/// Answers from what a test lets it know, counts how often it was asked, and can be away.
#[derive(Debug, Default)]
pub struct StandIn<K> {
    known: Mutex<K>,
    away: AtomicBool,
    asked: AtomicU64,
}

impl<K> StandIn<K> {
    /// # Errors
    /// When it is away.
    pub fn ask<T>(&self, answer: impl FnOnce(&K) -> T) -> Result<T, Problem> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.away.load(Ordering::Relaxed) {
            return Err(Self::away());
        }
        Ok(answer(&self.known.lock()))
    }

    /// What a slice answers that cannot answer.
    pub fn away() -> Problem {
        Problem::new(ErrorKind::Unavailable, "store_unavailable", "away")
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut K) -> T) -> T {
        change(&mut self.known.lock())
    }

    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }

    /// How often it was asked since this was asked.
    pub fn take_asked(&self) -> u64 {
        self.asked.swap(0, Ordering::Relaxed)
    }
}

/// People and what is between them, as accounts and the graph have it.
#[derive(Debug, Default)]
pub struct Town {
    /// Handles.
    pub people: HashMap<UserId, String>,
    pub private: HashSet<UserId>,
    /// Who, whom; so are all of these.
    pub follows: BTreeSet<(UserId, UserId)>,
    pub close_friends: HashSet<(UserId, UserId)>,
    pub blocks: HashSet<(UserId, UserId)>,
    pub mutes: HashSet<(UserId, UserId)>,
}

impl Town {
    /// Whether either blocks the other.
    pub fn blocked(&self, one: UserId, other: UserId) -> bool {
        self.blocks.contains(&(one, other)) || self.blocks.contains(&(other, one))
    }

    pub fn follows(&self, source: UserId, target: UserId) -> bool {
        self.follows.contains(&(source, target))
    }

    /// By id or handle.
    pub fn find(&self, who: &str) -> Option<UserId> {
        self.people.iter().find(|(id, handle)| *handle == who || id.to_string() == who).map(|(id, _)| *id)
    }

    pub fn ids_of(&self, handles: &[&str]) -> HashMap<String, UserId> {
        let asked = self.people.iter().filter(|(_, handle)| handles.contains(&handle.as_str()));
        asked.map(|(id, handle)| (handle.clone(), *id)).collect()
    }

    /// Of anybody: who did not move in is called by a number.
    pub fn summary(&self, id: UserId) -> PersonSummary {
        let number = || format!("p{:03}", id.uuid().as_u128() % 10_000);
        let handle = self.people.get(&id).cloned().unwrap_or_else(number);
        PersonSummary { id, name: handle.to_uppercase(), handle, private: self.private.contains(&id) }
    }

    /// Of those who live here.
    pub fn summaries(&self, ids: &[UserId]) -> HashMap<UserId, PersonSummary> {
        ids.iter().filter(|id| self.people.contains_key(id)).map(|id| (*id, self.summary(*id))).collect()
    }
}
