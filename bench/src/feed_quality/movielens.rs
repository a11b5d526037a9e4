//! MovieLens-100k: what people watched and how they liked it, in the order of time.
//!
//! A film stands for an item and for its author, its genres for hashtags, four or five stars for a reaction. What nobody
//! rated says nothing of whether it was seen, so that with each rating goes a draw of films that were not rated, shown and
//! passed over. The first four fifths of the time are learned from; in the last, a person's films are ranked before they rate
//! on, all films that they did not rate yet among each other, and what they rate well later is what should be on top.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::str::FromStr;

use kernel::{ContentId, ContentKind, Timestamp, UserId};
use rank::features::tag_key;
use rank::{Action, Actions, Candidate, Dice, Example, Features, Model, Profile, Scorer, Source, Tally, Viewer, hand};

use super::Failure;
use super::metrics::{ByPerson, Gain, ndcg};
use crate::report::Table;

const STARS_LIKED: u8 = 4;
/// Films that were passed over, for each one that was rated.
const PASSED_OVER: usize = 4;
/// After so many further ratings, a person's films are ranked again.
const RANKED_EVERY: usize = 20;
const TRAINED_SHARE: f64 = 0.8;

struct Rating {
    person: usize,
    film: usize,
    stars: u8,
    at: Timestamp,
}

struct Films {
    genres: Vec<Vec<u64>>,
    tallies: Vec<Tally>,
    likes: Vec<u32>,
}

pub fn run(folder: &Path) -> Result<bool, Failure> {
    let ratings: Vec<Rating> = lines(&folder.join("ratings.csv"))?
        .iter()
        .map(|line| {
            let at = Timestamp::from_millis(1_000 * field::<i64>(line, 3)?);
            Ok(Rating { person: field(line, 0)?, film: field(line, 1)?, stars: field(line, 2)?, at })
        })
        .collect::<Result<_, Failure>>()?;
    let mut genres: Vec<Vec<u64>> = Vec::new();
    for line in lines(&folder.join("movies.csv"))? {
        let film: usize = field(&line, 0)?;
        genres.resize(genres.len().max(film + 1), Vec::new());
        genres[film] = line[1].split(' ').filter(|genre| !genre.is_empty()).map(tag_key).collect();
    }
    let count = ratings.iter().map(|rating| rating.film + 1).max().unwrap_or(0).max(genres.len());
    genres.resize(count, Vec::new());
    Ok(Run::new(Films { tallies: vec![Tally::default(); count], likes: vec![0; count], genres }).through(&ratings))
}

fn lines(path: &Path) -> Result<Vec<Vec<String>>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect())
}

fn field<T: FromStr<Err: std::fmt::Display>>(line: &[String], at: usize) -> Result<T, Failure> {
    let text = line.get(at).ok_or("a line is too short")?;
    text.parse().map_err(|error| format!("{text}: {error}").into())
}

struct Run {
    films: Films,
    model: Model,
    profiles: HashMap<usize, Profile>,
    rated: HashMap<usize, HashSet<usize>>,
    dice: Dice,
}

impl Run {
    fn new(films: Films) -> Self {
        let (profiles, rated) = (HashMap::new(), HashMap::new());
        Self { films, model: Model::default(), profiles, rated, dice: Dice::new(1) }
    }

    fn through(&mut self, ratings: &[Rating]) -> bool {
        let trained = (ratings.len() as f64 * TRAINED_SHARE) as usize;
        let mut later: HashMap<usize, HashSet<usize>> = HashMap::new();
        for rating in ratings[trained..].iter().filter(|rating| rating.stars >= STARS_LIKED) {
            later.entry(rating.person).or_default().insert(rating.film);
        }
        let mut turns: HashMap<usize, usize> = HashMap::new();
        let names = ["random", "popularity", "hand-weighted", "learned"];
        let mut figures: [(ByPerson, ByPerson); 4] = Default::default();
        for (number, rating) in ratings.iter().enumerate() {
            if number >= trained {
                let turn = turns.entry(rating.person).or_default();
                let wanted = later.get(&rating.person).filter(|wanted| !wanted.is_empty());
                if let Some(wanted) = wanted
                    && turn.is_multiple_of(RANKED_EVERY)
                {
                    self.rank(rating.person, rating.at, wanted, &mut figures);
                }
                *turn += 1;
            }
            self.learn(rating);
            if let Some(wanted) = later.get_mut(&rating.person).filter(|_| number >= trained) {
                wanted.remove(&rating.film);
            }
        }
        let people = turns.len();
        let title = "MovieLens-100k: the last fifth of the time, all films that a person did not rate yet";
        let mut table = Table::new(title, &["ranker", "NDCG@20", "recall@200"]);
        for (name, (ndcg, recall)) in names.iter().zip(&figures) {
            table.row([(*name).to_owned(), format!("{:.4}", ndcg.mean()), format!("{:.3}", recall.mean())]);
        }
        table.print();
        let gain = Gain::of(&figures[3].0, &figures[1].0);
        let kept = gain.by >= 0.0;
        println!(
            "  learned against popularity, {people} people: {:+.1} % NDCG@20, 95 % interval {:+.1} to {:+.1} %  ({})",
            100.0 * gain.by,
            100.0 * gain.low,
            100.0 * gain.high,
            if kept { "≥ 0: kept" } else { "≥ 0: MISSED" },
        );
        kept
    }

    fn rank(&mut self, person: usize, at: Timestamp, wanted: &HashSet<usize>, figures: &mut [(ByPerson, ByPerson); 4]) {
        let rated = self.rated.get(&person);
        let open: Vec<usize> =
            (1..self.films.genres.len()).filter(|film| rated.is_none_or(|rated| !rated.contains(film))).collect();
        let profile = self.profiles.get(&person).cloned().unwrap_or_default();
        let viewer = Viewer { id: user(person), now: at, profile: &profile };
        let react = Action::React.index();
        let mut scores: [Vec<(f32, usize)>; 4] = Default::default();
        for film in open {
            let features = Features::of(&viewer, &self.candidate(film, at));
            scores[0].push((self.dice.share(), film));
            scores[1].push((self.films.likes[film] as f32, film));
            scores[2].push((hand::probabilities(&features.hand)[react], film));
            scores[3].push((Scorer::Learned(&self.model).predict(&features)[react], film));
        }
        for ((ndcgs, recalls), mut scores) in figures.iter_mut().zip(scores) {
            scores.sort_by(|a, b| b.0.total_cmp(&a.0));
            let gains: Vec<f32> = scores.iter().map(|(_, film)| f32::from(u8::from(wanted.contains(film)))).collect();
            ndcgs.add(person, ndcg(&gains, 20));
            recalls.add(person, f64::from(gains.iter().take(200).sum::<f32>()) / wanted.len() as f64);
        }
    }

    fn learn(&mut self, rating: &Rating) {
        let mut actions = Actions::default();
        if rating.stars >= STARS_LIKED {
            actions = actions.with(Action::React).with(Action::Dwell);
            self.films.likes[rating.film] += 1;
        } else if rating.stars > 1 {
            actions = actions.with(Action::Dwell);
        }
        self.rated.entry(rating.person).or_default().insert(rating.film);
        self.show(rating.person, rating.film, rating.at, actions);
        for _ in 0..PASSED_OVER {
            let film = 1 + self.dice.below(self.films.genres.len() - 1);
            if !self.rated[&rating.person].contains(&film) {
                self.show(rating.person, film, rating.at, Actions::default());
            }
        }
    }

    fn show(&mut self, person: usize, film: usize, at: Timestamp, actions: Actions) {
        let candidate = self.candidate(film, at);
        let profile = self.profiles.entry(person).or_default();
        let features = Features::of(&Viewer { id: user(person), now: at, profile }, &candidate);
        self.model.learn(&Example { features, place: 0, actions });
        profile.observe(candidate.author, &candidate.tags, ContentKind::Post, actions, at);
        self.films.tallies[film].add(actions, 1.0);
    }

    /// Films do not age: each is as if it had just come.
    fn candidate(&self, film: usize, at: Timestamp) -> Candidate {
        let bits = ContentId::floor(ContentKind::Post, at).uuid().as_u128() | film as u128;
        let id = ContentId::from_parts(ContentKind::Post, uuid::Uuid::from_u128(bits));
        let tally = self.films.tallies[film];
        Candidate {
            readable: Some(true),
            tags: self.films.genres[film].clone(),
            item: tally,
            author_tally: tally,
            ..Candidate::new(id, user(film), Source::Trending)
        }
    }
}

fn user(n: usize) -> UserId {
    UserId::floor(Timestamp::from_millis(n as i64))
}
