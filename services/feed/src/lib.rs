//! Feeds: everybody's timeline, the worker that fills it, and the feed of those whom one follows.
//!
//! What is published travels like this: its event leaves the outbox, the [`Worker`] reads the author's followers some thousands at a time
//! and writes an entry (id, kind and author, never the text) into their [`Timelines`]; [`Service::following`] reads entries, asks
//! what of them the viewer may see at this moment, and returns that.
//!
//! ## Decisions
//! - **A timeline is a hint, the read decides.** Follows, blocks, mutes, audience and deletion are asked of their owners when a
//!   page is read, in batches, and whatever is not certain is not shown: when an owner does not answer, the page fails.
//!   So an unfollow or a block works at once, however far behind the worker is, and no fan-out undoes anything.
//! - **An id is a place**: ids are UUIDv7, the order of ids is the order of the feed, a cursor is an id. What arrives
//!   while somebody pages down is above the cursor, so nothing moves.
//! - **Pushed or pulled by cost** ([`policy`]): for each author, kind and class of viewers, content is written to timelines where
//!   that costs less than looking it up each time that such viewers open their feed. How often authors publish and viewers
//!   come is counted as it happens (fading means, a week long), what a row and a look cost is measured (or set), decisions
//!   are kept in `feed_routes` and looked at again when the author publishes, and hourly. `feed.distribution` chooses:
//!   `rule`, `push` (everything to everybody), `followers` (authors with many followers are pulled by all). Averages over all
//!   viewers are read beside that, every few minutes: no publication waits for them.
//! - **Decisions change and nothing is lost or shown twice.** A decision is durable before it is acted upon. A route keeps the
//!   worst that it ever was, and since when it is better; a viewer's class likewise. A page asks, for as far down as the
//!   timeline reaches, everybody who may have published something there that was not pushed; what comes from both sources
//!   is merged by id. So old decisions cost something only to those who page far down.
//! - **What is one's own is always pulled**: it is in the feed when the answer to its publication arrives.
//! - **Small publications go out together.** Up to [`EVENTS_AT_ONCE`] events are taken at once: their authors' followers are read,
//!   their routes decided and their rows written in a few statements for all, so that a row costs what a row of a
//!   large batch costs. The busier Plaza is, the larger the batches.
//! - **A long fan-out takes turns, and serves those first who come daily.** An event does one step (a thousand followers) at
//!   once; the rest is a job that goes to the end of the line after each step of [`PAGES_A_STEP`] pages, and reads the next page
//!   while it writes the entries of the one before. From [`ACTIVE_FIRST_MIN`] followers on, it goes
//!   first through all of them for the sake of those who come daily, then through all for the others. The followers' ids are the position, so that
//!   whoever takes the job over goes on where it stopped, repeating at most one step, and repeating writes the same rows.
//! - **A store that is away costs time, not entries**: a step that fails becomes a job that is tried for as long as it takes.
//! - **A page costs eight round trips**, five of them one after the other: at once the timeline, whom the viewer follows and the
//!   viewer's class; what is decided about those; what is pulled; content; and at once its authors and who may read. A
//!   further round costs five of them again, at most [`ROUNDS_MAX`](service::ROUNDS_MAX) in all; a page that is still not full
//!   has a cursor.
//! - Timelines keep a thousand entries, and are trimmed now and then by the writes that make them grow. What is older is
//!   found at its author.
//! - **Stories are pulled**: the tray asks for the live stories of all whom the viewer follows in one query, and is sorted anew each
//!   time. Nothing about them is written for anybody, so nothing has to be taken away when they expire.
//! - **Reels are one ranked pool for all**, made once a minute by whoever reads first, and kept for half an hour: a page is a
//!   part of a pool, its cursor names the pool, so that pages neither repeat nor skip while people engage.
//! - There is no live hint of what is new: who is online is not known here, and a signal for each follower each time would cost
//!   more than the entry. Clients ask when they come to the front, and when their person pulls down.

mod costs;
mod error;
mod fan_out;
mod http;
mod jobs;
mod listings;
mod metrics;
mod model;
mod neighbours;
pub mod policy;
pub mod ranked;
mod reels;
mod routes;
mod service;
mod settings;
pub mod timelines;
mod tray;
mod viewers;
mod worker;

pub use error::Error;
pub use fan_out::{ACTIVE_FIRST_MIN, FOLLOWERS_PAGE, PAGES_A_STEP, Pass, TRIM_EVERY};
pub use http::routes;
pub use jobs::Task;
pub use model::{Area, Entry, RADIUS_M_MAX, Source, Window};
pub use neighbours::{Contents, Edge, Followers, Graph, Reception, Receptions, Shown};
pub use reels::{POOL_AGE_MAX, POOL_EVERY, POOL_MAX};
pub use routes::{IN_TIMELINES, RECHECK_AFTER, Route};
pub use service::{ROUNDS_MAX, Service};
pub use settings::{Distribution, Settings};
pub use timelines::{CassandraTimelines, PostgresTimelines, Timelines};
pub use tray::{STORIES_OF_ONE_MAX, STORY_LIFE};
pub use viewers::{PENDING_MAX, Viewer};
pub use worker::{BACKFILL_MAX, EVENTS_AT_ONCE, Worker};
