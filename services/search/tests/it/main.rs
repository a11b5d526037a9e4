#![allow(clippy::unwrap_used, reason = "a test that panics fails")]

mod complete;
mod near;
mod pages;
mod popularity;
mod sight;
mod trends;
mod world;
