//! A [`Query`] in OpenSearch's words.
//!
//! Plaza has analysed everything already ([`crate::analysis`]), so that each part is a plain comparison of terms. What a
//! word, a name's prefix and the order mean is said in [`crate::query`]; here is how it is asked.

use serde_json::{Value, json};

use crate::analysis::{Stemming, Word, name_key, typos, words};
use crate::query::{Area, Filters, Order, Query, TYPOS_MAX};
use crate::rank::{RECENCY_DECAY, RECENCY_FLOOR, RECENCY_OFFSET_MS, RECENCY_SCALE_MS};

/// What a word in a name counts, where it counts 1 in the text.
const NAME_WEIGHT: f64 = 3.0;
/// What a stem counts, where the word itself counts 1.
const STEM_WEIGHT: f64 = 0.8;
/// What a word that is a typo away scores: less than nearly every right one, however short its text.
const TYPO_SCORE: f64 = 0.1;
/// What a name that is the prefix counts, where one that begins with it counts 1: more than popularity can make up for.
const WHOLE_NAME_WEIGHT: f64 = 4.0;
/// Widens a radius, in metres: OpenSearch keeps a point to about a centimetre, and what is on the edge belongs to it.
const EDGE_M: f64 = 0.05;

/// The body of a search. `None`: nothing can match.
pub(super) fn body(query: &Query) -> Option<Value> {
    let (mut wanted, mut filters) = (Vec::new(), filters(&query.filters));
    // What a hit's score is multiplied with.
    let mut factors = vec![json!({"field_value_factor": {"field": "popularity"}})];
    if let Some(text) = &query.text {
        let mut asked: Vec<Word> = words(text).collect();
        asked.sort_by(|a, b| a.lower.cmp(&b.lower));
        asked.dedup_by(|a, b| a.lower == b.lower);
        if asked.is_empty() {
            return None;
        }
        let mut stemming = Stemming::all();
        wanted.extend(asked.iter().map(|word| found(word, &mut stemming)));
    }
    if let Some(prefix) = &query.prefix {
        let prefix = name_key(prefix);
        if prefix.is_empty() {
            return None;
        }
        factors.push(json!({"filter": {"term": {"whole_names": prefix}}, "weight": WHOLE_NAME_WEIGHT}));
        filters.push(json!({"prefix": {"names": prefix}}));
    }
    if let Some(area) = &query.area {
        filters.push(within(area));
    }
    let (matching, sort) = match query.order {
        Order::Relevance { now } => {
            let scored = scored(wanted, filters, factors);
            let matching = match now {
                Some(now) => aged(scored, now.as_millis()),
                None => scored,
            };
            (matching, json!({"_score": "desc"}))
        }
        Order::Nearest { from } => {
            filters.push(json!({"exists": {"field": "point"}}));
            let from = json!({"lat": from.latitude(), "lon": from.longitude()});
            let sort = json!({"_geo_distance": {"point": from, "order": "asc", "unit": "m", "distance_type": "arc"}});
            (unscored(wanted, filters), sort)
        }
        Order::Newest => (unscored(wanted, filters), json!({"created_at": "desc"})),
    };
    let mut body = json!({
        "query": matching,
        "sort": [sort, {"kind": "asc"}, {"id": "asc"}],
        // One more says whether there is a next page.
        "size": query.limit + 1,
        "track_total_hits": false,
        "_source": if query.highlight { json!(["document"]) } else { json!(false) },
    });
    if let Some(after) = &query.after {
        let value = match query.order {
            Order::Newest => json!(after.value() as i64),
            Order::Relevance { .. } | Order::Nearest { .. } => json!(after.value()),
        };
        body["search_after"] = json!([value, after.kind(), after.id()]);
    }
    Some(body)
}

/// How well all of `wanted` match, times the factors.
fn scored(wanted: Vec<Value>, filters: Vec<Value>, factors: Vec<Value>) -> Value {
    let matching = if wanted.is_empty() {
        json!({"constant_score": {"filter": {"bool": {"filter": filters}}}})
    } else {
        json!({"bool": {"must": wanted, "filter": filters}})
    };
    json!({"function_score": {
        "query": matching,
        "functions": factors,
        "score_mode": "multiply",
        "boost_mode": "multiply",
    }})
}

/// Times what [`crate::rank::recency`] says: its floor, and the bell above it. What is of the future is new.
fn aged(matching: Value, now: i64) -> Value {
    let above = 1.0 - RECENCY_FLOOR;
    json!({"function_score": {
        "query": matching,
        "functions": [
            {"weight": RECENCY_FLOOR},
            {"weight": above, "filter": {"range": {"created_at": {"gt": now}}}},
            {
                "weight": above,
                "filter": {"range": {"created_at": {"lte": now}}},
                "gauss": {"created_at": {
                    "origin": now,
                    "offset": RECENCY_OFFSET_MS as i64,
                    "scale": RECENCY_SCALE_MS as i64,
                    "decay": RECENCY_DECAY,
                }},
            },
        ],
        "score_mode": "sum",
        "boost_mode": "multiply",
    }})
}

fn unscored(wanted: Vec<Value>, mut filters: Vec<Value>) -> Value {
    filters.extend(wanted);
    json!({"bool": {"filter": filters}})
}

/// Where a word is found: itself or a typo away in names and text, by its stem in the text. More, where it is in a name.
fn found(word: &Word, stemming: &mut [Stemming]) -> Value {
    let mut stems: Vec<String> = stemming.iter_mut().map(|language| language.stem(word)).collect();
    stems.sort_unstable();
    stems.dedup();
    let mut ways = vec![
        json!({"term": {"words": word.folded}}),
        json!({"match": {"stems": {"query": stems.join(" "), "boost": STEM_WEIGHT}}}),
    ];
    if typos(&word.folded) > 0 {
        ways.push(json!({"constant_score": {"filter": like("words", &word.folded), "boost": TYPO_SCORE}}));
    }
    json!({"function_score": {
        "query": {"dis_max": {"queries": ways}},
        "functions": [{"filter": like("name_words", &word.folded), "weight": NAME_WEIGHT}],
        "boost_mode": "multiply",
    }})
}

/// Itself or a typo away.
fn like(field: &str, word: &str) -> Value {
    match typos(word) {
        0 => json!({"term": {field: word}}),
        edits => json!({"fuzzy": {field: {
            "value": word,
            "fuzziness": edits,
            "prefix_length": 1,
            "max_expansions": TYPOS_MAX,
            "transpositions": true,
        }}}),
    }
}

fn filters(filters: &Filters) -> Vec<Value> {
    let mut all = Vec::new();
    if let Some(authors) = &filters.authors {
        all.push(json!({"terms": {"author": authors}}));
    }
    if let Some(tags) = &filters.tags {
        all.push(json!({"terms": {"tags": tags}}));
    }
    if let Some(audiences) = &filters.audiences {
        all.push(json!({"terms": {"audience": audiences}}));
    }
    if let Some(languages) = &filters.languages {
        all.push(json!({"terms": {"language": languages}}));
    }
    if let Some(since) = filters.since {
        all.push(json!({"range": {"created_at": {"gte": since.as_millis()}}}));
    }
    if let Some(until) = filters.until {
        all.push(json!({"range": {"created_at": {"lt": until.as_millis()}}}));
    }
    all
}

fn within(area: &Area) -> Value {
    match *area {
        Area::Within { center, metres } => json!({"geo_distance": {
            "point": {"lat": center.latitude(), "lon": center.longitude()},
            "distance": format!("{}m", metres + EDGE_M),
            "distance_type": "arc",
        }}),
        // Numbers are compared as they were written; the bounds of a `geo_point` are not.
        Area::Box { south, west, north, east } => {
            let latitude = json!({"range": {"latitude": {"gte": south, "lte": north}}});
            let meridians = if west <= east {
                json!({"range": {"longitude": {"gte": west, "lte": east}}})
            } else {
                json!({"bool": {"should": [
                    {"range": {"longitude": {"gte": west}}},
                    {"range": {"longitude": {"lte": east}}},
                ]}})
            };
            json!({"bool": {"filter": [latitude, meridians]}})
        }
    }
}
