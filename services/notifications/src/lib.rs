//! The inbox: what others did that concerns a person, grouped, and told live.
//!
//! `listener` makes acts of events, `store` groups them into lines, `service` shows lines to their owner and keeps how
//! far they were read, `show` decides at the moment of reading what may be shown.
//!
//! ## Decisions
//! - **A line is (what, target, day)**: whoever does the same with the same thing on one day (UTC) joins one line,
//!   which moves to the top under the id that it had. A page cursor is (time, id), so nothing below a page is lost by
//!   that.
//! - **An act happens once**, whatever repeats: it is a row, found by who, what, with what and by which comment. Taking
//!   back removes it, and a line without acts goes.
//! - **The reading decides.** Mutes, blocks and what may be seen are asked of their owners for each page, and live
//!   event, and when one of them does not answer, nothing is shown. The inbox never undoes a block or a deletion by
//!   being behind, and an unmute brings back what was there.
//! - **Everything is bounded**: lines of an inbox ([`INBOX_MAX`]), acts of a line ([`ACTS_MAX`]; later ones only move
//!   it), people that are looked at for a line ([`ACTS_READ`]), live events of one that grows ([`LIVE_EACH`], then each
//!   time that it has doubled).
//! - **Read is one moment for all devices**: a line is unread while something in it is newer. It never moves back. What
//!   is heard of late, and was done before that moment, is put just after it. The unread are counted as they would be
//!   shown, up to [`UNREAD_MAX`].
//! - **Following over a request** is told once, to who asked: the line that asked goes when it is answered, withdrawn or
//!   ended by a block.
//! - **A line's number of acts is the number of its rows** after every transaction, which a recount proves at any time
//!   ([`recount`]).
//! - Whoever is answered is not also told of being mentioned in the answer.

mod error;
mod http;
mod listener;
mod live_events;
mod model;
mod neighbours;
mod service;
mod show;
mod store;

pub use error::Error;
pub use http::routes;
pub use listener::Listener;
pub use live_events::LIVE_EACH;
pub use model::{EXCERPT_LENGTH_MAX, PEOPLE_SHOWN};
pub use neighbours::{Contents, Glimpse, People};
pub use service::{ROUNDS_MAX, Service, UNREAD_MAX};
pub use store::{ACTS_MAX, ACTS_READ, FORGET_BATCH, INBOX_MAX, Report, recount};
