//! Pictures and videos: uploaded in parts, made ready by a worker, shown by signed addresses, swept when nothing shows them.
//!
//! An upload goes like this: [`Service::begin`], [`Service::append`] part by part, then the [`Worker`] finds out what the
//! file is and makes the forms that readers get. Content names it by id, and asks [`Service::owned_and_ready`] first.
//!
//! ## Decisions
//! - **Uploading is as in tus 1.0** (`Upload-Offset`, 409 for a part that is not the next), with JSON to begin it. A part is a blob of its
//!   own and kept whole or not at all, since object stores cannot append: it is written, then noted in one statement that compares
//!   the offset. So of two parts for one place one wins, a repeat is told where to go on, and what was acknowledged is durable.
//! - **The bytes say what a file is** ([`sniff`]), at the first part and again when it is whole; the claim decides only how
//!   large it may become. The header of a picture is read, and its pixels counted, before it is decoded.
//! - **A picture is never shown as it was uploaded**: it is decoded, turned upright and encoded anew, which leaves behind its
//!   metadata (where it was taken) and whatever else was hidden in it. Its colour profile stays if it is small, since colours are meant in terms of it.
//!   JPEG, or WebP without loss where something shows through. Of an animation it is the first picture.
//! - **A video is kept as it is**, metadata included: to make it anew is a matter of minutes and of a codec. What its header says is read
//!   off here; a still picture needs ffmpeg, and the answer says whether there is one.
//! - **An attempt is counted before it is made**, in PostgreSQL, and has a lease: a killed worker's file is taken up again, a file that kills
//!   workers is refused after [`TRIES_MAX`] attempts, and an attempt that lost its lease cannot conclude. Forms have fixed names and the
//!   same bytes each time, so that it does not matter how often they are written.
//! - **An address is a permission.** Content checks its audience and then gives out addresses that hold for some hours, days where it is public
//!   ([`links`]); reading asks only whether the signature holds and the file is still there. Whoever may read can pass it
//!   on, as they could the picture. All addresses of one period are the same, so that browsers find what they have.
//! - **To delete an upload is to let go of it** ([`Service::delete`]): its owner has it no more, nothing new can name it. What shows it is
//!   not torn apart by that; the file goes once nothing does.
//! - **One column says when to look again** (`due_at`): at an upload's end, at a lease's, at the next question whether something
//!   shows a file. That is asked of the content ([`References`]) each day, rather than counted: a count that is wrong once is wrong
//!   for good, and loses a picture. When content does not answer, nothing is deleted.

mod error;
mod http;
pub mod links;
mod metrics;
pub mod model;
mod neighbours;
pub mod pictures;
pub mod range;
mod service;
mod settings;
pub mod sniff;
mod store;
mod video;
mod worker;

pub use error::Error;
pub use http::routes;
pub use links::Reach;
pub use neighbours::References;
pub use service::{PARTS_MAX, PARTS_OF_ONE_MAX, Place, Readable, Service};
pub use settings::{Settings, WORKERS_MAX};
pub use worker::{LEASE, TRIES_MAX, Worker};
