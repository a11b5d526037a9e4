//! REST against the mock; the socket against a server that says what a script has; the README against what it is.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod mocked;
mod readme;
mod reconnect;
mod server;
