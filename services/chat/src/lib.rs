//! Chat: direct rooms, groups and channels; messages with edits, deletions, replies, mentions and reactions; how far everybody has
//! read; who types; what a device missed.
//!
//! A message's way: [`Service::send`] asks whether its sender may post, the [`log`] gives it the room's next number and keeps it,
//! the relay publishes it under that number, and only then it is acknowledged.
//!
//! ## Decisions
//! - **The acknowledgement means durable, not delivered.** The bus is a hint: what it loses, the relay reads back from the log and
//!   publishes in order. A node that dies between log and bus leaves a gap in the numbers, which the room's next message
//!   uncovers; until then a device finds it by [`Service::changes`].
//! - **May this person post?** is the present truth with every message: whoever was removed or blocked is refused from the moment that this was
//!   confirmed. A message to a direct room costs the question after blocks, one to a group the question after the
//!   membership; where a sequencer gives the numbers, who goes on talking is not asked about again until the room's gate moves
//!   (`passes`). So a block, a removal or another role is confirmed only when the gate has moved, and not while Redis is away: it is
//!   committed then, and takes effect with its repeat, with its event, or within a minute. A message that was accepted before a removal may get
//!   its number a moment after it.
//! - **Numbers in Cassandra** come from a [`sequencer`], since the log's hot path has no conditions (lightweight transactions cost
//!   four times as much). Density, and one message for one client id, hold as long as a write that was given a number
//!   either lands within [`sequencer::LEASE`] or is never acknowledged, which its writer sees to. What remains: a write that lands even
//!   later under a number that a new memory has given again can be *seen* there, by who reads between the two writes, until the
//!   later one replaces it. It takes the loss of Redis, a writer frozen for longer than the lease, and both within the
//!   same room and moment; neither message was acknowledged before.
//! - **Redis** is one memory (a server, or a cluster by shards of rooms). Restarted, emptied or failed over, it is noticed by its replication id
//!   within the very script that gives a number; then nothing is given for the lease, and clients are told when to try again. The
//!   same happens when a master's first replica comes, and an hour after its last one went (`repl-backlog-ttl`). Its clocks may differ
//!   between servers by less than the lease; it must not evict by itself (`noeviction`, the default).
//! - **Without Redis** the numbers of Cassandra rooms are given in this process, so there must be only one.
//! - **A client's id is remembered for 30 days** in Cassandra, and for ever in PostgreSQL.
//! - **Partitions are bounded**: 16,384 messages, one key, the reactions of 16 messages with at most 10,000 each. Old buckets must not be
//!   dropped from the middle: the head is found by galloping over buckets that are full.
//! - **Limits on reactions** are exact in PostgreSQL; in Cassandra those who react in the same moment may pass them by a few.
//! - **Marks are watermarks.** Unread is a subtraction; mentions are the only rows, and go when they are read. Explicit reads are written
//!   at once; what one's own message reads and what devices receive is written a few times a second for all ([`marks`]).
//!   One's own message moves one's own mark without a word: devices see the message.
//! - **Receipts go to the room**, coalesced. Whoever hides theirs is left out of them, and is refused the list of others'; that their
//!   client does not show what the room is told is up to the client.
//! - **Channels have no rows for subscribers**: who follows asks for it on each connection, and so nothing counts what they have not read.
//! - **Whoever leaves keeps a row**, so that a device that was away is told. Sockets stop following by an order on the person's
//!   own topic, which the outbox repeats as it is true by then.
//! - **A new member sees the room's past**, and starts with nothing unread.

mod consumer;
pub mod documents;
mod error;
mod events;
mod http;
pub mod log;
pub mod marks;
pub mod model;
mod passes;
mod people;
mod relay;
pub mod sequencer;
mod service;
mod socket;
mod store;
mod text;
pub mod typing;

pub use consumer::Keeper;
pub use error::Error;
pub use http::routes;
pub use passes::Gates;
pub use people::People;
pub use relay::DIRTY_MAX;
pub use service::{SLACK, Saying, Service};
pub use socket::socket;
