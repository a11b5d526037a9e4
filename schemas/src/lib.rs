//! The Rust types of every payload that crosses Plaza's border, a module per domain, beside the JSON Schemas that
//! define them. `schemas/README.md` tells how a payload is added.
//!
//! ## Decisions
//! - The schema is the definition. Types are written by hand and checked against it from both sides by this crate's
//!   tests: no generator understands 2020-12 well enough to bet the code on, and hand-written types read better.
//! - What a client sends is closed: an unknown member is refused (`additionalProperties: false` in the schema,
//!   `deny_unknown_fields` in the type), because a misspelt optional member that is silently dropped is a bug that
//!   nobody sees. What a client receives is open: members may be added, and clients must pass over those that they do
//!   not know. Plaza's own tests are stricter than clients: an undocumented member in an answer fails them.
//! - Objects are flat: no `allOf`, and `oneOf` only as a choice of whole objects told apart by one constant member. This is
//!   what keeps schema, Rust enum and generated clients alike.

pub mod accounts;
pub mod chat;
pub mod content;
pub mod engagement;
pub mod feed;
pub mod graph;
pub mod notifications;
pub mod presence;
pub mod problem;
pub mod search;
pub mod socket;

mod registry;

#[cfg(feature = "contract")]
pub mod contract;

#[doc(hidden)]
pub use registry::round_trip;
pub use registry::{Type, all_types};
