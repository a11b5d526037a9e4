//! Chat.

pub mod log;
pub mod sequencer;
