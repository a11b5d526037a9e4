//! What a slice needs to take part in live connections: topics and the bus that carries them, the commands it answers
//! on the socket, and rate limits. Each port has an implementation in this process and one over Redis.
//!
//! ## Decisions
//! - Everything pushed to clients belongs to a [`Topic`]. A topic is a short, numbered window of events: numbers rise
//!   by one, and the whole bus has one epoch, which changes when its memory is lost. With epoch and number a client
//!   resumes on any node, and a node notices what pub/sub dropped.
//! - The bus is a hint, the stores are the truth. Losing the bus costs a resync, never a message.
//! - Slices do not know the gateway. They publish events, and steer connections by the [`Control`] part of an event.

pub mod bus;
mod command;
mod control;
pub mod limiter;
mod topic;

pub use bus::{Bus, BusError, Incoming, Position, Publication, Since};
pub use command::{CommandError, CommandSet, Commands, Lifecycle, Peer, Reply, TopicSource, read_data};
pub use control::{CloseReason, Control, Signal, UserEvent};
pub use limiter::{Allowance, Limiter, Rate};
pub use topic::{Topic, TopicError};
