//! The ranked feed: a pipeline of stages, the order that it makes, and what is learned from what came of it.
//!
//! A first page goes like this: [`Pipeline::new`](pipeline::Pipeline::new) lists the stages. What is known of the viewer is
//! read; the sources propose, all at once; proposals are hydrated, and what the viewer may not read falls out; the crate `rank`
//! filters, scores and mixes; the order is kept ([`slates`]), its first page is shown and written into the log. Further pages
//! read the kept order, and ask again what of it the viewer may read.
//!
//! ## Decisions
//! - **Each stage has a deadline and a [`FailMode`](stage::FailMode).** A source or a counter that does not answer leaves the page poorer;
//!   when it cannot be told what the viewer may read, or whom they hide, there is no page.
//! - **A page is a place in a kept order**: cursors are signed, and name the order and a place in it. Nothing moves while people
//!   react, so nothing is shown twice or lost. An order lives half an hour; a cursor that is older goes on in
//!   a new order, without what was served or seen.
//! - **Seen is what was looked at** (`content.viewed`), acted upon, or asked for less of. What was served lately and not looked at
//!   stays away for some minutes, so that a reload brings other things, unless there are none.
//! - **A wish for less works at once and can be taken back**: it is a row, and counts as a hidden item when the profile is
//!   read; the model learns of it like of every other action.
//! - **Learning is one transaction**: a batch of the log is read, learned, and deleted, and the new version of the model, the
//!   profiles and the tallies are written with it, by one process at a time. What came of an item is what was known when the wait
//!   was over ([`learner::WAIT`]). What is below the lowest item of a page that was looked at was not seen, and teaches nothing.
//! - **A model serves once it is better than the hand-weighted one** at predicting what neither had seen yet; until then, and
//!   whenever it gets worse, pages are ranked by hand while it goes on learning. Every so many pages are also ranked by the one that does
//!   not serve, and how far the two agree is a metric.
//! - **A cursor goes on in the feed that it is of**: `GET /v1/feed` is the ranked feed or, for those who chose so, that of those
//!   followed, and whoever changes that while paging gets the rest of what was begun.
//! - **Only public content of accounts that are not private is recommended**: the sources beyond those followed look at `feed_items`, into
//!   which nothing else is written, and which is a hint: hydration asks the owner.

mod consumer;
mod http;
mod hydration;
mod learner;
mod log;
mod models;
mod neighbours;
mod pipeline;
mod preferences;
pub(crate) mod query;
mod service;
mod slates;
mod sources;
mod stage;

pub use consumer::Listener;
pub use http::routes;
pub use learner::{BATCH_MAX, Learner, WAIT};
pub use models::{JUDGED_MIN, Models};
pub use neighbours::{Open, Opens};
pub use pipeline::Parts;
pub use query::Asked;
pub use rank::mix::Rules;
pub use service::{LESS_AGE_MAX, LESS_MAX, Ranked, SERVED_LATELY};
pub use slates::SLATE_AGE_MAX;
