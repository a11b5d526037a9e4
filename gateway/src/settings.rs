//! What operators may set.

use std::time::Duration;

use serde::Deserialize;

use crate::Limits;

/// How connections are admitted, used and ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Origins whose pages may connect besides those of Plaza's own: `https://app.example.com`, or `*` for any.
    pub origins: Vec<String>,
    /// Connections of this node.
    pub connections_max: usize,
    /// Connections of one account on this node.
    pub connections_per_account: usize,
    /// Connections of one address on this node: carriers and offices share one.
    pub connections_per_address: usize,
    /// New connections a second that this node admits, so that a storm of reconnects does not take it down.
    pub admissions_per_second: u32,
    /// New connections that it admits at once.
    pub admissions_burst: u32,
    /// Commands of one connection a minute.
    pub commands_per_minute: u32,
    /// Commands of one connection at once.
    pub commands_burst: u32,
    /// Over how long a node that stops spreads its clients' reconnects, in milliseconds.
    pub drain_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            origins: Vec::new(),
            connections_max: limits.connections,
            connections_per_account: limits.connections_per_account,
            connections_per_address: limits.connections_per_address,
            admissions_per_second: limits.admissions_per_second,
            admissions_burst: limits.admissions_burst,
            commands_per_minute: limits.commands_per_minute,
            commands_burst: limits.commands_burst,
            drain_ms: limits.drain_within.as_millis() as u64,
        }
    }
}

impl Settings {
    /// The limits that follow from it.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            connections: self.connections_max,
            connections_per_account: self.connections_per_account,
            connections_per_address: self.connections_per_address,
            admissions_per_second: self.admissions_per_second.max(1),
            admissions_burst: self.admissions_burst.max(1),
            commands_per_minute: self.commands_per_minute.max(1),
            commands_burst: self.commands_burst.max(1),
            drain_within: Duration::from_millis(self.drain_ms),
            ..Limits::default()
        }
    }
}
