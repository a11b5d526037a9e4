//! Everything that is bounded, in one place.

use std::time::Duration;

/// Longest frame, and longest message of several frames, that is read from a client, in bytes.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;

/// What a socket reads at a time, in bytes. Allocated per connection, so it is most of what an idle one costs.
pub const READ_BUFFER_BYTES: usize = 1024;

/// Events and signals that a client may leave unread before it is closed as too slow, in bytes. What is replayed on
/// resume does not count.
pub const QUEUE_BYTES_MAX: usize = 256 * 1024;

/// Answers that a client may leave unread, in bytes: three of the largest pages of history.
pub const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Signals that wait for one slow client; older ones give way.
pub const QUEUED_SIGNALS_MAX: usize = 64;

/// A busy topic's events are handed to the system together, span by span: it costs a write for each span instead of one for
/// each event, and is late by no more. The span is this for each connection that follows the topic here, between the bounds
/// below: a write takes about a fifth of it.
pub const COALESCED_PER_CONNECTION: Duration = Duration::from_micros(25);

/// Shortest span.
pub const COALESCED_MIN: Duration = Duration::from_millis(5);

/// Longest span: what people do not notice yet.
pub const COALESCED_MAX: Duration = Duration::from_millis(100);

/// Frames handed to the system in one write.
pub const FRAMES_PER_WRITE_MAX: usize = 64;

/// Events replayed on resume; who missed more reads its state anew.
pub const REPLAY_EVENTS_MAX: usize = 1_000;

/// The same in bytes.
pub const REPLAY_BYTES_MAX: usize = 512 * 1024;

/// Events of one topic that wait while an earlier one is still being worked on. Past it they are fetched again.
pub const BACKLOG_MAX: usize = 256;

/// Topics whose positions are asked for at a time.
pub const POSITIONS_BATCH: usize = 512;

/// A topic nobody follows any more is still listened to for about this long: people come back.
pub const LINGER: Duration = Duration::from_secs(10);

/// Between the check of a topic's position and the next one.
pub const POSITION_CHECK: Duration = Duration::from_secs(5);

/// Positions asked for each second, at most: with more topics than this allows for, each is checked less often.
pub const POSITIONS_PER_SECOND_MAX: u32 = 4_000;

/// Commands beyond the rate, one after the other, after which a client that does not listen is closed.
pub const REFUSALS_MAX: u8 = 100;

/// How long an event that the bus knows of may be on its way to this node before it counts as lost.
pub const ON_ITS_WAY: Duration = Duration::from_millis(250);

/// Connections that are told each second to read their state anew, after live delivery lost its memory.
pub const RESYNCS_PER_SECOND: u32 = 2_000;

/// Before a command of the bus that failed is tried again.
pub const BUS_RETRY: Duration = Duration::from_millis(500);

/// The waits and allowances of connections, and what a node takes on.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From the upgrade to a successful `identify`.
    pub identify_within: Duration,
    /// A connection that was silent for so long is pinged (up to a fifth sooner, so that pings spread).
    pub ping_after: Duration,
    /// Pings without any sign of life after which the connection is closed.
    pub pings_missed_max: u8,
    /// Until a write that the client does not take is given up.
    pub write_within: Duration,
    /// Until the client has answered a close.
    pub close_within: Duration,
    /// How long before a token expires its client is told.
    pub expiring_notice: Duration,
    /// How long after a token has expired its connection is closed.
    pub expiry_grace: Duration,
    /// Commands of one connection, sustained …
    pub commands_per_minute: u32,
    /// … and at once.
    pub commands_burst: u32,
    /// Commands of one connection that are unanswered at one time.
    pub commands_in_flight: usize,
    /// Until a command is answered; whether it happened is then unknown.
    pub command_within: Duration,
    /// Topics that one connection follows.
    pub topics: usize,
    /// Connections of one account.
    pub connections_per_account: usize,
    /// Connections of one address, on this node.
    pub connections_per_address: usize,
    /// Connections of this node.
    pub connections: usize,
    /// Connections that this node admits each second, sustained …
    pub admissions_per_second: u32,
    /// … and at once.
    pub admissions_burst: u32,
    /// Over how long a node that stops spreads its clients' reconnects, and how long it takes to close them.
    pub drain_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            identify_within: Duration::from_secs(10),
            ping_after: Duration::from_secs(25),
            pings_missed_max: 2,
            write_within: Duration::from_secs(10),
            close_within: Duration::from_secs(2),
            expiring_notice: Duration::from_secs(60),
            expiry_grace: Duration::from_secs(30),
            commands_per_minute: 120,
            commands_burst: 60,
            commands_in_flight: 16,
            command_within: Duration::from_secs(15),
            topics: 1_000,
            connections_per_account: 20,
            connections_per_address: 20_000,
            connections: 100_000,
            admissions_per_second: 500,
            admissions_burst: 2_000,
            drain_within: Duration::from_secs(20),
        }
    }
}
