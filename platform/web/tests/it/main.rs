//! A tiny API behind a real edge, with a real PostgreSQL for idempotency keys.

mod admission;
mod idempotency;
mod requests;
mod world;
