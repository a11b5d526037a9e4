//! A demo community: planned from a number, and lived through the services' own use cases.
//!
//! ## Decisions
//! - The plan ([`community`]) is made before anything is written, from the seed alone. So two runs agree on who is who, and
//!   the second one finds what the first one wrote: people by handle, direct rooms by their two people, other rooms by owner
//!   and name, messages by a client id that follows from the plan, posts, reels, stories and comments by
//!   their text, livestreams and listings by their title. What is done with them is done once whoever repeats it.
//! - Pictures and films are drawn from the plan ([`pictures`], [`film`]) and uploaded as those of people are: nothing is shipped with
//!   Plaza, or fetched, for the demo to have something to look at.
//! - Nobody is written to a table from here. What the demo shows is what real requests would have left behind.

mod community;
mod dice;
mod engage;
mod engaged;
mod fill;
mod film;
mod gallery;
mod pictures;
mod publish;
mod published;
mod shown;
mod words;

pub use community::Community;
pub use fill::{Filled, PASSWORD, fill};
