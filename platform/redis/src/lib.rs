//! Redis 7: one client for commands and scripts, one ear for sharded pub/sub.
//!
//! Start with [`Redis::connect`]; plain commands go through [`Redis::commands`] and fred's interfaces, scripts through
//! [`Redis::run`], those that are called often through [`Redis::run_batched`], and [`Subscriber`] hears what is published.
//!
//! ## Decisions
//! - The driver never repeats a command by itself: a script that appends must not run twice. A command that was in
//!   flight when the link broke is [`kernel::StoreError::Unknown`], and the caller, who knows whether it may be
//!   repeated, decides.
//! - With the link down, commands fail at once instead of queueing until their deadline: who asks for a live thing
//!   wants to know that it is not live.
//! - What every message waits for goes in batches when many come at once ([`Batched`]): Redis's one thread is what busy nodes
//!   run out of first, and in a batch of four a call takes about two thirds of the time that it takes alone.
//! - Hearing has a connection of its own. After a reconnect it subscribes to nothing by itself: the caller, who must
//!   know what it missed meanwhile, is told and subscribes anew.

mod batch;
mod client;
mod fault;
mod script;
mod subscriber;
#[cfg(feature = "testing")]
pub mod testing;

pub use batch::Batched;
pub use client::{Redis, Settings};
pub use fault::{StoreResult, fault};
pub use script::{Numbers, Script};
pub use subscriber::{Ear, Heard, Subscriber};
