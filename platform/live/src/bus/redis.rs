//! The live bus over Redis 7.
pub struct RedisBus;
