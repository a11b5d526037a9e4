//! What a timeline holds, and how two ordered sources become one.

use kernel::{ContentId, ContentKind, Timestamp, UserId};

/// One line of a timeline. Its place is its id, which begins with the moment of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    pub id: ContentId,
    pub author: UserId,
}

/// What one author publishes of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    pub author: UserId,
    pub kind: ContentKind,
}

/// A stretch of a feed, by ids: below `before`, and not below `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    pub before: Option<ContentId>,
    pub from: Option<ContentId>,
}

/// A circle on the globe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    pub radius_m: f64,
}

/// How far around a place is looked, in metres.
pub const RADIUS_M_MAX: f64 = 500_000.0;
pub const RADIUS_M_DEFAULT: f64 = 25_000.0;

impl Area {
    /// From `latitude,longitude`.
    #[must_use]
    pub fn parse(near: &str, radius_m: Option<f64>) -> Option<Self> {
        let (latitude, longitude) = near.split_once(',')?;
        let (latitude, longitude): (f64, f64) = (latitude.trim().parse().ok()?, longitude.trim().parse().ok()?);
        let radius_m = radius_m.unwrap_or(RADIUS_M_DEFAULT);
        let on_globe = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
        (on_globe && (1.0..=RADIUS_M_MAX).contains(&radius_m)).then_some(Self { latitude, longitude, radius_m })
    }
}

/// What a source gave: entries, newest first, and whether there are none beyond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub entries: Vec<Entry>,
    pub ended: bool,
}

impl Part {
    /// Of a source that was asked for `limit` entries and gives fewer only at its end.
    #[must_use]
    pub fn new(entries: Vec<Entry>, limit: usize) -> Self {
        let ended = entries.len() < limit;
        Self { entries, ended }
    }

    /// From when on everything is known.
    #[must_use]
    pub fn oldest(&self) -> Timestamp {
        let last = if self.ended { None } else { self.entries.last() };
        last.map_or(Timestamp::from_millis(i64::MIN), |entry| entry.id.created_at())
    }
}

/// As far down as both sources are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    pub entries: Vec<Entry>,
    /// Where to go on; `None` when there is nothing more.
    pub resume: Option<ContentId>,
}

/// Both parts in one order, each id once, `limit` at most.
///
/// Below the last entry of a part that did not end, that source is unknown: nothing from there is taken, or the next
/// page would show entries that belong above what was shown already.
#[must_use]
pub fn merge(a: &Part, b: &Part, limit: usize) -> Merged {
    let floor =
        [a, b].into_iter().filter(|part| !part.ended).filter_map(|part| part.entries.last()).map(|e| e.id).max();
    let mut entries: Vec<Entry> = a
        .entries
        .iter()
        .chain(&b.entries)
        .copied()
        .filter(|entry| floor.is_none_or(|floor| entry.id >= floor))
        .collect();
    entries.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.id));
    entries.dedup_by_key(|entry| entry.id);
    let cut = entries.len() > limit;
    entries.truncate(limit);
    let resume = if cut { entries.last().map(|entry| entry.id) } else { floor };
    Merged { entries, resume }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(ms: u16) -> Entry {
        let time = Timestamp::from_millis(i64::from(ms));
        Entry { id: ContentId::floor(ContentKind::Post, time), author: UserId::floor(time) }
    }

    /// What a source answers when asked for `limit` entries before a place.
    fn part(all: &[u16], before: Option<ContentId>, limit: usize) -> Part {
        let newest_first = all.iter().rev().map(|ms| entry(*ms));
        let entries = newest_first.filter(|e| before.is_none_or(|before| e.id < before)).take(limit).collect();
        Part::new(entries, limit)
    }

    #[test]
    fn an_area_is_on_the_globe_and_of_some_size() {
        let area = |near, radius_m| Area::parse(near, radius_m).is_some();
        assert!(area("52.5,13.4", None) && area("-90, 180", Some(1.0)) && area("0,0", Some(RADIUS_M_MAX)));
        for (near, radius_m) in [
            ("", None),
            ("52.5", None),
            ("52.5;13.4", None),
            ("90.1,0", None),
            ("0,180.1", None),
            ("NaN,0", None),
            ("1,2,3", None),
            ("0,0", Some(0.9)),
            ("0,0", Some(RADIUS_M_MAX + 1.0)),
            ("0,0", Some(f64::NAN)),
        ] {
            assert!(!area(near, radius_m), "{near} {radius_m:?}");
        }
    }

    proptest! {
        #[test]
        fn paging_through_two_sources_gives_their_union_once_and_in_order(
            a in prop::collection::btree_set(0u16..300, 0..60),
            b in prop::collection::btree_set(0u16..300, 0..60),
            limit in 1usize..20,
        ) {
            let mut wanted: Vec<Entry> = a.union(&b).map(|ms| entry(*ms)).collect();
            wanted.reverse();
            let (a, b): (Vec<u16>, Vec<u16>) = (a.into_iter().collect(), b.into_iter().collect());
            let (mut seen, mut before, mut rounds) = (Vec::new(), None, 0);
            loop {
                let merged = merge(&part(&a, before, limit), &part(&b, before, limit), limit);
                prop_assert!(merged.entries.len() <= limit);
                seen.extend(merged.entries);
                rounds += 1;
                prop_assert!(rounds <= 2 + wanted.len(), "it goes on and on");
                match merged.resume {
                    Some(id) => before = Some(id),
                    None => break,
                }
            }
            prop_assert_eq!(seen, wanted);
        }
    }
}
