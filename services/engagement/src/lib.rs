//! What people do with content of any kind: react, save, share, look at it, comment below it; and how often that was
//! done.
//!
//! `kinds` is the table of what can be done, `service` does it, `consumer` follows what happens elsewhere, `recount`
//! proves the counts and repairs them, `store` has the SQL.
//!
//! ## To add a kind of engagement
//! A variant of [`What`] and its lines in `kinds.rs`, which the compiler then asks for: its number, where its count
//! goes in `schemas::engagement::Counts`, what it is to the one who did it. With it come the members of `Counts`,
//! `Mine` and `What` in `schemas/engagement.schema.json`, and a route that calls [`Service::put`]. Storage, counting,
//! events, the clean-up after content and after accounts, and the recount need nothing new. A kind of content needs
//! nothing at all here: an id is an id.
//!
//! ## Decisions
//! - **A row is what was done, and its key makes it happen once.** `(content, what, who)`: whatever is repeated finds
//!   the row. What a write *did to the row* (made it, changed its value, removed it) is what the count moves by, in the
//!   same transaction, together with the event. So counts are the number of rows after every commit, whoever races,
//!   repeats or crashes.
//! - **A count is a sum of slots.** Each connection adds to the slot of its own ([`SLOTS`]), so that a content that
//!   everybody likes is not one row that everybody waits for; the counter is written last before the commit, for the
//!   same reason.
//! - **One order of locks**: the gate of the content (an advisory lock that all share who add to it), rows in the order
//!   of their keys, the event, counters in the order of theirs. Nobody deadlocks.
//! - **Gone is gone**: when content is deleted or expires, its gate is closed (the exclusive lock waits for those
//!   inside, and what it writes tells later ones), then rows and counts go in batches, exact after each. A few go at
//!   once; where a million people reacted, the rest goes beside everything else, in any process ([`Service::run`]).
//! - **Who may do it is whoever may see it**, asked of content at the moment, and the answer to others is 404. Taking
//!   back is always possible, also what one may no longer see, and says nothing.
//! - **Comments are counted by their events**, at all of their ancestors, one row for each. The ancestors are asked of
//!   content, so the order of events between comments does not matter.
//! - **An impression is named by the answer that showed it.** The client says how long so far; the larger value counts,
//!   so that a repeated batch adds nothing. A person counts once for each content; dwell adds up over impressions.
//!   One's own content is not counted. Impressions are kept for [`IMPRESSIONS_KEPT`], for whoever learns from them.
//! - **Counts are of all**; lists leave out those whom a block hides. Whom the count includes is not told.
//! - **Counting may be proven while it goes on.** Rows and counters are compared in one snapshot, in which they must
//!   agree; a difference found there stays the same whatever is done meanwhile, so that adding it repairs the count
//!   ([`recount`]).

mod consumer;
mod error;
mod http;
mod kinds;
mod lists;
mod metrics;
mod model;
mod neighbours;
mod recount;
mod service;
mod store;
mod tally;
mod views;

pub use consumer::{BATCHES_AT_ONCE, Keeper};
pub use error::Error;
pub use http::routes;
pub use kinds::What;
pub use lists::ROUNDS_MAX;
pub use model::{DWELL_MS_MAX, POSITION_MAX, SHARE_TEXT_LENGTH_MAX, VIEWS_MAX};
pub use neighbours::{Contents, People, Seen};
pub use recount::{Difference, Report, recount};
pub use service::Service;
pub use store::{FORGET_BATCH, SLOTS};
pub use tally::Tally;
pub use views::IMPRESSIONS_KEPT;
