//! For tests of routes: a [`Door`] to a slice's routes behind the real edge, and [`StandIn`]s for its neighbours.

mod door;
mod stand_in;

pub use door::{Answer, Ask, Door, PEER, Trusting};
pub use stand_in::{StandIn, Town};
