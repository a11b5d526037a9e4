//! The connections of a channel, and what they share.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::script::{COUNTED_MAX, Counters};

/// Frames that wait for one slow client; past it, the connection is closed.
pub const QUEUED_FRAMES_MAX: usize = 1_024;
/// Connections of one channel.
pub const CONNECTIONS_MAX: usize = 10_000;

/// One connection, as the others see it.
pub struct Client {
    pub queue: Sender<String>,
    /// The token it came with; `None` until it is ready.
    pub token: Option<String>,
    pub follows: HashSet<String>,
}

/// Who of the connections gets a frame.
pub enum Audience<'a> {
    Everyone,
    AllBut(u64),
    Token(&'a str),
    Followers(&'a str),
}

#[derive(Default)]
pub struct Hub {
    clients: Mutex<HashMap<u64, Client>>,
    counters: Mutex<Counters>,
    unique: AtomicU64,
    /// Whether a timeline is running.
    pub playing: AtomicBool,
}

impl Hub {
    pub fn new(counters: &Counters) -> Self {
        Self { counters: Mutex::new(counters.clone()), ..Self::default() }
    }

    /// A number that no other call gets.
    pub fn next_unique(&self) -> u64 {
        self.unique.fetch_add(1, Ordering::Relaxed)
    }

    /// Lets a connection in; `None` when there are too many.
    pub fn enter(&self, queue: Sender<String>) -> Option<u64> {
        let mut clients = self.clients.lock();
        if clients.len() >= CONNECTIONS_MAX {
            return None;
        }
        let id = self.next_unique();
        clients.insert(id, Client { queue, token: None, follows: HashSet::new() });
        Some(id)
    }

    pub fn leave(&self, id: u64) {
        self.clients.lock().remove(&id);
    }

    pub fn change(&self, id: u64, change: impl FnOnce(&mut Client)) {
        if let Some(client) = self.clients.lock().get_mut(&id) {
            change(client);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.clients.lock().values().all(|client| client.token.is_none())
    }

    /// Hands a frame to those whom it concerns. Who does not read is let go: the end of its queue ends its connection.
    pub fn send(&self, audience: &Audience<'_>, frame: &Value) {
        let text = frame.to_string();
        self.clients.lock().retain(|id, client| {
            let Some(token) = &client.token else { return true };
            let concerns = match audience {
                Audience::Everyone => true,
                Audience::AllBut(but) => id != but,
                Audience::Token(wanted) => token == wanted,
                Audience::Followers(topic) => client.follows.contains(*topic),
            };
            !concerns || !matches!(client.queue.try_send(text.clone()), Err(TrySendError::Full(_)))
        });
    }

    /// The next number of what is counted.
    pub fn count(&self, counter: &str, of: &str) -> u64 {
        let mut counters = self.counters.lock();
        let counted = counters.entry(counter.to_owned()).or_default();
        if counted.len() >= COUNTED_MAX {
            counted.clear();
        }
        let number = counted.entry(of.to_owned()).or_default();
        *number += 1;
        *number
    }

    /// The number that was counted last; 0: none yet.
    pub fn last(&self, counter: &str, of: &str) -> u64 {
        self.counters.lock().get(counter).and_then(|counted| counted.get(of)).copied().unwrap_or_default()
    }

    /// Where the numbers of a counter are.
    pub fn counted(&self, counter: &str) -> std::collections::BTreeMap<String, u64> {
        self.counters.lock().get(counter).cloned().unwrap_or_default()
    }

    pub fn playing_starts(&self) -> bool {
        !self.playing.swap(true, Ordering::AcqRel)
    }

    pub fn playing_ends(&self) {
        self.playing.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tokio::sync::mpsc;

    #[test]
    fn who_does_not_read_is_let_go_past_the_limit() {
        let hub = Hub::default();
        let (queue, mut frames) = mpsc::channel(QUEUED_FRAMES_MAX);
        let id = hub.enter(queue).unwrap();
        hub.send(&Audience::Everyone, &json!(1));
        assert!(frames.try_recv().is_err(), "a connection gets nothing before it is ready");
        hub.change(id, |client| client.token = Some("mock-ada".to_owned()));
        for nth in 0..QUEUED_FRAMES_MAX {
            hub.send(&Audience::Everyone, &json!(nth));
        }
        assert!(!hub.is_empty());
        hub.send(&Audience::Everyone, &json!("one past the limit"));
        assert!(hub.is_empty());
    }

    #[test]
    fn numbers_go_on_from_where_the_spec_lets_them_begin() {
        let start = json!({ "pos": { "room_1": 41 } });
        let hub = Hub::new(&serde_json::from_value(start).unwrap());
        assert_eq!((hub.count("pos", "room_1"), hub.count("pos", "room_2"), hub.count("pos", "room_1")), (42, 1, 43));
        for nth in 0..COUNTED_MAX {
            hub.count("pos", &format!("room_{nth}"));
        }
        assert!(hub.counted("pos").len() <= COUNTED_MAX);
    }
}
