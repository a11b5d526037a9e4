//! What OpenSearch answers to a search and a scan.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::client::Answer;
use crate::document::Kind;
use crate::engine::{EngineError, Held};
use crate::highlight::Highlighter;
use crate::language::Language;
use crate::query::{Hit, Page, Query};

#[derive(Deserialize)]
struct Body {
    hits: Hits,
}

#[derive(Deserialize)]
struct Hits {
    hits: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    #[serde(rename = "_id")]
    id: String,
    /// Value, kind, id. The value's text, since a JSON parser may be off by the last bit, and a cursor may not.
    sort: (Box<RawValue>, String, String),
    #[serde(rename = "_source")]
    source: Option<Source>,
}

#[derive(Deserialize)]
struct Source {
    document: Shown,
}

/// What highlights are cut from.
#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    language: Option<Language>,
}

pub(super) fn page(answer: &Answer, query: &Query) -> Result<Page, EngineError> {
    let body: Body = answer.parse()?;
    let mut found = body.hits.hits;
    let more = found.len() > query.limit;
    found.truncate(query.limit);
    let mut highlighter = query.highlight.then(|| Highlighter::new(query));
    let mut hits = Vec::with_capacity(found.len());
    for found in found {
        hits.push(hit(found, query, highlighter.as_mut())?);
    }
    let next = hits.last().filter(|_| more).map(|hit| hit.after(&query.order));
    Ok(Page { hits, next })
}

fn hit(found: Found, query: &Query, highlighter: Option<&mut Highlighter>) -> Result<Hit, EngineError> {
    let (value, kind, id) = found.sort;
    let value = value.get().parse().map_err(EngineError::broken)?;
    let kind = query.kinds.iter().copied().find(|asked: &Kind| asked.name() == kind);
    let kind = kind.ok_or_else(|| EngineError::broken("a hit of a kind that was not asked for"))?;
    let fragments = match (highlighter, found.source) {
        (Some(highlighter), Some(Source { document })) => {
            highlighter.fragments(&document.names, &document.text, document.language)
        }
        _ => Vec::new(),
    };
    debug_assert_eq!(id, found.id, "a document is kept by its id");
    Ok(Hit { kind, id, value, fragments })
}

#[derive(Deserialize)]
struct ScanBody {
    hits: ScanHits,
}

#[derive(Deserialize)]
struct ScanHits {
    hits: Vec<Kept>,
}

#[derive(Deserialize)]
struct Kept {
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_version")]
    version: i64,
    fields: Fields,
}

#[derive(Deserialize)]
struct Fields {
    fingerprint: [i64; 1],
}

pub(super) fn held(answer: &Answer) -> Result<Vec<Held>, EngineError> {
    let body: ScanBody = answer.parse()?;
    let held = body.hits.hits.into_iter().map(|kept| {
        let version = u64::try_from(kept.version).map_err(EngineError::broken)?;
        Ok(Held { id: kept.id, version, fingerprint: kept.fields.fingerprint[0].cast_unsigned() })
    });
    held.collect()
}
