//! Scripts on a real Redis.

mod batch;
