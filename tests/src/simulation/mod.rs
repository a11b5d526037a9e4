//! Many people at once, following a plan drawn from a seed, and what must hold when they are done.
//!
//! The plan is repeatable, the interleaving is the machine's: a seed that fails often fails again, and always does the
//! same things. `PLAZA_SIM_SEED=7 ./test simulation` replays one.

pub mod history;
pub mod plan;
mod world;

pub use plan::{Plan, Size};
pub use world::World;

/// The seed that is used unless another is asked for: whether a change is good must not hang on which plan was drawn for it.
const SEED: u64 = 7;

/// The seed to use: the usual one, or the one that `PLAZA_SIM_SEED` asks for, `random` being a new one, which is printed.
#[must_use]
#[expect(clippy::print_stdout, reason = "libtest shows it when the test fails")]
pub fn seed() -> u64 {
    let seed = match std::env::var("PLAZA_SIM_SEED") {
        Ok(text) if text == "random" => u64::from(rand::random::<u32>()),
        Ok(text) => text.parse().expect("PLAZA_SIM_SEED is a whole number, or random"),
        Err(_) => SEED,
    };
    println!("replay with PLAZA_SIM_SEED={seed}");
    seed
}
