//! The mock as its users meet it: over HTTP and WebSocket, on a port of its own.

mod answers;
mod conformance;
mod foreign;
mod memory;
mod refusals;
mod reload;
mod sockets;
mod world;
