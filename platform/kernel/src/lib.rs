//! The few ideas that every slice shares: ids, time, who is asking, errors, pages.
//!
//! Nothing here knows a store, a transport or a slice.
//!
//! ## Decisions
//! - An id is a UUIDv7 (RFC 9562) with a prefix in its text form, so that a room's id can never be taken for a
//!   person's, neither by the compiler nor by a reader of a log.
//! - Time is a value. Use cases get `now` in their [`Ctx`] and never read a clock.
//! - Every slice has its own error enum. What they have in common is [`Fail`]: a kind out of nine, a stable code, and
//!   a sentence that is safe to show. The edges map a [`Problem`] once: to HTTP, to a frame, to a close code.

mod content;
mod ctx;
mod error;
mod id;
pub mod json;
mod page;
mod secret;
#[cfg(feature = "sql")]
mod sql;
mod time;

pub use content::{ContentId, ContentIdError, ContentKind};
pub use ctx::{Ctx, RequestId};
pub use error::{ErrorKind, Fail, Problem, StoreError};
pub use id::{Event, Id, IdError, IdKind, Media, Message, Notification, Room, Session, User};
pub use id::{EventId, MediaId, MessageId, NotificationId, RoomId, SessionId, UserId};
pub use page::{Cursor, CursorError, Page, PageSize};
pub use secret::Secret;
pub use time::{Clock, Timestamp};
