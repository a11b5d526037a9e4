//! The graph on a real PostgreSQL, a fresh database for each test.

mod blocks;
mod follows;
mod limits;
mod lists;
mod races;
mod routes;
mod stage;
