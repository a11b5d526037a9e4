//! What an index is made of, and what a document becomes in it.

use serde::Serialize;
use serde_json::{Value, json};

use crate::analysis::{PREFIX_ENTRY_CHARS_MAX, Terms, name_key};
use crate::document::{Document, Kind, Place};
use crate::engine::DELETION_KEPT;
use crate::rank;

/// The body that makes an index.
pub(super) fn index(write_alias: &str) -> Value {
    json!({
        "aliases": { write_alias: {} },
        "settings": { "index": {
            "number_of_shards": 1,
            // A replica as soon as there is a second node; a single one is not yellow for the lack of it.
            "auto_expand_replicas": "0-1",
            // Made visible by `commit`, `swap` and `scan`, and by nothing else.
            "refresh_interval": "-1",
            "gc_deletes": format!("{}s", DELETION_KEPT.as_secs()),
            // An answered bulk is on disk: a commit need not write anything.
            "translog.durability": "request",
        }},
        "mappings": {
            "dynamic": "strict",
            // What the rest is made from is kept, and highlights are cut from it.
            "_source": { "includes": ["document"] },
            "properties": {
                "document": { "type": "object", "enabled": false },
                "fingerprint": { "type": "long", "index": false },
                "id": { "type": "keyword" },
                "kind": { "type": "keyword" },
                "words": words(true),
                "name_words": words(false),
                "stems": words(true),
                "names": {
                    "type": "text",
                    "analyzer": "keyword",
                    "norms": false,
                    "index_options": "docs",
                    "index_prefixes": { "min_chars": 1, "max_chars": PREFIX_ENTRY_CHARS_MAX },
                },
                "whole_names": filter(),
                "tags": filter(),
                "author": filter(),
                "audience": filter(),
                "language": filter(),
                // Milliseconds. A `date` would refuse years that a `Timestamp` can hold.
                "created_at": { "type": "long" },
                "popularity": { "type": "double", "index": false },
                "point": { "type": "geo_point" },
                "latitude": { "type": "double" },
                "longitude": { "type": "double" },
            },
        },
    })
}

/// Words that Plaza has analysed, with a space between.
fn words(scored: bool) -> Value {
    json!({
        "type": "text",
        "analyzer": "whitespace",
        "norms": scored,
        "index_options": if scored { "freqs" } else { "docs" },
    })
}

/// Compared whole, never sorted by.
fn filter() -> Value {
    json!({ "type": "keyword", "doc_values": false })
}

/// A document as it is sent.
#[derive(Serialize)]
pub(super) struct Source<'a> {
    document: &'a Document,
    /// The bits of [`Document::fingerprint`].
    fingerprint: i64,
    id: &'a str,
    kind: &'static str,
    /// Of names and text.
    words: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name_words: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    stems: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    names: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    whole_names: Vec<String>,
    tags: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<uuid::Uuid>,
    audience: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'static str>,
    created_at: i64,
    /// The factor of the score.
    popularity: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    point: Option<Point>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latitude: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    longitude: Option<f64>,
}

#[derive(Serialize)]
struct Point {
    lat: f64,
    lon: f64,
}

impl<'a> Source<'a> {
    pub fn of(kind: Kind, document: &'a Document) -> Self {
        let terms = Terms::of(document);
        let mut words = terms.name_words.join(" ");
        let name_words = words.clone();
        for word in &terms.words {
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(word);
        }
        Self {
            document,
            fingerprint: document.fingerprint().cast_signed(),
            id: &document.id,
            kind: kind.name(),
            words,
            name_words,
            stems: terms.stems.join(" "),
            names: terms.names,
            whole_names: document.names.iter().map(|name| name_key(name)).collect(),
            tags: &document.tags,
            author: document.author,
            audience: &document.audience,
            language: document.language.map(|language| language.code()),
            created_at: document.created_at.as_millis(),
            popularity: rank::popularity(document.popularity),
            point: document.place.map(|place| Point { lat: place.latitude(), lon: place.longitude() }),
            latitude: document.place.map(Place::latitude),
            longitude: document.place.map(Place::longitude),
        }
    }
}
