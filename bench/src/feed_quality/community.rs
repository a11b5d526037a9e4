//! Days in the life of the generated community: people open the feed, see a page, act; the ranker learns from the log.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use kernel::Timestamp;
use rank::mix::{Rules, Slot};
use rank::{Action, Actions, Candidate, Dice, Example, Model, Profile, Scorer, Source, Tally, Viewer, filter};

use super::world::{World, moment};

/// Items of a page.
pub const PAGE: usize = 20;
/// What each source proposes at most.
const FOLLOWED_MAX: usize = 150;
const LIKED_MAX: usize = 60;
const TRENDING_MAX: usize = 60;
const TOPIC_MAX: usize = 60;
const NEW_MAX: usize = 30;
/// How long authors' tallies count in full.
const AUTHOR_HALF_LIFE: Duration = Duration::from_secs(7 * 86_400);

/// A page that was shown in the days that are judged, for calibration and leaks.
pub struct Shown {
    pub predicted: [f32; 6],
    pub actions: Actions,
}

pub struct Community<'a> {
    pub world: &'a World,
    pub model: Model,
    pub shown: Vec<Shown>,
    /// Items on pages that their viewer may not read. There must be none.
    pub leaks: usize,
    pub random_slots: usize,
    pub slots: usize,
    profiles: Vec<Profile>,
    items: Vec<Tally>,
    authors: Vec<(Tally, Timestamp)>,
    /// Items per author, hashtag and person who reacted: the newest last.
    by_author: Vec<VecDeque<usize>>,
    by_tag: HashMap<u64, VecDeque<usize>>,
    liked: Vec<VecDeque<usize>>,
    seen: Vec<HashSet<usize>>,
    trending: (i64, Vec<Vec<usize>>),
    published: usize,
    dice: Dice,
}

impl<'a> Community<'a> {
    pub fn new(world: &'a World, seed: u64) -> Self {
        let people = world.people.len();
        Self {
            world,
            model: Model::default(),
            shown: Vec::new(),
            leaks: 0,
            random_slots: 0,
            slots: 0,
            profiles: vec![Profile::default(); people],
            items: vec![Tally::default(); world.items.len()],
            authors: vec![(Tally::default(), moment(0.0)); people],
            by_author: vec![VecDeque::new(); people],
            by_tag: HashMap::new(),
            liked: vec![VecDeque::new(); people],
            seen: vec![HashSet::new(); people],
            trending: (i64::MIN, Vec::new()),
            published: 0,
            dice: Dice::new(seed ^ 0xfeed),
        }
    }

    /// When people open the feed on `day`, in order.
    pub fn opens(&mut self, day: usize) -> Vec<(f32, usize)> {
        let mut opens = Vec::new();
        for (n, person) in self.world.people.iter().enumerate() {
            let mut at = 0.0;
            loop {
                at += -(1.0 - self.dice.share()).ln() / person.opens;
                if at >= 1.0 {
                    break;
                }
                opens.push((day as f32 + at, n));
            }
        }
        opens.sort_by(|a, b| a.0.total_cmp(&b.0));
        opens
    }

    /// Lets everything be posted that belongs before `now`.
    pub fn publish(&mut self, now: Timestamp) {
        while let Some(item) = self.world.items.get(self.published).filter(|item| item.at <= now) {
            self.by_author[item.author].push_back(self.published);
            for tag in &item.tags {
                let tagged = self.by_tag.entry(*tag).or_default();
                tagged.push_back(self.published);
                if tagged.len() > 4 * TOPIC_MAX {
                    tagged.pop_front();
                }
            }
            self.published += 1;
        }
    }

    pub fn viewer(&self, person: usize, now: Timestamp) -> Viewer<'_> {
        Viewer { id: self.world.people[person].id, now, profile: &self.profiles[person] }
    }

    /// What the sources propose, by the items' numbers. The first source that proposes an item is its reason.
    pub fn candidates(&mut self, person: usize, now: Timestamp) -> Vec<(usize, Candidate)> {
        self.count_trends(now);
        let mut found: BTreeMap<usize, (Source, u16)> = BTreeMap::new();
        let follows = &self.world.people[person].follows;
        let mut followed: Vec<usize> = Vec::new();
        let mut proofs: HashMap<usize, u16> = HashMap::new();
        for author in follows {
            followed.extend(self.by_author[*author].iter().rev().take_while(|item| self.is_young(**item, now, 2)));
            for item in &self.liked[*author] {
                *proofs.entry(*item).or_default() += 1;
            }
        }
        followed.sort_unstable_by(|a, b| b.cmp(a));
        let mut liked: Vec<(usize, u16)> = proofs.iter().map(|(item, proof)| (*item, *proof)).collect();
        liked.sort_unstable_by_key(|(item, proof)| (std::cmp::Reverse(*proof), std::cmp::Reverse(*item)));
        let topics: Vec<usize> = {
            let tags = self.profiles[person].favourite_tags(12);
            let tagged =
                tags.iter().filter_map(|tag| self.by_tag.get(tag)).flat_map(|items| items.iter().rev().take(12));
            tagged.copied().collect()
        };
        let language = self.world.language(person) as usize;
        let latest = (0..self.published).rev().take_while(|item| self.is_young(*item, now, 1));
        let fresh =
            latest.filter(|item| self.authors[self.world.items[*item].author].0.shown < rank::slate::COLD_SHOWN_MAX);
        let sources: [(Source, Vec<usize>, usize); 5] = [
            (Source::Followed, followed, FOLLOWED_MAX),
            (Source::LikedByFollowed, liked.into_iter().map(|(item, _)| item).collect(), LIKED_MAX),
            (Source::Topic, topics, TOPIC_MAX),
            (Source::Trending, self.trending.1[language].clone(), TRENDING_MAX),
            (Source::NewAuthor, fresh.take(2 * NEW_MAX).collect(), NEW_MAX),
        ];
        for (source, items, limit) in sources {
            for item in items.into_iter().filter(|item| !self.seen[person].contains(item)).take(limit) {
                found.entry(item).or_insert((source, proofs.get(&item).copied().unwrap_or(0)));
            }
        }
        found.into_iter().map(|(n, (source, proof))| (n, self.candidate(person, n, source, proof, now))).collect()
    }

    fn candidate(&self, person: usize, n: usize, source: Source, proof: u16, now: Timestamp) -> Candidate {
        let item = &self.world.items[n];
        let (tally, at) = self.authors[item.author];
        Candidate {
            followed: self.world.follows(person, item.author),
            // What the gate of the content's owner says.
            readable: Some(self.world.may_read(person, item)),
            seen: self.seen[person].contains(&n),
            tags: item.tags.clone(),
            language: Some(self.world.same_language(person, item)),
            proof,
            item: self.items[n],
            author_tally: tally.faded(now.since(at), AUTHOR_HALF_LIFE),
            ..Candidate::new(item.id, self.world.people[item.author].id, source)
        }
    }

    fn is_young(&self, item: usize, now: Timestamp, times: u32) -> bool {
        now.since(self.world.items[item].at) <= filter::AGE_MAX * times
    }

    /// Once an hour: what is reacted to most, per language, by Hacker News's formula.
    fn count_trends(&mut self, now: Timestamp) {
        let hour = now.as_millis() / 3_600_000;
        if self.trending.0 == hour {
            return;
        }
        let young = (0..self.published).rev().take_while(|item| self.is_young(*item, now, 1));
        let mut by_language: Vec<Vec<(f32, usize)>> = vec![Vec::new(); 3];
        for item in young {
            let points: f32 = self.items[item].acted[1..5].iter().sum();
            let hours = now.since(self.world.items[item].at).as_secs_f32() / 3600.0;
            by_language[self.world.items[item].language as usize].push((points / (hours + 2.0).powf(1.8), item));
        }
        let best = by_language.into_iter().map(|mut items| {
            items.sort_by(|a, b| b.0.total_cmp(&a.0));
            items.into_iter().take(4 * TRENDING_MAX).map(|(_, item)| item).collect()
        });
        self.trending = (hour, best.collect());
    }

    /// The page as it is served: what `person` sees at `now`, in order.
    pub fn page(
        &mut self,
        person: usize,
        now: Timestamp,
        candidates: &[(usize, Candidate)],
    ) -> Vec<(usize, rank::Ranked)> {
        let only: Vec<Candidate> = candidates.iter().map(|(_, candidate)| candidate.clone()).collect();
        let viewer = Viewer { id: self.world.people[person].id, now, profile: &self.profiles[person] };
        let rules = Rules { length: PAGE, ..Rules::default() };
        let (ranked, _) = rank::slate(&viewer, &only, Scorer::Learned(&self.model), &rules, &mut self.dice);
        ranked.into_iter().map(|ranked| (candidates[ranked.index].0, ranked)).collect()
    }

    /// Lets `person` look at a page, from the top, the less likely the lower, and act; counts and learns.
    pub fn look(&mut self, person: usize, now: Timestamp, page: Vec<(usize, rank::Ranked)>, judged: bool) {
        for (place, (n, ranked)) in page.into_iter().enumerate() {
            let item = &self.world.items[n];
            self.leaks += usize::from(!self.world.may_read(person, item));
            self.random_slots += usize::from(ranked.placed.slot == Slot::Random);
            self.slots += 1;
            let looks = self.dice.share() < 1.0 / (place as f32 + 2.0).log2();
            let truth = self.world.truth(person, item, now);
            let mut actions = Actions::default();
            for action in Action::ALL {
                if looks && self.dice.share() < truth[action.index()] {
                    actions = actions.with(action);
                }
            }
            if judged {
                let predicted = self.model.predict_at(&ranked.features, place);
                self.shown.push(Shown { predicted, actions });
            }
            self.count(person, n, actions, now);
            self.model.learn(&Example { features: ranked.features, place, actions });
        }
    }

    fn count(&mut self, person: usize, n: usize, actions: Actions, now: Timestamp) {
        let item = &self.world.items[n];
        self.items[n].add(actions, 1.0);
        let (tally, at) = &mut self.authors[item.author];
        *tally = tally.faded(now.since(*at), AUTHOR_HALF_LIFE);
        *at = now;
        tally.add(actions, 1.0);
        self.profiles[person].observe(self.world.people[item.author].id, &item.tags, item.id.kind(), actions, now);
        self.seen[person].insert(n);
        if actions.has(Action::React) {
            self.liked[person].push_back(n);
            if self.liked[person].len() > LIKED_MAX {
                self.liked[person].pop_front();
            }
        }
    }

    /// Everything that `person` may read and has not seen, of the age that is recommended.
    pub fn readable(&self, person: usize, now: Timestamp) -> Vec<usize> {
        let young = (0..self.published).rev().take_while(|item| self.is_young(*item, now, 1));
        let may = |item: &usize| {
            let it = &self.world.items[*item];
            it.author != person && self.world.may_read(person, it) && !self.seen[person].contains(item)
        };
        young.filter(may).collect()
    }
}
