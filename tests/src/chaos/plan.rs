//! What is written, and what breaks meanwhile.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// How much goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub writes: usize,
    pub faults: usize,
    /// Between two writes, at most.
    pub write_pause_max: Duration,
    /// Between two faults, at most.
    pub fault_pause_max: Duration,
    /// Rows of the one large transaction.
    pub large: u32,
}

/// One transaction. Numbers choose among the rows that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    Register {
        number: u64,
    },
    EditProfile {
        which: u64,
        number: u64,
    },
    DeleteAccount {
        which: u64,
    },
    Post {
        number: u64,
        long: bool,
        public: bool,
    },
    EditPost {
        which: u64,
        number: u64,
    },
    /// Leaves a long text as it is.
    ChangeAudience {
        which: u64,
        public: bool,
    },
    BuryPost {
        which: u64,
    },
    /// Of a post, or of a person.
    Weigh {
        which: u64,
        post: bool,
        magnitude: i16,
    },
    DeletePost {
        which: u64,
    },
    Say {
        room: u64,
        number: u64,
    },
    EditMessage {
        which: u64,
        number: u64,
    },
    DeleteMessage {
        which: u64,
    },
    Tag {
        which: u64,
        tag: u64,
    },
    Untag {
        which: u64,
    },
    /// Several of the above, and then all of it taken back.
    RolledBack {
        number: u64,
    },
    /// Many posts at once.
    Large {
        number: u64,
    },
    /// All of those posts deleted at once.
    DeleteLarge,
    /// A migration that writes a table anew, and changes what is in it.
    Rewrite {
        table: u8,
    },
    DropSlot,
}

/// What breaks, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    KillPlaza { away: Duration },
    PausePlaza { still: Duration },
    KillPostgres { away: Duration },
    PausePostgres { still: Duration },
    KillEngine { away: Duration },
    PauseEngine { still: Duration },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub seed: u64,
    /// Each follows a pause.
    pub writes: Vec<(Duration, Write)>,
    pub faults: Vec<(Duration, Fault)>,
}

impl Plan {
    #[must_use]
    pub fn draw(seed: u64, size: Size) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut writes: Vec<_> =
            (0..size.writes).map(|_| (pause(&mut dice, size.write_pause_max), write(&mut dice))).collect();
        // What takes long happens once each, somewhere.
        let rare = [
            Write::Large { number: dice.random() },
            Write::Rewrite { table: dice.random_range(0..3) },
            Write::DropSlot,
            Write::Rewrite { table: dice.random_range(0..3) },
            Write::DeleteLarge,
        ];
        for (order, write) in rare.into_iter().enumerate() {
            let from = writes.len() * order / 5;
            let at = dice.random_range(from..=from + writes.len() / 6);
            writes.insert(at.min(writes.len()), (Duration::ZERO, write));
        }
        let faults = (0..size.faults).map(|_| (pause(&mut dice, size.fault_pause_max), fault(&mut dice))).collect();
        Self { seed, writes, faults }
    }
}

fn pause(dice: &mut StdRng, longest: Duration) -> Duration {
    Duration::from_micros(dice.random_range(0..=longest.as_micros() as u64))
}

fn write(dice: &mut StdRng) -> Write {
    let (which, number, public) = (dice.random(), dice.random(), dice.random_ratio(3, 4));
    match dice.random_range(0..100) {
        0..8 => Write::Register { number },
        8..16 => Write::EditProfile { which, number },
        16..19 => Write::DeleteAccount { which },
        19..41 => Write::Post { number, public, long: dice.random_ratio(1, 6) },
        41..51 => Write::EditPost { which, number },
        51..54 => Write::Weigh { which, post: public, magnitude: dice.random_range(0..20) },
        54..57 => Write::ChangeAudience { which, public },
        57..62 => Write::BuryPost { which },
        62..65 => Write::DeletePost { which },
        65..79 => Write::Say { room: dice.random_range(0..4), number },
        79..85 => Write::EditMessage { which, number },
        85..89 => Write::DeleteMessage { which },
        89..93 => Write::Tag { which, tag: dice.random_range(0..30) },
        93..96 => Write::Untag { which },
        _ => Write::RolledBack { number },
    }
}

fn fault(dice: &mut StdRng) -> Fault {
    let short = Duration::from_millis(dice.random_range(0..1_500));
    let still = Duration::from_millis(dice.random_range(200..6_000));
    match dice.random_range(0..10) {
        0..4 => Fault::KillPlaza { away: short },
        4 => Fault::PausePlaza { still },
        5 => Fault::KillPostgres { away: short },
        6 => Fault::PausePostgres { still },
        7 | 8 => Fault::KillEngine { away: short },
        _ => Fault::PauseEngine { still },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_plan() {
        let ms = Duration::from_millis;
        let size = Size { writes: 40, faults: 9, write_pause_max: ms(5), fault_pause_max: ms(500), large: 50_000 };
        assert_eq!(Plan::draw(7, size), Plan::draw(7, size));
        assert_ne!(Plan::draw(7, size), Plan::draw(8, size));
        let plan = Plan::draw(9, size);
        assert_eq!((plan.writes.len(), plan.faults.len()), (45, 9));
        let at = |wanted: fn(&Write) -> bool| plan.writes.iter().position(|(_, write)| wanted(write)).unwrap();
        let (made, deleted) = (at(|w| matches!(w, Write::Large { .. })), at(|w| matches!(w, Write::DeleteLarge)));
        assert!(made < deleted);
    }
}
