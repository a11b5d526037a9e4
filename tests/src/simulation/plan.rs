//! What everybody will do, drawn from a seed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

/// How much goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub people: usize,
    pub devices_each: usize,
    pub rooms: usize,
    pub actions_each: usize,
    /// Between two actions of a device, at most.
    pub pause_max: Duration,
}

/// One device's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub person: usize,
    /// Each action follows a pause.
    pub actions: Vec<(Duration, Action)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Send {
        room: usize,
    },
    /// Changes a message that this device has sent, if it has sent any here.
    Edit {
        room: usize,
    },
    /// Reads a room to its end.
    Read {
        room: usize,
    },
    /// Loses the connection, stays away, and comes back on another node, if there is one.
    Bounce {
        away: Duration,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub seed: u64,
    /// The members of each room, by their number; at least two.
    pub rooms: Vec<Vec<usize>>,
    pub parts: Vec<Part>,
}

impl Plan {
    /// # Panics
    /// When there are not people enough for a room.
    #[must_use]
    pub fn draw(seed: u64, size: Size) -> Self {
        assert!(size.people >= 2 && size.rooms >= 1, "a room needs two people");
        let mut rng = StdRng::seed_from_u64(seed);
        let everybody: Vec<usize> = (0..size.people).collect();
        let rooms: Vec<Vec<usize>> = (0..size.rooms)
            .map(|number| {
                // Everybody is in the first: nobody is left without a room.
                let count = if number == 0 { size.people } else { rng.random_range(2..=size.people) };
                let mut members: Vec<usize> = everybody.sample(&mut rng, count).copied().collect();
                members.sort_unstable();
                members
            })
            .collect();
        let mut parts = Vec::new();
        for person in everybody {
            let own: Vec<usize> = (0..rooms.len()).filter(|room| rooms[*room].contains(&person)).collect();
            for _ in 0..size.devices_each {
                let actions = (0..size.actions_each)
                    .map(|_| (size.pause_max.mul_f64(rng.random()), Action::draw(&mut rng, &own)))
                    .collect();
                parts.push(Part { person, actions });
            }
        }
        Self { seed, rooms, parts }
    }
}

impl Action {
    fn draw(rng: &mut StdRng, rooms: &[usize]) -> Self {
        let room = rooms.choose(rng).copied().unwrap_or_default();
        match rng.random_range(0..100) {
            0..70 => Self::Send { room },
            70..80 => Self::Edit { room },
            80..90 => Self::Read { room },
            // Mostly a moment, sometimes longer than a server holds on to anything but its window.
            _ => Self::Bounce {
                away: Duration::from_millis(if rng.random_bool(0.7) { 0 } else { rng.random_range(100..1500) }),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size =
        Size { people: 4, devices_each: 2, rooms: 3, actions_each: 20, pause_max: Duration::from_millis(50) };

    #[test]
    fn a_seed_is_a_plan() {
        assert_eq!(Plan::draw(7, SIZE), Plan::draw(7, SIZE));
        assert_ne!(Plan::draw(7, SIZE), Plan::draw(8, SIZE));
    }

    #[test]
    fn people_act_in_their_own_rooms_only() {
        for seed in 0..50 {
            let plan = Plan::draw(seed, SIZE);
            assert_eq!(plan.parts.len(), 8);
            assert!(plan.rooms.iter().all(|members| members.len() >= 2));
            for part in &plan.parts {
                for (_, action) in &part.actions {
                    if let Action::Send { room } | Action::Edit { room } | Action::Read { room } = action {
                        assert!(plan.rooms[*room].contains(&part.person), "seed {seed}");
                    }
                }
            }
        }
    }
}
