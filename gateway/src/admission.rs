//! Who may connect: from which pages, how many, how fast.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use kernel::{ErrorKind, Problem};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::limits::Limits;
use crate::metrics::METRICS;

/// Lets connections in at a bounded rate, and counts those that are open.
pub struct Admission {
    pace: Mutex<Bucket>,
    addresses: Arc<Counts<IpAddr>>,
    connections: usize,
    per_address: usize,
}

/// One open connection's place; given back when dropped.
pub struct Place {
    _address: Held<IpAddr>,
}

impl Drop for Place {
    fn drop(&mut self) {
        METRICS.connections.dec();
    }
}

impl Admission {
    pub fn new(limits: &Limits) -> Self {
        Self {
            pace: Mutex::new(Bucket::new(limits.admissions_burst, limits.admissions_per_second)),
            addresses: Arc::default(),
            connections: limits.connections,
            per_address: limits.connections_per_address,
        }
    }

    /// Connections that are open.
    pub fn open(&self) -> usize {
        self.addresses.total()
    }

    /// A place for one more connection from `address`.
    pub fn admit(&self, address: IpAddr) -> Result<Place, Problem> {
        let refuse = |reason, kind, code, message: &'static str, wait| {
            METRICS.refused.get_or_create(&[("reason", reason)]).inc();
            Problem::new(kind, code, message).retry_after(wait)
        };
        if self.addresses.total() >= self.connections {
            let message = "This server has as many connections as it takes.";
            return Err(refuse("full", ErrorKind::Unavailable, "overloaded", message, Duration::from_secs(10)));
        }
        if let Err(wait) = self.pace.lock().take(Instant::now()) {
            let message = "Too many connections at once; wait, with some jitter, and try again.";
            // Whole seconds: that is what Retry-After can say.
            let wait = Duration::from_secs(wait.as_secs() + 1);
            return Err(refuse("pace", ErrorKind::Unavailable, "overloaded", message, wait));
        }
        let Some(held) = self.addresses.take(address, self.per_address) else {
            let message = "This address has as many connections as it may.";
            return Err(refuse("address", ErrorKind::RateLimited, "rate_limited", message, Duration::from_secs(30)));
        };
        METRICS.connections.inc();
        METRICS.opened.inc();
        Ok(Place { _address: held })
    }
}

/// How many hold a place, by key.
#[derive(Debug)]
pub struct Counts<K>(Mutex<(HashMap<K, usize>, usize)>);

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// A place among those of a key; given back when dropped.
#[derive(Debug)]
pub struct Held<K: Eq + Hash> {
    counts: Arc<Counts<K>>,
    key: K,
}

impl<K: Eq + Hash + Copy> Counts<K> {
    /// One more for `key`, unless there are `max` already.
    pub fn take(self: &Arc<Self>, key: K, max: usize) -> Option<Held<K>> {
        let mut guard = self.0.lock();
        let (counts, total) = &mut *guard;
        let count = counts.entry(key).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        *total += 1;
        Some(Held { counts: Arc::clone(self), key })
    }

    pub fn total(&self) -> usize {
        self.0.lock().1
    }
}

impl<K: Eq + Hash> Drop for Held<K> {
    fn drop(&mut self) {
        let mut guard = self.counts.0.lock();
        let (counts, total) = &mut *guard;
        *total -= 1;
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

/// A token bucket of one owner.
#[derive(Debug)]
pub struct Bucket {
    tokens: f32,
    burst: f32,
    per_second: f32,
    refilled: Instant,
}

impl Bucket {
    pub fn new(burst: u32, per_second: impl Into<f64>) -> Self {
        let burst = burst.max(1) as f32;
        Self { tokens: burst, burst, per_second: per_second.into() as f32, refilled: Instant::now() }
    }

    /// Takes one, or says how long until there is one.
    pub fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let passed = now.saturating_duration_since(self.refilled).as_secs_f32();
        self.tokens = passed.mul_add(self.per_second, self.tokens).min(self.burst);
        self.refilled = now;
        if self.tokens < 1.0 {
            return Err(Duration::from_secs_f32((1.0 - self.tokens) / self.per_second.max(0.001)));
        }
        self.tokens -= 1.0;
        Ok(())
    }
}

/// Whether a page of this origin may connect. Browsers always send one, and pages cannot make them lie about it.
pub fn origin_allowed(allowed: &[String], headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    if allowed.iter().any(|allowed| allowed == "*" || allowed == origin) {
        return true;
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = origin.split_once("://").map(|(_, authority)| authority);
    host.is_some() && host == own
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn allowed(origins: &[&str], origin: Option<&'static str>) -> bool {
        let origins: Vec<_> = origins.iter().map(|origin| (*origin).to_owned()).collect();
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("plaza.example.org"));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
        }
        origin_allowed(&origins, &headers)
    }

    #[test]
    fn pages_connect_from_listed_origins_and_their_own() {
        assert!(allowed(&[], None));
        assert!(allowed(&[], Some("https://plaza.example.org")));
        assert!(!allowed(&[], Some("https://other.example.org")));
        assert!(!allowed(&[], Some("null")));
        assert!(allowed(&["https://app.example.com"], Some("https://app.example.com")));
        assert!(!allowed(&["https://app.example.com"], Some("https://app.example.com.evil.example")));
        assert!(allowed(&["*"], Some("https://anything.example")));
    }

    #[test]
    fn a_bucket_gives_its_burst_then_its_rate() {
        let mut bucket = Bucket::new(2, 10.0);
        let now = Instant::now();
        assert!(bucket.take(now).is_ok() && bucket.take(now).is_ok());
        let wait = bucket.take(now).unwrap_err();
        assert!((90..=110).contains(&wait.as_millis()), "{wait:?}");
        assert!(bucket.take(now + Duration::from_millis(101)).is_ok());
        assert!(bucket.take(now + Duration::from_millis(102)).is_err());
    }

    #[test]
    fn places_are_taken_up_to_the_limit_and_given_back() {
        let counts = Arc::<Counts<u8>>::default();
        let first = counts.take(1, 2);
        let _second = counts.take(1, 2).unwrap();
        assert!(counts.take(1, 2).is_none());
        assert!(counts.take(2, 2).is_some());
        drop(first);
        assert!(counts.take(1, 2).is_some());
        assert_eq!(counts.total(), 1, "the last ones were dropped at once");
    }
}
