//! The ranking of the feed, without its stores: from what is known of viewers and of content to a page's order.
//!
//! [`Features`] of a [`Candidate`] go into a [`Model`], which predicts a probability for each [`Action`]; [`values`] weighs
//! those into one number; [`mix`] makes a slate of the numbers. What people then do with the slate goes back into the model,
//! the viewer's [`Profile`] and the authors' [`Tally`]s. Everything here is synchronous, and takes time and chance as
//! arguments.
//!
//! ## Decisions
//! - **A crate of its own**, because `bench feed-quality` has to judge the very code that serves, without the stores.
//! - **The learned model is a correction of the hand-weighted one**: FTRL-proximal logistic regression (McMahan et al. 2013)
//!   on top of the hand-weighted logit. When nothing is learned yet, the two are the same, and what a few examples teach
//!   moves little: there is no cold start to guard against, and whatever the model has never seen is judged by hand.
//! - **One model with six heads**, not six models: all heads look at the same slots, so that a prediction costs one walk
//!   through memory.
//! - **Crosses are hashed** into a fixed table, so that a model has one size whatever it sees. A collision blurs two rare
//!   facts; frequent ones have numbers of their own, which do not collide.
//! - **Where it stood is a feature while learning; while ranking, all stand first.** What is high on a page is done more often
//!   because it is seen more often; the model attributes that to the place instead of to the item.
//! - **Features are logged when served**, with the chance that the item had of its slot: learning from features worked out
//!   later would teach what was not known then.
//! - **A small share of slots is drawn at random** ([`mix::Rules::explore`]), so that the log also knows of what the
//!   model would not have shown.
//! - **Probabilities are calibrated per head** on predictions that were made before their outcome was known
//!   ([`model::Platt`]), since weights multiply probabilities of six different sizes.

mod action;
mod candidate;
mod dice;
pub mod features;
pub mod filter;
mod ftrl;
pub mod hand;
pub mod mix;
pub mod model;
mod profile;
pub mod slate;
mod stored;
mod tally;
pub mod values;

pub use action::{Action, Actions, Heads};
pub use candidate::{Candidate, Source, Viewer};
pub use dice::Dice;
pub use features::Features;
pub use model::{Example, Model};
pub use profile::{Interest, Profile};
pub use slate::{Ranked, Scorer, slate};
pub use stored::{BYTES_MAX, StoredError};
pub use tally::Tally;
