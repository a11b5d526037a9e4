//! Against a real server: run `./test`, or set `PLAZA_TEST_POSTGRES_URL`.

mod faults;
mod migrations;
mod outbox;
