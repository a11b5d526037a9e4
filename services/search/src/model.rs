//! What is asked for: parsed from a query string, strictly.

use index::{Area, Kind, Language, Place};
use kernel::{ContentKind, RoomId, Timestamp};
use serde::Serialize;

pub const PERSON: Kind = Kind::new("person");
pub const HASHTAG: Kind = Kind::new("hashtag");
pub const MESSAGE: Kind = Kind::new("message");

/// As content of a kind is called.
#[must_use]
pub const fn of_content(kind: ContentKind) -> Kind {
    Kind::new(kind.name())
}

/// Longest text that is searched for, in code points.
pub const TEXT_LENGTH_MAX: usize = 200;
/// Most words of it.
pub const WORDS_MAX: usize = index::query::WORDS_MAX;
/// Longest beginning that is completed, in code points, without its `@` or `#`.
pub const PREFIX_LENGTH_MAX: usize = 64;
/// Least and widest radius, in metres. The widest is half way around the earth.
pub const RADIUS_M_MIN: f64 = 1.0;
pub const RADIUS_M_MAX: f64 = 20_037_508.0;
/// The radius of who names none, in metres.
pub const RADIUS_M_DEFAULT: f64 = 10_000.0;

const _: () = assert!(RADIUS_M_MAX <= index::query::RADIUS_M_MAX);
const _: () = assert!(TEXT_LENGTH_MAX <= index::query::TEXT_CHARS_MAX);
const _: () = assert!(PREFIX_LENGTH_MAX <= index::query::PREFIX_CHARS_MAX);

/// Why something is no search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("nothing is asked for")]
    Empty,
    #[error("the text is empty or too long")]
    Text,
    #[error("the beginning is empty or too long")]
    Prefix,
    #[error("the kinds are not those of a search")]
    Kinds,
    #[error("the kinds are not those that are completed")]
    CompletedKinds,
    #[error("the language is not known")]
    Language,
    #[error("a time is none, or since is not before until")]
    Period,
    #[error("the area is none")]
    Area,
    #[error("the order is none, or none for this search")]
    Order,
}

/// A search as it comes: every part a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked<'a> {
    pub q: Option<&'a str>,
    pub kinds: Option<&'a str>,
    pub author: Option<&'a str>,
    /// Folded already.
    pub tag: Option<String>,
    pub room: Option<RoomId>,
    pub language: Option<&'a str>,
    pub since: Option<&'a str>,
    pub until: Option<&'a str>,
    pub near: Option<&'a str>,
    pub radius_m: Option<&'a str>,
    pub bounds: Option<&'a str>,
    pub order: Option<&'a str>,
}

/// A search. Its JSON is what cursors are bound to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Wish {
    pub text: Option<String>,
    #[serde(serialize_with = "kind_names")]
    pub kinds: Vec<Kind>,
    /// By id or handle.
    pub author: Option<String>,
    pub tag: Option<String>,
    pub room: Option<RoomId>,
    pub language: Option<Language>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub region: Option<Region>,
    pub order: Order,
}

/// Degrees and metres.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Region {
    Near { center: Place, metres: f64 },
    Box { south: f64, west: f64, north: f64, east: f64 },
}

impl Region {
    #[must_use]
    pub const fn area(self) -> Area {
        match self {
            Self::Near { center, metres } => Area::Within { center, metres },
            Self::Box { south, west, north, east } => Area::Box { south, west, north, east },
        }
    }

    /// From where distances are told.
    #[must_use]
    pub const fn center(self) -> Option<Place> {
        match self {
            Self::Near { center, .. } => Some(center),
            Self::Box { .. } => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    Relevance,
    Newest,
    Nearest,
}

fn kind_names<S: serde::Serializer>(kinds: &[Kind], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(kinds.iter().map(|kind| kind.name()))
}

impl Wish {
    pub fn parse(asked: Asked<'_>) -> Result<Self, Unfit> {
        let text = asked.q.map(text).transpose()?;
        let kinds = match (asked.kinds, asked.room) {
            (None, None) => vec![
                PERSON,
                HASHTAG,
                of_content(ContentKind::Post),
                of_content(ContentKind::Reel),
                of_content(ContentKind::Livestream),
                of_content(ContentKind::Listing),
            ],
            (None, Some(_)) => vec![MESSAGE],
            (Some(names), room) => {
                let kinds = kinds(names, &all_kinds()).ok_or(Unfit::Kinds)?;
                if room.is_some() && kinds != [MESSAGE] {
                    return Err(Unfit::Kinds);
                }
                kinds
            }
        };
        let language = asked.language.map(language).transpose()?;
        let (since, until) = period(asked.since, asked.until)?;
        let region = region(asked.near, asked.radius_m, asked.bounds)?;
        let is_near = matches!(region, Some(Region::Near { .. }));
        let order = match asked.order {
            Some("relevance") => Order::Relevance,
            Some("newest") => Order::Newest,
            Some("nearest") if is_near => Order::Nearest,
            Some(_) => return Err(Unfit::Order),
            None if text.is_some() => Order::Relevance,
            None if is_near => Order::Nearest,
            None => Order::Newest,
        };
        let author = asked.author.map(str::to_owned);
        if text.is_none() && author.is_none() && asked.tag.is_none() && asked.room.is_none() && region.is_none() {
            return Err(Unfit::Empty);
        }
        Ok(Self { text, kinds, author, tag: asked.tag, room: asked.room, language, since, until, region, order })
    }
}

/// Everything that can be searched for, in the order in which searches name it.
#[must_use]
pub fn all_kinds() -> Vec<Kind> {
    let contents = ContentKind::ALL.iter().copied().map(of_content);
    [PERSON, HASHTAG].into_iter().chain(contents).chain([MESSAGE]).collect()
}

fn text(raw: &str) -> Result<String, Unfit> {
    let text = raw.trim();
    let fits = !text.is_empty()
        && text.chars().take(TEXT_LENGTH_MAX + 1).count() <= TEXT_LENGTH_MAX
        && index::analysis::words(text).take(WORDS_MAX + 1).count() <= WORDS_MAX;
    fits.then(|| text.to_owned()).ok_or(Unfit::Text)
}

/// Different kinds out of those that there are, in the order of `of`.
fn kinds(names: &str, of: &[Kind]) -> Option<Vec<Kind>> {
    let named: Vec<&str> = names.split(',').collect();
    let kinds: Vec<Kind> = of.iter().filter(|kind| named.contains(&kind.name())).copied().collect();
    (!kinds.is_empty() && kinds.len() == named.len()).then_some(kinds)
}

pub fn language(code: &str) -> Result<Language, Unfit> {
    Language::parse(code).map_err(|_| Unfit::Language)
}

fn period(since: Option<&str>, until: Option<&str>) -> Result<(Option<Timestamp>, Option<Timestamp>), Unfit> {
    let time = |text: &str| text.parse::<Timestamp>().map_err(|_| Unfit::Period);
    let (since, until) = (since.map(time).transpose()?, until.map(time).transpose()?);
    match (since, until) {
        (Some(since), Some(until)) if since >= until => Err(Unfit::Period),
        period => Ok(period),
    }
}

fn region(near: Option<&str>, radius_m: Option<&str>, bounds: Option<&str>) -> Result<Option<Region>, Unfit> {
    match (near, radius_m, bounds) {
        (None, None, None) => Ok(None),
        (Some(near), radius_m, None) => {
            let [latitude, longitude] = numbers(near)?;
            let center = Place::new(latitude, longitude).map_err(|_| Unfit::Area)?;
            let [metres] = radius_m.map_or(Ok([RADIUS_M_DEFAULT]), numbers)?;
            // Not a number is in no range.
            let fits = (RADIUS_M_MIN..=RADIUS_M_MAX).contains(&metres);
            fits.then_some(Some(Region::Near { center, metres })).ok_or(Unfit::Area)
        }
        (None, None, Some(bounds)) => {
            let [south, west, north, east] = numbers(bounds)?;
            let corners = Place::new(south, west).is_ok() && Place::new(north, east).is_ok();
            (corners && south <= north).then_some(Some(Region::Box { south, west, north, east })).ok_or(Unfit::Area)
        }
        _ => Err(Unfit::Area),
    }
}

/// Exactly `N` numbers, separated by commas.
fn numbers<const N: usize>(text: &str) -> Result<[f64; N], Unfit> {
    let mut parts = text.split(',');
    let mut numbers = [0.0; N];
    for number in &mut numbers {
        *number = parts.next().and_then(|part| part.trim().parse().ok()).ok_or(Unfit::Area)?;
    }
    if parts.next().is_none() { Ok(numbers) } else { Err(Unfit::Area) }
}

/// The beginning of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    pub prefix: String,
    pub kinds: Vec<Kind>,
}

impl Beginning {
    /// `@` asks for people and `#` for hashtags.
    pub fn parse(q: &str, names: Option<&str>) -> Result<Self, Unfit> {
        let mut wanted = match names {
            None => vec![PERSON, HASHTAG],
            Some(names) => kinds(names, &[PERSON, HASHTAG]).ok_or(Unfit::CompletedKinds)?,
        };
        let q = q.trim();
        let prefix = if let Some(rest) = q.strip_prefix('@') {
            wanted.retain(|kind| *kind == PERSON);
            rest
        } else if let Some(rest) = q.strip_prefix(['#', '＃']) {
            wanted.retain(|kind| *kind == HASHTAG);
            rest
        } else {
            q
        };
        if wanted.is_empty() {
            return Err(Unfit::CompletedKinds);
        }
        let fits = !prefix.is_empty() && prefix.chars().take(PREFIX_LENGTH_MAX + 1).count() <= PREFIX_LENGTH_MAX;
        fits.then(|| Self { prefix: prefix.to_owned(), kinds: wanted }).ok_or(Unfit::Prefix)
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
