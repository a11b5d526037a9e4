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
//! - **A comment is read by whoever reads what its thread is about**, asked at every read as well, and by nobody across a block
//!   from its author. With that it is deleted, or given another audience for the index, soon after and in batches
//!   ([`Threads`]); a comment that was deleted leaves its answers where they are.
//! - **A story is over at a moment, not when somebody comes by**: reads compare the clock, and a worker then empties the row and
//!   tells ([`Service::expire`]), so that the index, which knows no clock, forgets it a second later.
//! - **Pictures and numbers are asked for, not kept**: uploads by [`MediaLibrary`], which may fail a page; what people did by
//!   [`Engagements`], without which content is shown all the same.
//! - **All kinds are rows of one table**, told apart by [`kernel::ContentKind`]; everything that lists, routes and filters
//!   knows an id, an author and an audience, and nothing of what only one kind has. To add a kind: [`kinds`].

mod consumer;
pub mod documents;
mod draft;
mod error;
mod expiry;
mod finding;
mod gathering;
mod http;
pub mod kinds;
mod model;
mod neighbours;
mod place;
mod reading;
mod service;
mod store;
pub mod text;
mod threads;

pub use consumer::{Threads, Undertaker};
pub use draft::{PRICE_AMOUNT_MAX, TITLE_LENGTH_MAX, Unsuited};
pub use error::Error;
pub use expiry::EXPIRY_POLL;
pub use finding::{COUNTED_MAX, Found, LOOKED_AT};
pub use gathering::{Source, Window};
pub use http::routes;
pub use model::{Content, Sight, Standing, Thread};
pub use neighbours::{Engagements, MediaKind, MediaLibrary, People, Relations};
pub use place::{NoPlace, PLACE_NAME_LENGTH_MAX};
pub use reading::Visible;
pub use service::{Neighbours, Service};
pub use threads::COMMENT_DEPTH_MAX;
