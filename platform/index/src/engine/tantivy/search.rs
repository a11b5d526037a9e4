//! One search over the live generations of its kinds.

use std::cmp::Ordering;
use std::sync::Arc;

use tantivy::schema::Value as _;
use tantivy::{DocAddress, Searcher, TantivyDocument};

use super::broken;
use super::collector::{First, Found, Start, Ties, rank_of};
use super::plan::Plan;
use super::reading::Reading;
use super::schema::Source;
use crate::document::Kind;
use crate::engine::EngineError;
use crate::highlight::{Fragment, Highlighter};
use crate::query::{Hit, Page, Query};

/// Searches one after the other, and merges: kinds are few, and each has its own statistics.
pub fn search(query: &Query, live: &[(Kind, Arc<Reading>)]) -> Result<Page, EngineError> {
    let mut found: Vec<(usize, Found)> = Vec::new();
    let searchers: Vec<Searcher> = live.iter().map(|(_, reading)| reading.searcher()).collect();
    for (nth, (kind, reading)) in live.iter().enumerate() {
        let searcher = &searchers[nth];
        let plan = Plan { fields: &reading.fields, searcher }.query(query).map_err(broken)?;
        let first = First {
            order: query.order,
            scored: query.text.is_some() || query.prefix.is_some(),
            area: query.area,
            start: start(query, *kind),
            // One more tells whether there is a next page.
            limit: query.limit + 1,
        };
        let hits = searcher.search(&*plan, &first).map_err(broken)?;
        found.extend(hits.into_iter().map(|hit| (nth, hit)));
    }
    found.sort_by(|(a_nth, a), (b_nth, b)| {
        let rank = |found: &Found| rank_of(&query.order, found.value);
        let kind = |nth: usize| live[nth].0.name();
        rank(a).total_cmp(&rank(b)).then_with(|| kind(*a_nth).cmp(kind(*b_nth))).then_with(|| a.id.cmp(&b.id))
    });
    let more = found.len() > query.limit;
    found.truncate(query.limit);

    let mut highlighter = query.highlight.then(|| Highlighter::new(query));
    let mut hits = Vec::with_capacity(found.len());
    for (nth, found) in found {
        let fragments = match &mut highlighter {
            None => Vec::new(),
            Some(highlighter) => fragments(highlighter, &live[nth].1, &searchers[nth], found.at)?,
        };
        hits.push(Hit { kind: live[nth].0, id: found.id, value: found.value, fragments });
    }
    let next = if more { hits.last().map(|hit| hit.after(&query.order)) } else { None };
    Ok(Page { hits, next })
}

/// Where this kind goes on after the query's cursor.
fn start(query: &Query, kind: Kind) -> Start {
    let Some(after) = &query.after else { return Start::First };
    let ties = match kind.name().cmp(after.kind()) {
        Ordering::Less => Ties::None,
        Ordering::Equal => Ties::AfterId(after.id().to_owned()),
        Ordering::Greater => Ties::All,
    };
    Start::After { value: after.value(), ties }
}

fn fragments(
    highlighter: &mut Highlighter,
    reading: &Reading,
    searcher: &Searcher,
    at: DocAddress,
) -> Result<Vec<Fragment>, EngineError> {
    let document: TantivyDocument = searcher.doc(at).map_err(broken)?;
    let Some(bytes) = document.get_first(reading.fields.source).and_then(|value| value.as_bytes()) else {
        return Ok(Vec::new());
    };
    let source: Source = serde_json::from_slice(bytes).map_err(EngineError::broken)?;
    Ok(highlighter.fragments(&source.names, &source.text, source.language))
}
