//! Who lives in the demo, whom they follow, where they talk, what they publish.

use std::collections::BTreeSet;
use std::time::Duration;

use uuid::Uuid;

use super::dice::Dice;
use super::engaged::Engaged;
use super::published::Published;
use super::shown::Shown;
use super::words::{BIOS, CHANNELS, DAYS, EMOJI, FIRST, GROUPS, LAST, PLACES, POSTS, TALKS};

/// How far back the demo begins.
pub(super) const PAST: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// Parts of the plan, each with dice of its own.
const PEOPLE: u64 = 1;
const FOLLOWS: u64 = 2;
const ROOMS: u64 = 3;
const POSTED: u64 = 4;
const PUBLISHED: u64 = 5;
const SHOWN: u64 = 6;
const ENGAGED: u64 = 7;

/// The plan. People are named by their place in `people`.
#[derive(Debug, PartialEq)]
pub struct Community {
    pub people: Vec<Persona>,
    /// Who follows whom.
    pub follows: BTreeSet<(usize, usize)>,
    pub rooms: Vec<Room>,
    pub posts: Vec<Post>,
    pub published: Published,
    pub shown: Shown,
    pub engaged: Engaged,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Persona {
    pub handle: String,
    pub name: String,
    pub bio: &'static str,
    pub private: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Room {
    pub kind: Kind,
    pub lines: Vec<Line>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    Direct(usize, usize),
    Group {
        name: String,
        owner: usize,
        members: Vec<usize>,
    },
    /// Everybody may read it, only its owner writes.
    Channel {
        name: &'static str,
        owner: usize,
    },
}

#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// What the sender's device would have called it.
    pub client_id: Uuid,
    pub by: usize,
    pub text: String,
    /// An earlier line of the same room.
    pub reply_to: Option<usize>,
    pub reactions: Vec<(usize, &'static str)>,
    /// Before the present.
    pub ago: Duration,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Post {
    pub by: usize,
    pub text: String,
    pub followers_only: bool,
    pub ago: Duration,
}

impl Community {
    pub fn plan(seed: u64, count: usize) -> Self {
        let people = people(seed, count);
        let follows = follows(&mut Dice::new(seed, FOLLOWS), count);
        let rooms = rooms(&mut Dice::new(seed, ROOMS), count, &follows);
        let posts = posts(&mut Dice::new(seed, POSTED), &people);
        let published = Published::plan(&mut Dice::new(seed, PUBLISHED), &people, &posts);
        let shown = Shown::plan(&mut Dice::new(seed, SHOWN), &people, &posts);
        let engaged = Engaged::plan(&mut Dice::new(seed, ENGAGED), &people, &follows, &posts, (&published, &shown));
        Self { people, follows, rooms, posts, published, shown, engaged }
    }
}

/// The first people of a small community are the first people of a large one.
fn people(seed: u64, count: usize) -> Vec<Persona> {
    let mut dice = Dice::new(seed, PEOPLE);
    let mut taken = BTreeSet::new();
    let mut people = Vec::with_capacity(count);
    while people.len() < count {
        let (first, last) = (FIRST[dice.below(FIRST.len())], LAST[dice.below(LAST.len())]);
        let plain = format!("{first}_{last}").to_lowercase();
        let mut handle = plain.clone();
        let mut twin = 2;
        while !taken.insert(handle.clone()) {
            handle = format!("{plain}{twin}");
            twin += 1;
        }
        let (bio, private) = (BIOS[dice.below(BIOS.len())], dice.chance(12));
        people.push(Persona { handle, name: format!("{first} {last}"), bio, private });
    }
    people
}

fn follows(dice: &mut Dice, count: usize) -> BTreeSet<(usize, usize)> {
    let mut follows = BTreeSet::new();
    for person in 0..count {
        for _ in 0..dice.between(4, 14) {
            let other = dice.popular(count);
            if other != person {
                follows.insert((person, other));
                // Among friends, it is mutual.
                if dice.chance(40) {
                    follows.insert((other, person));
                }
            }
        }
    }
    follows
}

fn rooms(dice: &mut Dice, count: usize, follows: &BTreeSet<(usize, usize)>) -> Vec<Room> {
    let mutual: Vec<(usize, usize)> =
        follows.iter().filter(|(a, b)| a < b && follows.contains(&(*b, *a))).copied().collect();
    let mut rooms = Vec::new();
    for pair in mutual {
        if dice.chance(50) {
            let talks = dice.between(1, 3);
            rooms.push(Room { kind: Kind::Direct(pair.0, pair.1), lines: talk(dice, &[pair.0, pair.1], talks) });
        }
    }
    for place in 0..(count / 5).max(1) {
        let mut members: Vec<usize> = (0..count).collect();
        dice.shuffle(&mut members);
        members.truncate(dice.between(3, 9).min(count));
        // Past the end of the list, groups are numbered.
        let name = match place / GROUPS.len() {
            0 => GROUPS[place].to_owned(),
            again => format!("{} {}", GROUPS[place % GROUPS.len()], again + 1),
        };
        let talks = dice.between(3, 8);
        let lines = talk(dice, &members, talks);
        let owner = members.swap_remove(0);
        rooms.push(Room { kind: Kind::Group { name, owner, members }, lines });
    }
    for name in CHANNELS {
        let owner = dice.popular(count);
        let mut lines = Vec::new();
        for text in POSTS.iter().filter(|text| text.contains("{day}")) {
            lines.push((owner, fill_in(dice, text), None));
        }
        dice.shuffle(&mut lines);
        rooms.push(Room { kind: Kind::Channel { name, owner }, lines: spread(dice, lines, &[]) });
    }
    rooms
}

/// A few conversations between `people`, one after the other.
fn talk(dice: &mut Dice, people: &[usize], talks: usize) -> Vec<Line> {
    let mut said = Vec::new();
    let mut order: Vec<usize> = (0..TALKS.len()).collect();
    dice.shuffle(&mut order);
    for talk in order.into_iter().take(talks) {
        let first = dice.below(people.len());
        for (turn, text) in TALKS[talk].iter().enumerate() {
            let by = people[(first + turn) % people.len()];
            let reply_to = (turn > 0 && dice.chance(15)).then(|| said.len() - 1);
            said.push((by, fill_in(dice, text), reply_to));
        }
    }
    spread(dice, said, people)
}

/// Gives lines their moments, from the beginning of the demo until just now, and reactions from `readers`.
fn spread(dice: &mut Dice, said: Vec<(usize, String, Option<usize>)>, readers: &[usize]) -> Vec<Line> {
    let mut moments: Vec<u64> = said.iter().map(|_| dice.next() % PAST.as_secs()).collect();
    moments.sort_unstable_by(|a, b| b.cmp(a));
    let lines = said.into_iter().zip(moments);
    lines
        .map(|((by, text, reply_to), seconds)| {
            let reactions =
                readers.iter().filter(|reader| **reader != by && dice.chance(12)).copied().collect::<Vec<_>>();
            let emoji = dice.pick(&EMOJI).unwrap_or("👍");
            Line {
                client_id: Uuid::from_u64_pair(dice.next(), dice.next()),
                by,
                text,
                reply_to,
                reactions: reactions.into_iter().map(|reader| (reader, emoji)).collect(),
                ago: Duration::from_secs(seconds),
            }
        })
        .collect()
}

fn posts(dice: &mut Dice, people: &[Persona]) -> Vec<Post> {
    let mut posts = Vec::new();
    for by in 0..people.len() {
        let mut order: Vec<usize> = (0..POSTS.len()).collect();
        dice.shuffle(&mut order);
        for choice in order.into_iter().take(dice.between(1, 6)) {
            let mut text = fill_in(dice, POSTS[choice]);
            if dice.chance(20) {
                let friend = &people[dice.popular(people.len())];
                text = format!("{text} With @{}.", friend.handle);
            }
            let ago = Duration::from_secs(dice.next() % PAST.as_secs());
            posts.push(Post { by, text, followers_only: dice.chance(15), ago });
        }
    }
    posts.sort_by_key(|post| std::cmp::Reverse(post.ago));
    posts
}

fn fill_in(dice: &mut Dice, text: &str) -> String {
    let place = dice.pick(&PLACES).unwrap_or("the lake");
    let day = dice.pick(&DAYS).unwrap_or("Sunday");
    text.replace("{place}", place).replace("{day}", day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_community_and_another_seed_another() {
        assert_eq!(Community::plan(1, 30), Community::plan(1, 30));
        assert_ne!(Community::plan(1, 30), Community::plan(2, 30));
    }

    #[test]
    fn a_larger_community_begins_with_the_people_of_a_smaller_one() {
        let (small, large) = (Community::plan(7, 10), Community::plan(7, 1_000));
        assert_eq!(small.people[..], large.people[..10]);
        let handles: BTreeSet<_> = large.people.iter().map(|person| &person.handle).collect();
        assert_eq!(handles.len(), 1_000, "nobody shares a handle");
    }

    /// `console/app/demo.json`: whom the page offers to come in as.
    #[derive(serde::Deserialize)]
    struct Demo {
        password: String,
        people: Vec<Offered>,
    }

    #[derive(serde::Deserialize)]
    struct Offered {
        handle: String,
        name: String,
    }

    #[test]
    fn the_page_offers_people_of_the_demo_with_their_password() {
        let demo: Demo = serde_json::from_str(include_str!("../../../console/app/demo.json")).unwrap();
        let args = <crate::cli::SeedArgs as clap::Args>::augment_args(clap::Command::new("seed"));
        let matches = args.get_matches_from(["seed"]);
        let given: crate::cli::SeedArgs = clap::FromArgMatches::from_arg_matches(&matches).unwrap();
        let plan = Community::plan(given.seed, given.people as usize);
        assert_eq!(demo.password, crate::seed::PASSWORD);
        for Offered { handle, name } in demo.people {
            assert!(plan.people.iter().any(|it| it.handle == handle && it.name == name && !it.private), "{handle}");
        }
    }

    #[test]
    fn even_two_people_make_a_community() {
        let plan = Community::plan(3, 2);
        assert!(!plan.rooms.is_empty() && !plan.posts.is_empty());
        for room in &plan.rooms {
            assert!(room.lines.is_sorted_by_key(|line| std::cmp::Reverse(line.ago)), "in order");
            assert!(room.lines.iter().enumerate().all(|(at, line)| line.reply_to.is_none_or(|to| to < at)));
        }
    }
}
