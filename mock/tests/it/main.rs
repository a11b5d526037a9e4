//! The mock as its users meet it: over HTTP and WebSocket, on a port of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod conformance;
mod foreign;
mod memory;
mod refusals;
mod reload;
mod sockets;
mod world;
