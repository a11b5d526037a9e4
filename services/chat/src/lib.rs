//! Chat.

mod consumer;
mod error;
mod events;
mod http;
pub mod log;
pub mod marks;
pub mod model;
mod people;
mod relay;
pub mod sequencer;
mod service;
mod socket;
mod store;
mod text;
pub mod typing;

pub use consumer::Keeper;
pub use error::Error;
pub use http::routes;
pub use people::People;
pub use relay::DIRTY_MAX;
pub use service::{SLACK, Saying, Service};
pub use socket::socket;
