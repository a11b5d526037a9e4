//! Presence: who is there, as far as the one who asks may know.
//!
//! A device says `online`, `idle` or `invisible`; a person is seen as the best of what their devices say, and as offline
//! while any device, or the account's setting, says invisible. Clients watch the people on their screen.
//!
//! ```text
//! connection opened, set, closed ─▶ Service ─▶ PresenceStore: one entry a connection, one shown state a person
//!                                       │          │ the shown state changed?
//!                                       │          ▼
//!                                       └──── signal on presence:usr_…  ─▶ the connections that watch
//! ```
//!
//! ## Decisions
//! - **Cost grows with changes that somebody watches.** A change is one script and one signal, which reaches nobody when
//!   nobody watches. An idle connection costs nothing: it is alive because its *node* is, and only nodes send heartbeats.
//!   (Each entry is also written again every quarter of an hour, so that a store that lost some of them heals.)
//! - **A dead node's people go offline within [`store::LEASE`] and one heartbeat** (about 20 s): whichever node notices
//!   first takes the entries over and announces what changed. A node that was only stalled notices that its lease had
//!   lapsed and writes its entries again.
//! - **Short disconnects do not flicker**, because a node keeps the entry of a closed connection for
//!   [`Timing::linger`] (10 s). Nothing else knows of that: whoever comes back in time, on any node, was never away.
//! - **Signals may get lost; the staleness is bounded.** Each carries `at`, on the store's clock, so that repeats and late
//!   comers are recognised. Each change is signalled twice, [`Timing::repeat_after`] (20 s) apart, which also covers the
//!   moment between the snapshot of `presence.watch` and the following of its topics. A watcher that was deaf for longer,
//!   or a publisher that died between the store and the bus, is healed by watching again, which clients do every
//!   [`Timing::refresh`] (5 minutes) and after a `resync`.
//! - **What one may not see looks like offline**, never like an error: blocked either way, a private account that one does
//!   not follow, an account that does not exist. Such people are not even followed on the bus. A snapshot says nothing of
//!   *since when* somebody is offline; that is `last_seen`, and has an audience of its own.
//! - **`last_seen` cuts both ways**: I see it of those whom I let see mine. It is rounded down to the minute, moves only
//!   while the person is visible, and is written in batches, a person at most once a minute and node.
//! - **Invisible is per device or per account.** A device that says it hides its person while it is connected, so that a
//!   second device's honest `online` cannot betray a wish; the setting hides until it is taken back.

mod connections;
mod error;
mod events;
mod http;
mod last_seen;
mod metrics;
mod model;
mod service;
mod settings;
mod socket;
pub mod store;
mod upkeep;

pub use error::PresenceError;
pub use events::consumer;
pub use http::routes;
pub use model::Relation;
pub use service::{Relations, Service, Timing};
pub use service::{USERS_PER_UNWATCH_MAX, USERS_PER_WATCH_MAX, WATCHED_PER_CONNECTION_MAX};
pub use socket::socket;
pub use store::PresenceStore;
