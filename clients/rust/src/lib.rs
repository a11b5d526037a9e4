//! Plaza's client for Rust: REST by [`Api`] and [`Session`], live events and commands by [`Socket`].
//!
//! The README beside this crate starts with ten lines that work. The protocol itself is described in `asyncapi/`.
//!
//! ## Decisions
//! - **Three layers, each usable alone.** [`Connection`] is one WebSocket, frames in and out, nothing remembered.
//!   [`Socket`] keeps one open: it reconnects, resumes, and hands on events in order, each once. [`Session`] is a
//!   person's log-in on this device: REST, and fresh access tokens for the socket.
//! - **Nothing is lost in silence.** A resume brings every missed event, or the caller gets [`Event::Resync`] and reads
//!   what it lacks from the stores ([`Socket::catch_up`]). A hole in a room's sequence is told as [`Event::Gap`].
//! - **A command that was interrupted says so.** Whether it happened is then unknown. [`Socket::send_message`] repeats
//!   itself under the same client id, which the server deduplicates; other commands are the caller's to repeat.
//! - **Back pressure, not drops.** Events wait in a bounded queue. When the caller does not read, the socket is not
//!   read either, and in the end the server closes it as a slow consumer; reading on resumes without loss. Read events
//!   in a task of their own: a reply that is stuck behind unread events only comes when those are read.

mod api;
mod error;
mod socket;

pub use api::{Api, Session, Window, Witness};
pub use error::{ApiError, CommandError, ConnectError};
pub use socket::{Backoff, Connection, Event, Frame, Options, ResumeStatus, Socket, Stats, Subscription};
