//! Feeds: everybody's timeline, the worker that fills it, and the feed of those whom one follows.
//!
//! What is published travels like this: its event leaves the outbox, the [`Worker`] reads the author's followers a thousand at a time
//! and writes an entry (id, kind and author, never the text) into their [`Timelines`]; [`Service::following`] reads entries, asks
//! what of them the viewer may see at this moment, and returns that.
//!
//! ## Decisions
//! - **A timeline is a hint, the read decides.** Follows, blocks, mutes, audience and deletion are asked of their owners when a
//!   page is read, in batches, and whatever is not certain is not shown: when an owner does not answer, the page fails.
//!   So an unfollow or a block works at once, however far behind the worker is, and no fan-out undoes anything.
//! - **An id is a place**: ids are UUIDv7, the order of ids is the order of the feed, a cursor is an id. What arrives
//!   while somebody pages down is above the cursor, so nothing moves.
//! - **Big authors are pulled.** From `feed.pull_followers_min` followers on, what an author publishes is left where it is, and readers who
//!   follow such authors fetch their latest, all authors in one query. Nothing is lost or shown twice when the mode
//!   changes: an author who was ever pulled stays in the list of those whom readers ask, pushed again or not, and what
//!   comes from both sources is merged by id. Back below half of the threshold, it is pushed again.
//! - **What is one's own is always pulled**: it is in the feed when the answer to its publication arrives.
//! - **A long fan-out takes turns.** An event does one step (a thousand followers) at once; the rest is a job that goes to the
//!   end of the line after each step. The followers' ids are the position, so that whoever takes the job over goes
//!   on where it stopped, repeating at most one step, and repeating writes the same rows.
//! - **A store that is away costs time, not entries**: a step that fails becomes a job that is tried for as long as it takes.
//! - **A page costs six round trips**, and five of them one after the other: timeline, edges, what is pulled, content, and at
//!   once its authors and who may read. A seventh, the list of pulled authors, is asked once a second in each process. A
//!   further round costs the same again, at most [`ROUNDS_MAX`](service::ROUNDS_MAX) in all; a page that is still not full
//!   has a cursor.
//! - Timelines keep a thousand entries, and are trimmed now and then by the writes that make them grow. What is older is
//!   found at its author.
//! - There is no live hint of what is new: who is online is not known here, and a signal for each follower each time would cost
//!   more than the entry. Clients ask when they come to the front, and when their person pulls down.

mod authors;
mod error;
mod http;
mod jobs;
mod metrics;
mod model;
mod neighbours;
mod service;
mod settings;
pub mod timelines;
mod worker;

pub use authors::{Mode, PULLED_AGE_MAX, PULLED_MAX};
pub use error::Error;
pub use http::routes;
pub use jobs::Task;
pub use model::Entry;
pub use neighbours::{Contents, Edge, Graph, Shown};
pub use service::{ROUNDS_MAX, Service};
pub use settings::Settings;
pub use timelines::{CassandraTimelines, PostgresTimelines, Timelines};
pub use worker::{BACKFILL_MAX, TRIM_EVERY, Worker};
