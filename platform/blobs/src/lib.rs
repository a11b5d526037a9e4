//! Large things that are written once and read as bytes: in a folder, or in an object store that speaks S3.
//!
//! ## Decisions
//! - **The crate `object_store` does the work**; this one chooses between a folder and S3, names what may be asked of either,
//!   and translates errors in one place.
//! - **A blob is written whole, under a key that is used once.** Nothing is appended or changed: both kinds of store can put,
//!   read a range, list and delete, and little else alike. What grows in parts is kept in parts and joined at the end.
//! - **Written means on the disk**: the folder is synced before a write is answered, as an object store does.
//! - **ring signs requests**, as it does everything else in Plaza: `object_store`'s feature `aws` would bring aws-lc.

mod error;
mod settings;
mod store;

pub use error::{BlobError, BlobResult};
pub use settings::{OpenError, Settings};
pub use store::{Blobs, ByteStream, READ_BYTES_MAX};
