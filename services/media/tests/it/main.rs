//! Media on a real PostgreSQL and a folder of blobs, through the routes and the edge.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod files;
mod reading;
mod refusing;
mod sweeping;
mod uploading;
mod videos;
mod working;
mod world;
