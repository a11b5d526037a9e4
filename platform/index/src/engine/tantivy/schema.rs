//! How a document lies in an index.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use tantivy::TantivyDocument;
use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions};

use crate::analysis::Terms;
use crate::document::Document;
use crate::geo;
use crate::language::Language;

/// Counts up when what is below changes: an index of another format is begun anew.
pub const FORMAT: u32 = 1;

/// Names of the columns that are read by name.
pub mod column {
    pub const ID: &str = "id";
    pub const VERSION: &str = "version";
    pub const FINGERPRINT: &str = "fingerprint";
    pub const DELETED_AT: &str = "deleted_at";
    pub const CREATED_AT: &str = "created_at";
    pub const POPULARITY: &str = "popularity";
    pub const LATITUDE: &str = "latitude";
    pub const LONGITUDE: &str = "longitude";
}

/// A document has all it has of these; a tombstone only `id`, `version` and `deleted_at`, so that no search meets it.
#[derive(Debug, Clone, Copy)]
pub struct Fields {
    pub id: Field,
    pub version: Field,
    pub fingerprint: Field,
    /// Milliseconds since 1970; only tombstones have it.
    pub deleted_at: Field,
    /// 1 in every document that is no tombstone.
    pub alive: Field,
    pub words: Field,
    pub stems: Field,
    pub name_words: Field,
    pub names: Field,
    pub prefixes: Field,
    pub tags: Field,
    pub author: Field,
    pub audience: Field,
    pub language: Field,
    pub created_at: Field,
    pub popularity: Field,
    pub latitude: Field,
    pub longitude: Field,
    pub cells: Field,
    pub source: Field,
}

/// What highlighting needs of a document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Source {
    #[serde(default, rename = "n", skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    #[serde(default, rename = "t", skip_serializing_if = "String::is_empty")]
    pub text: String,
    #[serde(default, rename = "l", skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// What was analysed before: words with one space between.
fn analysed() -> TextOptions {
    TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer("whitespace")
            .set_index_option(IndexRecordOption::WithFreqs)
            .set_fieldnorms(true),
    )
}

/// The same, where it is enough to know whether a word is there.
fn each() -> TextOptions {
    TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer("whitespace")
            .set_index_option(IndexRecordOption::Basic)
            .set_fieldnorms(false),
    )
}

/// Found as it is, and only whether.
fn whole() -> TextOptions {
    TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_index_option(IndexRecordOption::Basic)
            .set_fieldnorms(false),
    )
}

impl Fields {
    pub fn schema() -> (Schema, Self) {
        let mut schema = Schema::builder();
        let fields = Self {
            id: schema.add_text_field(column::ID, whole().set_fast("raw")),
            version: schema.add_u64_field(column::VERSION, FAST),
            fingerprint: schema.add_u64_field(column::FINGERPRINT, FAST),
            deleted_at: schema.add_i64_field(column::DELETED_AT, FAST),
            alive: schema.add_u64_field("alive", INDEXED),
            words: schema.add_text_field("words", analysed()),
            stems: schema.add_text_field("stems", analysed()),
            name_words: schema.add_text_field("name_words", each()),
            names: schema.add_text_field("names", whole()),
            prefixes: schema.add_text_field("prefixes", whole()),
            tags: schema.add_text_field("tags", whole()),
            author: schema.add_text_field("author", whole()),
            audience: schema.add_text_field("audience", whole()),
            language: schema.add_text_field("language", whole()),
            created_at: schema.add_i64_field(column::CREATED_AT, FAST),
            popularity: schema.add_f64_field(column::POPULARITY, FAST),
            latitude: schema.add_f64_field(column::LATITUDE, FAST),
            longitude: schema.add_f64_field(column::LONGITUDE, FAST),
            cells: schema.add_u64_field("cells", INDEXED),
            source: schema.add_bytes_field("source", STORED),
        };
        (schema.build(), fields)
    }

    pub fn document(&self, version: u64, document: &Document) -> Result<TantivyDocument, serde_json::Error> {
        let terms = Terms::of(document);
        let mut made = TantivyDocument::default();
        made.add_text(self.id, &document.id);
        made.add_u64(self.version, version);
        made.add_u64(self.fingerprint, document.fingerprint());
        made.add_u64(self.alive, 1);
        for (field, words) in
            [(self.words, &terms.words), (self.stems, &terms.stems), (self.name_words, &terms.name_words)]
        {
            if !words.is_empty() {
                made.add_text(field, words.join(" "));
            }
        }
        for (field, values) in
            [(self.names, &terms.names), (self.prefixes, &terms.prefixes), (self.tags, &document.tags)]
        {
            for value in values {
                made.add_text(field, value);
            }
        }
        if let Some(author) = document.author {
            made.add_text(self.author, author.as_simple().to_string());
        }
        made.add_text(self.audience, &document.audience);
        if let Some(language) = document.language {
            made.add_text(self.language, language.code());
        }
        made.add_i64(self.created_at, document.created_at.as_millis());
        made.add_f64(self.popularity, document.popularity);
        if let Some(place) = document.place {
            made.add_f64(self.latitude, place.latitude());
            made.add_f64(self.longitude, place.longitude());
            for cell in geo::cells(place) {
                made.add_u64(self.cells, cell);
            }
        }
        let (names, text) = (document.names.clone(), document.text.clone());
        made.add_bytes(self.source, &serde_json::to_vec(&Source { names, text, language: document.language })?);
        Ok(made)
    }

    pub fn tombstone(&self, version: u64, id: &str, now: Timestamp) -> TantivyDocument {
        let mut made = TantivyDocument::default();
        made.add_text(self.id, id);
        made.add_u64(self.version, version);
        made.add_i64(self.deleted_at, now.as_millis());
        made
    }
}
