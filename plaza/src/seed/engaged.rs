//! What people of the demo do with what others show: react, save, share, look at it; whom they count among their close friends.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemas::engagement::Reaction;

use super::community::{Persona, Post};
use super::dice::Dice;
use super::published::Published;
use super::shown::Shown;
use super::words::SHARED;

/// Most people that react to one thing. In a large community, most of it goes unnoticed.
const REACTED_MAX: usize = 24;
/// What was shown so long ago, many have seen. What is newer waits for whoever logs in.
const SEEN_AGO: Duration = Duration::from_secs(4 * 24 * 60 * 60);
/// Reactions follow within a day.
const AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Something that was published, by its place in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spot {
    Post(usize),
    Reel(usize),
    Story(usize),
    Livestream(usize),
    Listing(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    React(Reaction),
    Save,
    Share(Option<&'static str>),
}

/// Somebody did something with something.
#[derive(Debug, PartialEq, Eq)]
pub struct Done {
    pub by: usize,
    pub with: Spot,
    pub deed: Deed,
    /// Before the present.
    pub ago: Duration,
}

/// An impression.
#[derive(Debug, PartialEq, Eq)]
pub struct Look {
    pub at: Spot,
    pub dwell_ms: u32,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Engaged {
    /// The earliest first.
    pub done: Vec<Done>,
    /// Of each person.
    pub looks: BTreeMap<usize, Vec<Look>>,
    /// Who counts whom among the close friends.
    pub close_friends: Vec<(usize, usize)>,
}

/// Something to be noticed.
struct Thing {
    spot: Spot,
    by: usize,
    ago: Duration,
    /// Who may see it at all, as far as the plan knows.
    open: bool,
}

impl Engaged {
    pub fn plan(
        dice: &mut Dice,
        people: &[Persona],
        follows: &BTreeSet<(usize, usize)>,
        posts: &[Post],
        (published, shown): (&Published, &Shown),
    ) -> Self {
        let mut followers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (follower, followed) in follows {
            followers.entry(*followed).or_default().push(*follower);
        }
        let mut engaged = Self::default();
        for thing in things(people, posts, published, shown) {
            let mut audience = followers.get(&thing.by).cloned().unwrap_or_default();
            if thing.open {
                let passing = audience.len() / 4 + 1;
                audience.extend((0..passing).map(|_| dice.below(people.len())));
            }
            audience.sort_unstable();
            audience.dedup();
            audience.retain(|person| *person != thing.by);
            dice.shuffle(&mut audience);
            // Some of it finds many friends, most of it a few.
            let liked = [12, 25, 25, 40, 70][dice.below(5)];
            engaged.notice(dice, &thing, &audience, liked);
        }
        engaged.done.sort_by_key(|done| std::cmp::Reverse(done.ago));
        for (one, other) in follows.iter().filter(|(one, other)| follows.contains(&(*other, *one))) {
            if dice.chance(30) {
                engaged.close_friends.push((*one, *other));
            }
        }
        engaged
    }

    fn notice(&mut self, dice: &mut Dice, thing: &Thing, audience: &[usize], liked: usize) {
        let mut reacted = 0;
        for by in audience.iter().copied() {
            let reacts = reacted < REACTED_MAX && dice.chance(liked);
            reacted += usize::from(reacts);
            let after = Duration::from_secs(dice.next() % thing.ago.min(AFTER_MAX).as_secs().max(1));
            let mut does = |deed| self.done.push(Done { by, with: thing.spot, deed, ago: thing.ago - after });
            if reacts {
                does(Deed::React(reaction(dice)));
            }
            if dice.chance(if matches!(thing.spot, Spot::Listing(_)) { 14 } else { 5 }) {
                does(Deed::Save);
            }
            if dice.chance(4) && thing.open && !matches!(thing.spot, Spot::Story(_)) {
                does(Deed::Share(if dice.chance(60) { dice.pick(&SHARED) } else { None }));
            }
            let saw = reacts || dice.chance(if thing.ago > SEEN_AGO { 75 } else { 15 });
            let dwell_ms = 400 + (dice.next() % if reacts { 14_000 } else { 4_000 }) as u32;
            // What is new stays new to most who reacted, too: their feeds would be empty otherwise.
            if saw && (thing.ago > SEEN_AGO || dice.chance(25)) {
                self.looks.entry(by).or_default().push(Look { at: thing.spot, dwell_ms });
            }
        }
    }
}

fn things(people: &[Persona], posts: &[Post], published: &Published, shown: &Shown) -> Vec<Thing> {
    let thing = |spot, by: usize, ago, open| Thing { spot, by, ago, open: open && !people[by].private };
    let mut things = Vec::new();
    for (at, it) in posts.iter().enumerate() {
        things.push(thing(Spot::Post(at), it.by, it.ago, !it.followers_only));
    }
    for (at, it) in shown.reels.iter().enumerate() {
        things.push(thing(Spot::Reel(at), it.by, it.ago, true));
    }
    for (at, it) in shown.stories.iter().enumerate() {
        things.push(thing(Spot::Story(at), it.by, it.ago, false));
    }
    for (at, it) in published.livestreams.iter().enumerate() {
        things.push(thing(Spot::Livestream(at), it.by, it.ago, true));
    }
    for (at, it) in published.listings.iter().enumerate() {
        things.push(thing(Spot::Listing(at), it.by, it.ago, true));
    }
    things
}

fn reaction(dice: &mut Dice) -> Reaction {
    match dice.below(100) {
        0..50 => Reaction::Like,
        50..74 => Reaction::Love,
        74..88 => Reaction::Laugh,
        88..96 => Reaction::Wow,
        96..99 => Reaction::Sad,
        _ => Reaction::Angry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Community;

    #[test]
    fn much_is_done_and_nobody_notices_themselves() {
        let plan = Community::plan(1, 30);
        let engaged = &plan.engaged;
        assert!(engaged.done.is_sorted_by_key(|done| std::cmp::Reverse(done.ago)));
        let by_deed = |wanted: fn(&Deed) -> bool| engaged.done.iter().filter(|done| wanted(&done.deed)).count();
        assert!(by_deed(|deed| matches!(deed, Deed::React(_))) > 200);
        assert!(by_deed(|deed| matches!(deed, Deed::Save)) > 20);
        assert!(by_deed(|deed| matches!(deed, Deed::Share(_))) > 10);
        for done in &engaged.done {
            let author = match done.with {
                Spot::Post(at) => plan.posts[at].by,
                Spot::Reel(at) => plan.shown.reels[at].by,
                Spot::Story(at) => plan.shown.stories[at].by,
                Spot::Livestream(at) => plan.published.livestreams[at].by,
                Spot::Listing(at) => plan.published.listings[at].by,
            };
            assert_ne!(done.by, author);
        }
    }
}
