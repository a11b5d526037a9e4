//! A tiny API behind a real edge, with a real PostgreSQL for idempotency keys.

mod admission;
mod idempotency;
mod linger;
mod requests;
mod world;
