//! Accounts on a real PostgreSQL, a fresh database for each test.

mod limits;
mod log_in;
mod passwords;
mod profile;
mod routes;
mod sessions;
mod stage;
mod tokens;
