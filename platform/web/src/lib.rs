//! What every REST route gets without asking: request ids, problem details, authentication, limits, idempotent
//! creation. A slice lists its operations as [`Routes`]; the binary hands them all to an [`Edge`].
//!
//! ## Decisions
//! - An operation is registered under the id, method and path that `openapi/` gives it, so that a test can hold the
//!   two lists against each other, and every layer knows by name what it serves.
//! - Handlers return [`Failure`]s without a body. The edge writes the problem document, because it alone knows the
//!   request id, and because failures of axum, of a limit and of a slice must look alike.
//! - Authentication runs once, before the handler, whenever a token was sent; the [`Caller`] extractor only collects
//!   its result. So limits per account and idempotency keys know the caller, and a handler cannot forget to check.
//! - A request that is refused before its body was read is read to its end all the same, within limits: the answer would be lost else.
//! - Limits let requests through when their store does not answer (see `live::Limiter`): they protect, they do not fail.
//! - A creating request that carries an `Idempotency-Key` runs on a task of its own: a client that hangs up half-way is just
//!   the one that will repeat, and must find the first answer.

mod address;
mod auth;
mod body;
mod cors;
mod edge;
mod extract;
mod failure;
pub mod idempotency;
mod routes;
mod settings;
#[cfg(feature = "testing")]
pub mod testing;

pub use address::{ClientAddress, Network};
pub use auth::{Authenticator, Verified};
pub use body::{Created, JSON_BODY_BYTES_MAX, Json, NoContent, Upload};
pub use cors::Origin;
pub use edge::Edge;
pub use extract::{Caller, Guest, Path, Query};
pub use failure::Failure;
pub use http::Method;
pub use routes::{Operation, Routes};
pub use settings::Settings;
