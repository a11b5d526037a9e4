//! Content of every kind: published, read, edited, deleted, and listed by person and by hashtag.
//!
//! ## Decisions
//! - **An id is a place.** Content has UUIDv7 ids, made from the moment of creation, so that the order of ids is the order of
//!   lists; a cursor is the last id that was looked at, and stays true however much is written meanwhile.
//! - **Who may read is asked at every read**, of the accounts and of the graph, in one batch each: a block, an unfollow or a
//!   private account takes effect with the next page. When either does not answer, nothing is shown. What may
//!   not be read is answered like one that does not exist.
//! - **A change and its event are one transaction**, and the row is locked meanwhile, so that its events are
//!   in the order of its changes. Events carry ids and what routes them, not the text: whoever needs the text reads
//!   it, and thereby never spreads one that was edited or deleted since.
//! - **Deleting empties the row and keeps it**: consumers find the tombstone, readers find nothing.
//! - **Mentions are resolved when written**: an edit resolves again, a changed handle keeps pointing at the person.
//! - **All kinds are rows of one table**, told apart by [`kernel::ContentKind`]; everything that lists, routes and filters
//!   knows an id, an author and an audience, and nothing of what only one kind has.

mod consumer;
pub mod documents;
mod error;
mod finding;
mod gathering;
mod http;
mod model;
mod neighbours;
mod place;
mod service;
mod store;
pub mod text;

pub use consumer::Undertaker;
pub use error::Error;
pub use finding::{COUNTED_MAX, Found, LOOKED_AT};
pub use gathering::{Source, Window};
pub use http::routes;
pub use model::{Content, Sight, Standing};
pub use neighbours::{People, Relations};
pub use place::{NoPlace, PLACE_NAME_LENGTH_MAX};
pub use service::{Service, Visible};
