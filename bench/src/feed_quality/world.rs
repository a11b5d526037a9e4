//! A generated community whose wishes are known: who follows whom, what is posted, and what each item is truly worth to each.
//!
//! The parameters are those that are published of real communities (followers by a power law, posts and followings
//! log-normal, a tenth writing four fifths, likes on 1.5 % of views); the rest is assumption.

use kernel::{ContentId, ContentKind, Timestamp, UserId};
use rank::{Action, Dice, features::tag_key};

pub const TOPICS: usize = 16;
const LANGUAGES: u64 = 3;
const DAY_MS: i64 = 86_400_000;
const EPOCH_MS: i64 = 1_800_000_000_000;
/// Followings that one person has at most.
const FOLLOWINGS_MAX: usize = 400;
/// The share of followings within one's own community.
const INSIDE: f32 = 0.7;
/// How many of one hundred who are followed follow back.
const RECIPROCITY: f32 = 0.25;

pub type Taste = [f32; TOPICS];

pub struct Person {
    pub id: UserId,
    taste: Taste,
    community: usize,
    language: u64,
    /// Posts and feed opens a day.
    pub posts: f32,
    pub opens: f32,
    /// How much more or less of each kind.
    kinds: [f32; 4],
    pub follows: Vec<usize>,
    pub followers: usize,
    seed: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    Public,
    Followers,
    OnlyMe,
}

pub struct Item {
    pub id: ContentId,
    pub author: usize,
    pub at: Timestamp,
    pub tags: Vec<u64>,
    pub language: u64,
    pub audience: Audience,
    topics: Taste,
    quality: f32,
    kind: usize,
}

pub const KINDS: [ContentKind; 4] =
    [ContentKind::Post, ContentKind::Reel, ContentKind::Listing, ContentKind::Livestream];
/// The mix without stories, which have a tray of their own.
const KIND_SHARES: [f32; 4] = [0.67, 0.25, 0.07, 0.01];

pub struct World {
    pub people: Vec<Person>,
    pub items: Vec<Item>,
    seed: u64,
}

pub fn moment(day: f32) -> Timestamp {
    Timestamp::from_millis(EPOCH_MS + (day * DAY_MS as f32) as i64)
}

impl World {
    /// `people` who post for `days`; the items in the order of their time.
    pub fn new(seed: u64, people: usize, days: usize) -> Self {
        let mut dice = Dice::new(seed);
        let mut world = Self { people: Vec::new(), items: Vec::new(), seed };
        for n in 0..people {
            world.people.push(person(n, &mut dice));
        }
        world.follow(&mut dice);
        world.post(days, &mut dice);
        world
    }

    fn follow(&mut self, dice: &mut Dice) {
        let people = self.people.len();
        // Followed in proportion to a Pareto-distributed fame (exponent 2.276 of the density).
        let fame: Vec<f32> = (0..people).map(|_| (1.0 - dice.share()).powf(-1.0 / 1.276)).collect();
        let sum = |members: &[usize]| {
            let mut sum = 0.0;
            members
                .iter()
                .map(|n| {
                    sum += fame[*n];
                    sum
                })
                .collect::<Vec<f32>>()
        };
        let everybody: Vec<usize> = (0..people).collect();
        let of = |community: usize| -> Vec<usize> {
            everybody.iter().copied().filter(|n| self.people[*n].community == community).collect()
        };
        let communities: Vec<(Vec<usize>, Vec<f32>)> = (0..TOPICS)
            .map(|community| {
                let members = of(community);
                let sums = sum(&members);
                (members, sums)
            })
            .collect();
        let all = sum(&everybody);
        let mut follows: Vec<std::collections::BTreeSet<usize>> = vec![Default::default(); people];
        for n in 0..people {
            let wanted = ((60.0_f32.ln() + 1.2 * dice.normal()).exp() as usize).clamp(3, FOLLOWINGS_MAX);
            for _ in 0..wanted {
                let (members, sums) = &communities[self.people[n].community];
                let inside = dice.share() < INSIDE;
                let (members, sums) = if inside { (members, sums) } else { (&everybody, &all) };
                let at = dice.share() * sums.last().copied().unwrap_or(0.0);
                let other = members[sums.partition_point(|sum| *sum < at).min(members.len() - 1)];
                if other != n {
                    follows[n].insert(other);
                    if dice.share() < RECIPROCITY && follows[other].len() < FOLLOWINGS_MAX {
                        follows[other].insert(n);
                    }
                }
            }
        }
        for (n, follows) in follows.into_iter().enumerate() {
            for other in &follows {
                self.people[*other].followers += 1;
            }
            self.people[n].follows = follows.into_iter().collect();
        }
        for person in &mut self.people {
            // The famous write more.
            person.posts *= (1.0 + person.followers as f32).powf(0.15);
        }
        let mean = self.people.iter().map(|person| person.posts).sum::<f32>() / people as f32;
        for person in &mut self.people {
            person.posts = (person.posts / mean * 0.8).min(30.0);
        }
    }

    fn post(&mut self, days: usize, dice: &mut Dice) {
        let mut made: Vec<(f32, usize)> = Vec::new();
        for (n, person) in self.people.iter().enumerate() {
            let mut at = 0.0;
            loop {
                at += -(1.0 - dice.share()).ln() / person.posts.max(1e-3);
                if at >= days as f32 {
                    break;
                }
                made.push((at, n));
            }
        }
        made.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.items = made
            .into_iter()
            .enumerate()
            .map(|(n, (at, author))| item(&self.people[author], n, author, at, dice))
            .collect();
    }

    pub fn follows(&self, viewer: usize, author: usize) -> bool {
        self.people[viewer].follows.binary_search(&author).is_ok()
    }

    /// The truth of who may read what.
    pub fn may_read(&self, viewer: usize, item: &Item) -> bool {
        match item.audience {
            Audience::Public => true,
            Audience::Followers => viewer == item.author || self.follows(viewer, item.author),
            Audience::OnlyMe => viewer == item.author,
        }
    }

    pub fn same_language(&self, viewer: usize, item: &Item) -> bool {
        self.people[viewer].language == item.language
    }

    pub fn language(&self, viewer: usize) -> u64 {
        self.people[viewer].language
    }

    /// The true probability of each action, for a viewer who looks at the item.
    pub fn truth(&self, viewer: usize, item: &Item, now: Timestamp) -> [f32; 6] {
        let person = &self.people[viewer];
        let pair = Dice::new(self.seed ^ (viewer as u64) << 32 ^ item.author as u64).normal();
        let mut liking = 2.4 * cosine(&person.taste, &item.topics) + 0.6 * item.quality + 0.5 * pair;
        liking += person.kinds[item.kind] - 0.12 * (1.0 + now.since(item.at).as_secs_f32() / 3600.0).log2();
        liking += if self.follows(viewer, item.author) { 0.5 } else { 0.0 };
        liking -= if self.same_language(viewer, item) { 0.0 } else { 1.5 };
        Action::ALL.map(|action| {
            // Some talk, some share, some save; all of them more where they like it.
            let own = 0.5 * Dice::new(person.seed ^ (action.index() as u64 + 1)).normal();
            let by = if action == Action::Hide { -0.8 } else { 1.0 };
            let prior = action.prior();
            let logit = (prior / (1.0 - prior)).ln() + own + by * (liking - 0.7);
            1.0 / (1.0 + (-logit).exp())
        })
    }

    pub fn utility(&self, viewer: usize, item: &Item, now: Timestamp) -> f32 {
        rank::values::value(item.id.kind(), &self.truth(viewer, item, now))
    }
}

fn person(n: usize, dice: &mut Dice) -> Person {
    let community = dice.below(TOPICS);
    let mut taste = [0.0; TOPICS];
    taste[community] = 1.0;
    for _ in 0..2 {
        taste[dice.below(TOPICS)] += 0.4 + 0.5 * dice.share();
    }
    // A quarter looks many times a day, a quarter every few days, the others hardly ever.
    let opens = match dice.below(4) {
        0 => 6.0,
        1 => 0.3,
        _ => 0.02,
    };
    Person {
        id: UserId::floor(Timestamp::from_millis(EPOCH_MS - DAY_MS + n as i64)),
        taste,
        community,
        language: if dice.share() < 0.7 { 0 } else { 1 + dice.roll() % (LANGUAGES - 1) },
        posts: (2.1 * dice.normal()).exp(),
        opens,
        kinds: [(); 4].map(|()| 0.5 * dice.normal()),
        follows: Vec::new(),
        followers: 0,
        seed: dice.roll(),
    }
}

fn item(author: &Person, n: usize, index: usize, day: f32, dice: &mut Dice) -> Item {
    let mut topics = [0.0; TOPICS];
    // Mostly what its author cares about.
    let mut total: f32 = author.taste.iter().sum::<f32>() * dice.share();
    let main = author
        .taste
        .iter()
        .position(|weight| {
            total -= weight;
            total <= 0.0
        })
        .unwrap_or(author.community);
    topics[if dice.share() < 0.85 { main } else { dice.below(TOPICS) }] = 1.0;
    topics[dice.below(TOPICS)] += 0.5 * dice.share();
    // A tag for most, and not always the right one.
    let mut tags = Vec::new();
    let strongest = (0..TOPICS).max_by(|a, b| topics[*a].total_cmp(&topics[*b])).unwrap_or(0);
    if dice.share() < 0.6 {
        let topic = if dice.share() < 0.85 { strongest } else { dice.below(TOPICS) };
        tags.push(tag_key(&format!("topic{topic}x{}", dice.below(4))));
    }
    let mut share = dice.share();
    let kind = KIND_SHARES
        .iter()
        .position(|part| {
            share -= part;
            share < 0.0
        })
        .unwrap_or(0);
    let at = moment(day);
    let bits = ContentId::floor(KINDS[kind], at).uuid().as_u128() | (n as u128 & 0xffff_ffff);
    Item {
        id: ContentId::from_parts(KINDS[kind], uuid::Uuid::from_u128(bits)),
        author: index,
        at,
        tags,
        language: author.language,
        audience: match dice.below(20) {
            0..=15 => Audience::Public,
            16..=18 => Audience::Followers,
            _ => Audience::OnlyMe,
        },
        topics,
        quality: dice.normal(),
        kind,
    }
}

fn cosine(a: &Taste, b: &Taste) -> f32 {
    let dot = |a: &Taste, b: &Taste| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-6)
}
