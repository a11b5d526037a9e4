//! This node's connections: what each says, and what is still to be done about it.

use std::collections::{HashMap, VecDeque};

use kernel::{Timestamp, UserId};
use schemas::presence::Activity;

/// Connections that closed and whose entries still stand. More are forgotten: their entries expire by themselves.
pub(crate) const CLOSED_MAX: usize = 200_000;

#[derive(Default)]
pub(crate) struct Connections {
    here: HashMap<u64, Here>,
    /// Closed connections, by when their entries go. In order, because all linger for the same time.
    closed: VecDeque<(Timestamp, u64)>,
    /// Entries by when they are to be written again. In order, too.
    refresh: VecDeque<(Timestamp, u64)>,
    /// Connections whose entries are not as they should be.
    unsynced: VecDeque<Unsynced>,
}

struct Here {
    user: UserId,
    activity: Activity,
    closed: bool,
    /// Sorted. Empty for most.
    watched: Vec<UserId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unsynced {
    pub(crate) connection: u64,
    pub(crate) user: UserId,
    /// The store may not know whether the person is hidden.
    pub(crate) with_settings: bool,
}

impl Connections {
    pub(crate) fn open(&mut self, connection: u64, user: UserId, activity: Activity, refresh_at: Timestamp) {
        self.here.insert(connection, Here { user, activity, closed: false, watched: Vec::new() });
        self.refresh.push_back((refresh_at, connection));
    }

    /// Notes that a connection ended. Its entry stands until `gone_at`.
    pub(crate) fn close(&mut self, connection: u64, gone_at: Timestamp) {
        let Some(here) = self.here.get_mut(&connection) else { return };
        here.closed = true;
        here.watched = Vec::new();
        self.closed.push_back((gone_at, connection));
        if self.closed.len() > CLOSED_MAX
            && let Some((_, forgotten)) = self.closed.pop_front()
        {
            self.here.remove(&forgotten);
        }
    }

    /// Whose entry should say what. `None`: there should be no such entry.
    pub(crate) fn wanted(&self, connection: u64) -> Option<(UserId, Activity)> {
        self.here.get(&connection).map(|here| (here.user, here.activity))
    }

    /// Notes what an open connection says. Whether it is open.
    pub(crate) fn set(&mut self, connection: u64, activity: Activity) -> bool {
        match self.here.get_mut(&connection) {
            Some(here) if !here.closed => {
                here.activity = activity;
                true
            }
            _ => false,
        }
    }

    /// Takes the next closed connection whose entry should go by now.
    pub(crate) fn next_gone(&mut self, now: Timestamp) -> Option<(u64, UserId)> {
        while self.closed.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, connection)) = self.closed.pop_front()
                && let Some(here) = self.here.remove(&connection)
            {
                return Some((connection, here.user));
            }
        }
        None
    }

    /// Puts a connection back whose entry could not be taken away, to be tried again. First in line, so that the line
    /// stays in order.
    pub(crate) fn not_gone(&mut self, connection: u64, user: UserId, now: Timestamp) {
        self.here.insert(connection, Here { user, activity: Activity::Idle, closed: true, watched: Vec::new() });
        self.closed.push_front((now, connection));
    }

    pub(crate) fn unsynced(&mut self, connection: u64, with_settings: bool) {
        if let Some((user, _)) = self.wanted(connection) {
            self.unsynced.push_back(Unsynced { connection, user, with_settings });
        }
    }

    /// Everything must be written again.
    pub(crate) fn all_unsynced(&mut self) {
        let all = self.here.iter();
        self.unsynced =
            all.map(|(&connection, here)| Unsynced { connection, user: here.user, with_settings: true }).collect();
    }

    /// Takes up to `most` of the connections whose entries are to be written now.
    pub(crate) fn next_unsynced(&mut self, now: Timestamp, refresh_at: Timestamp, most: usize) -> Vec<Unsynced> {
        while self.unsynced.len() < most && self.refresh.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, connection)) = self.refresh.pop_front()
                && self.here.contains_key(&connection)
            {
                self.unsynced(connection, false);
                self.refresh.push_back((refresh_at, connection));
            }
        }
        let take = most.min(self.unsynced.len());
        self.unsynced.drain(..take).collect()
    }

    /// Adds to what a connection watches, unless that would be more than `most`. Whether it fitted.
    pub(crate) fn watch(&mut self, connection: u64, users: &[UserId], most: usize) -> bool {
        // A connection that is gone by now watches nothing; its reply goes nowhere.
        let Some(here) = self.here.get_mut(&connection).filter(|here| !here.closed) else { return true };
        let mut watched = here.watched.clone();
        watched.extend_from_slice(users);
        watched.sort_unstable();
        watched.dedup();
        let fits = watched.len() <= most;
        if fits {
            watched.shrink_to_fit();
            here.watched = watched;
        }
        fits
    }

    /// Takes from what a connection watches. How many are left.
    pub(crate) fn unwatch(&mut self, connection: u64, users: &[UserId]) -> usize {
        let Some(here) = self.here.get_mut(&connection) else { return 0 };
        here.watched.retain(|user| !users.contains(user));
        here.watched.shrink_to_fit();
        here.watched.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.here.len()
    }

    /// Everybody who has a connection here.
    pub(crate) fn users(&self) -> Vec<UserId> {
        let mut users: Vec<UserId> = self.here.values().map(|here| here.user).collect();
        users.sort_unstable();
        users.dedup();
        users
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn user(n: i64) -> UserId {
        UserId::floor(at(n))
    }

    #[test]
    fn a_closed_connection_lingers_and_can_be_put_back() {
        let mut connections = Connections::default();
        connections.open(1, user(1), Activity::Online, at(900));
        assert!(connections.set(1, Activity::Idle));
        connections.close(1, at(10));
        assert!(!connections.set(1, Activity::Online), "closed");
        assert_eq!(connections.next_gone(at(9)), None);
        assert_eq!(connections.wanted(1), Some((user(1), Activity::Idle)), "its entry still stands");
        assert_eq!(connections.next_gone(at(10)), Some((1, user(1))));
        assert_eq!(connections.wanted(1), None);
        connections.not_gone(1, user(1), at(11));
        assert_eq!(connections.next_gone(at(11)), Some((1, user(1))));
        assert_eq!(connections.len(), 0);
    }

    #[test]
    fn entries_are_written_again_when_their_time_comes() {
        let mut connections = Connections::default();
        for n in 1..=3 {
            connections.open(n, user(1), Activity::Online, at(100 * n.cast_signed()));
        }
        assert_eq!(connections.next_unsynced(at(99), at(500), 10), []);
        let due: Vec<u64> = connections.next_unsynced(at(200), at(500), 10).iter().map(|u| u.connection).collect();
        assert_eq!(due, [1, 2]);
        assert_eq!(connections.next_unsynced(at(200), at(500), 10), []);
        connections.all_unsynced();
        assert_eq!(connections.next_unsynced(at(200), at(500), 2).len(), 2);
        assert_eq!(connections.next_unsynced(at(200), at(500), 2).len(), 1);
        assert_eq!(connections.next_unsynced(at(500), at(900), 10).len(), 3, "1 and 2 again, and 3");
    }

    #[test]
    fn a_connection_watches_as_many_as_it_may_and_not_one_more() {
        let mut connections = Connections::default();
        connections.open(1, user(1), Activity::Online, at(0));
        let people: Vec<UserId> = (0..6).map(user).collect();
        assert!(connections.watch(1, &people[..5], 5));
        assert!(connections.watch(1, &people[1..4], 5), "the same again");
        assert!(!connections.watch(1, &people[4..], 5), "one past");
        assert_eq!(connections.unwatch(1, &people[..1]), 4);
        assert!(connections.watch(1, &people[5..], 5));
        assert_eq!(connections.unwatch(1, &people), 0);
    }
}
