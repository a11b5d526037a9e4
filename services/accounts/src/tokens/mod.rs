//! Tokens: short-lived signed ones that ask, long-lived opaque ones that renew, and the keys behind both.

pub mod access;
pub mod keys;
pub mod refresh;
