//! The graph: who follows, asks, blocks and mutes whom, and counts whom among the close friends.
//!
//! `model` decides what an act does to what is between two people, `service` does it under a lock and tells whom it
//! concerns, `lists` reads, `store` writes.
//!
//! ## Decisions
//! - **Every change is one between two people**, under a lock on both of their rows, taken in the order of their ids:
//!   [`Between::after`](model::Between::after) decides in memory, and what differs is written with its counts and its
//!   events in one transaction. So nobody deadlocks, a block and a follow that race end in one of the two orders, and
//!   counts are exact because they change with the rows. The price: changes to one person wait for each other, a few
//!   hundred a second for a celebrity on one PostgreSQL.
//! - **A block is final for what it ends**: following and requests both ways, at once and in the same transaction. The
//!   blocked person is told nothing, and gets the same answers as for a person who does not exist; only blocking back
//!   works, since people must be able to protect themselves from whom they cannot see. It is confirmed when whoever lets the two
//!   talk ([`Talk`]) has heard of it; where that fails it holds all the same, and may be repeated.
//! - **Close friends need not follow, and are never told**: the list is its owner's, who alone sees it. Whoever is on it may
//!   read what is for close friends. A block ends it, both ways.
//! - Requests count towards [`FOLLOWING_MAX`](model::FOLLOWING_MAX), so that accepting one never fails.
//! - Changes are `PUT` and `DELETE` of what should be: repeating one does nothing, so they need no idempotency key.
//! - Events of a pair have one key in the outbox: whoever reads them sees the follow before the block that ends it.
//! - An account that turns public keeps its open requests; nothing is accepted that nobody has looked at.
//! - Lists are in the order of (since, id), and a cursor names the last entry: adding to a list moves nothing in it.

mod blocked;
mod error;
mod events;
mod http;
mod lists;
pub mod model;
mod service;
mod store;

pub use error::Error;
pub use events::{
    BLOCK_CREATED, BLOCK_REMOVED, EdgeChanged, FOLLOW_ACCEPTED, FOLLOW_CREATED, FOLLOW_REMOVED, FOLLOW_REQUEST_REMOVED,
    FOLLOW_REQUESTED, MUTE_CREATED, MUTE_REMOVED,
};
pub use http::routes;
pub use lists::Standing;
pub use service::{Audience, FOLLOWERS_PAGE, Mine, People, Service, Talk};
