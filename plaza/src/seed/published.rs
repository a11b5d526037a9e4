//! What people of the demo publish besides posts and what they show: comments, livestreams, listings.

use std::time::Duration;

use super::community::{PAST, Persona, Post};
use super::dice::Dice;
use super::words::{COMMENTS, GOODS, PITCHES, PLACES, STREAMS};

/// Everything is sold within a few kilometres of here: degrees north and east.
const TOWN: (f64, f64) = (47.66, 9.18);
/// Steps of a ten-thousandth of a degree in each direction.
const SPREAD: usize = 600;

/// What people publish besides posts. People and posts are named by their places in the plan.
#[derive(Debug, Default, PartialEq)]
pub struct Published {
    pub comments: Vec<Comment>,
    pub livestreams: Vec<Livestream>,
    pub listings: Vec<Listing>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Comment {
    pub post: usize,
    pub by: usize,
    pub text: &'static str,
    /// Whether it answers the comment before it, on the same post.
    pub answers: bool,
    /// After the post.
    pub later: Duration,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Livestream {
    pub by: usize,
    pub title: &'static str,
    pub ended: bool,
    pub ago: Duration,
}

#[derive(Debug, PartialEq)]
pub struct Listing {
    pub by: usize,
    /// Its place in the list of goods.
    pub good: usize,
    pub title: &'static str,
    pub text: &'static str,
    pub cents: u64,
    pub place: (f64, f64),
    pub sold: bool,
    pub ago: Duration,
}

impl Published {
    /// Comments are on what everybody may read: public posts of accounts that are not private.
    pub fn plan(dice: &mut Dice, people: &[Persona], posts: &[Post]) -> Self {
        let mut published = Self::default();
        for (at, post) in posts.iter().enumerate() {
            if post.followers_only || people[post.by].private || people.len() < 2 {
                continue;
            }
            let many = if dice.chance(50) { dice.between(1, 4) } else { 0 };
            let mut order: Vec<usize> = (0..COMMENTS.len()).collect();
            dice.shuffle(&mut order);
            for (nth, choice) in order.into_iter().take(many).enumerate() {
                let by = dice.below(people.len());
                let later = (post.ago / 8).saturating_mul(u32::try_from(nth + 1).unwrap_or(1));
                let answers = nth > 0 && dice.chance(40);
                published.comments.push(Comment { post: at, by, text: COMMENTS[choice], answers, later });
            }
        }
        for by in 0..people.len() {
            // In the smallest community somebody streams and somebody sells.
            if dice.chance(8) || by == 0 {
                let title = STREAMS[dice.below(STREAMS.len())];
                published.livestreams.push(Livestream { by, title, ended: dice.chance(70), ago: ago(dice) });
            }
            if dice.chance(20) || by == 0 {
                let good = dice.below(GOODS.len());
                let ((title, cents), text) = (GOODS[good], PITCHES[by % PITCHES.len()]);
                let mut degrees = |from: f64| from + (dice.below(2 * SPREAD) as f64 - SPREAD as f64) / 10_000.0;
                let place = (degrees(TOWN.0), degrees(TOWN.1));
                let (sold, ago) = (dice.chance(20), ago(dice));
                published.listings.push(Listing { by, good, title, text, cents, place, sold, ago });
            }
        }
        published
    }
}

/// Where in town a place is that posts name.
pub fn place(at: usize) -> (f64, f64) {
    let (turn, out) = (std::f64::consts::TAU * at as f64 / PLACES.len() as f64, 0.006 + 0.002 * at as f64);
    (TOWN.0 + out * turn.sin(), TOWN.1 + 1.5 * out * turn.cos())
}

fn ago(dice: &mut Dice) -> Duration {
    Duration::from_secs(dice.next() % PAST.as_secs())
}
