//! The first documents of an order after a cursor: exact positions, sort values, ties by id.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::Bound;

use kernel::Timestamp;
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column, StrColumn};
use tantivy::{DocAddress, DocId, Score, SegmentOrdinal, SegmentReader, TantivyError};

use super::reading;
use super::schema::column;
use crate::document::Place;
use crate::geo;
use crate::query::{Area, Order};
use crate::rank;

/// A document on its way to be a hit.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub value: f64,
    pub id: String,
    pub at: DocAddress,
}

/// Where an order begins in one kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    First,
    /// What sorts after `value`; of those with the very same, all, none, or those with a greater id.
    After {
        value: f64,
        ties: Ties,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Ties {
    All,
    None,
    AfterId(String),
}

pub struct First {
    pub order: Order,
    /// Whether the query scores at all; without text and prefix everything matches equally well.
    pub scored: bool,
    pub area: Option<Area>,
    pub start: Start,
    pub limit: usize,
}

/// Smaller sorts first.
pub fn rank_of(order: &Order, value: f64) -> f64 {
    match order {
        Order::Nearest { .. } => value,
        Order::Relevance { .. } | Order::Newest => -value,
    }
}

impl Collector for First {
    type Fruit = Vec<Found>;
    type Child = SegmentFirst;

    fn for_segment(&self, segment: SegmentOrdinal, reader: &SegmentReader) -> tantivy::Result<SegmentFirst> {
        let fast = reader.fast_fields();
        let ids = reading::ids(reader)?;
        let start = match &self.start {
            Start::First => None,
            Start::After { value, ties } => {
                let from = match (ties, &ids) {
                    (Ties::All, _) => 0,
                    (Ties::None, _) | (_, None) => u64::MAX,
                    (Ties::AfterId(id), Some(ids)) => {
                        let (from, _) =
                            ids.dictionary().term_bounds_to_ord(Bound::Excluded(id.as_bytes()), Bound::Unbounded)?;
                        match from {
                            Bound::Included(from) => from,
                            Bound::Excluded(same) => same + 1,
                            Bound::Unbounded => 0,
                        }
                    }
                };
                Some((rank_of(&self.order, *value), from))
            }
        };
        let placed = self.area.is_some() || matches!(self.order, Order::Nearest { .. });
        let places = placed.then(|| Ok::<_, TantivyError>((fast.f64(column::LATITUDE)?, fast.f64(column::LONGITUDE)?)));
        Ok(SegmentFirst {
            segment,
            order: self.order,
            by_score: self.requires_scoring(),
            area: self.area,
            created_at: fast.i64(column::CREATED_AT)?,
            popularity: fast.f64(column::POPULARITY)?,
            places: places.transpose()?,
            ids,
            start,
            limit: self.limit,
            heap: BinaryHeap::with_capacity(self.limit + 1),
        })
    }

    fn requires_scoring(&self) -> bool {
        self.scored && matches!(self.order, Order::Relevance { .. })
    }

    fn merge_fruits(&self, segments: Vec<tantivy::Result<Vec<Found>>>) -> tantivy::Result<Vec<Found>> {
        let mut all = Vec::new();
        for segment in segments {
            all.extend(segment?);
        }
        all.sort_unstable_by(|a, b| {
            rank_of(&self.order, a.value).total_cmp(&rank_of(&self.order, b.value)).then_with(|| a.id.cmp(&b.id))
        });
        all.truncate(self.limit);
        Ok(all)
    }
}

pub struct SegmentFirst {
    segment: SegmentOrdinal,
    order: Order,
    by_score: bool,
    area: Option<Area>,
    created_at: Column<i64>,
    popularity: Column<f64>,
    places: Option<(Column<f64>, Column<f64>)>,
    ids: Option<StrColumn>,
    /// The rank and the first id of those with the very same.
    start: Option<(f64, u64)>,
    limit: usize,
    /// The last on top.
    heap: BinaryHeap<Candidate>,
}

#[derive(Clone, Copy)]
struct Candidate {
    rank: f64,
    id: u64,
    doc: DocId,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank.total_cmp(&other.rank).then(self.id.cmp(&other.id))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

impl SegmentFirst {
    /// `None`: the document is not in this order, or not in the area.
    fn value(&self, doc: DocId, score: Score) -> Option<f64> {
        let place = match &self.places {
            None => None,
            Some((latitude, longitude)) => Some(Place::new(latitude.first(doc)?, longitude.first(doc)?).ok()?),
        };
        if let (Some(area), Some(place)) = (&self.area, place)
            && !area.contains(place)
        {
            return None;
        }
        match self.order {
            Order::Newest => Some(self.created_at.first(doc)? as f64),
            Order::Nearest { from } => Some(geo::distance_m(from, place?)),
            Order::Relevance { now } => {
                let matching = if self.by_score { f64::from(score) } else { 1.0 };
                let recency = |now: Timestamp| Some(rank::recency_ms(self.created_at.first(doc)?, now.as_millis()));
                let recency = now.map_or(Some(1.0), recency)?;
                Some(matching * recency * rank::popularity(self.popularity.first(doc)?))
            }
        }
    }

    fn id(&self, doc: DocId) -> Option<u64> {
        self.ids.as_ref()?.ords().first(doc)
    }
}

impl SegmentCollector for SegmentFirst {
    type Fruit = tantivy::Result<Vec<Found>>;

    fn collect(&mut self, doc: DocId, score: Score) {
        let last = if self.heap.len() < self.limit { None } else { self.heap.peek().copied() };
        // With the best of age and popularity it would still be too far back.
        if self.by_score && last.is_some_and(|last| -(f64::from(score) * rank::FACTORS_MAX) > last.rank) {
            return;
        }
        let Some(value) = self.value(doc, score) else { return };
        let rank = rank_of(&self.order, value);
        // Most documents end here, before their id is looked at.
        if last.is_some_and(|last| rank > last.rank) || self.start.is_some_and(|(start, _)| rank < start) {
            return;
        }
        let Some(id) = self.id(doc) else { return };
        if self.start.is_some_and(|(start, from)| rank.total_cmp(&start) == Ordering::Equal && id < from) {
            return;
        }
        let candidate = Candidate { rank, id, doc };
        if last.is_some_and(|last| candidate > last) {
            return;
        }
        self.heap.push(candidate);
        if self.heap.len() > self.limit {
            self.heap.pop();
        }
    }

    fn harvest(self) -> Self::Fruit {
        let Some(ids) = &self.ids else { return Ok(Vec::new()) };
        let mut found = Vec::with_capacity(self.heap.len());
        for Candidate { rank, id, doc } in self.heap {
            let mut text = String::new();
            ids.ord_to_str(id, &mut text)?;
            let at = DocAddress::new(self.segment, doc);
            found.push(Found { value: rank_of(&self.order, rank), id: text, at });
        }
        Ok(found)
    }
}
