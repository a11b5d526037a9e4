//! The gateway, with real sockets on a real listener. What is around it is small and here: a slice of test commands, an
//! authenticator whose tokens say who they are.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod admission;
mod client;
mod commands;
mod counted;
mod delivery;
mod lifecycle;
mod node;
mod redis;
mod resume;
