//! Against a real server: run `./test`, or set `PLAZA_TEST_POSTGRES_URL`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod embedded;
mod faults;
mod migrations;
mod outbox;
