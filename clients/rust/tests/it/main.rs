//! The socket against a server that says what a script has.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod reconnect;
mod server;
