//! What [`index::Engine`] promises, on each engine. A further engine is a `mod` in [`on_each`] and a function that makes one.

use std::any::Any;
use std::sync::Arc;

use index::engine::tantivy::{Settings, Tantivy};
use index::{Document, Engine, Generation, Item, Kind, Language, Page, Place, Query, Write};
use kernel::{Clock, Timestamp};

mod areas;
mod generations;
mod order;
mod pages;
mod versions;
mod words;

pub const POST: Kind = Kind::new("post");
pub const PERSON: Kind = Kind::new("person");
/// When the suite's documents were written, unless they say so themselves.
pub const THEN: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// An engine without generations, and what must live as long as it.
pub struct World {
    pub engine: Arc<dyn Engine>,
    _keep: Box<dyn Any + Send + Sync>,
}

impl World {
    pub fn new(engine: Arc<dyn Engine>, keep: impl Any + Send + Sync) -> Self {
        Self { engine, _keep: Box::new(keep) }
    }
}

#[expect(clippy::unused_async, reason = "other engines wait for a server")]
async fn on_tantivy() -> World {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { folder: folder.path().to_owned(), writer_memory_mb: 15 };
    let clock = Clock::manual(THEN);
    World::new(Arc::new(Tantivy::open(settings, clock).unwrap()), folder)
}

async fn on_opensearch() -> World {
    World::new(Arc::new(crate::opensearch::server::engine().await), ())
}

macro_rules! on_each {
    ($($file:ident: $($case:ident),* $(,)?;)*) => {
        mod opensearch {
            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$file::$case(super::on_opensearch().await).await;
            })*)*
        }

        mod tantivy {
            $($(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$file::$case(super::on_tantivy().await).await;
            })*)*
        }
    };
}

on_each! {
    versions:
        a_replay_changes_nothing,
        what_is_older_is_stale,
        what_was_deleted_stays_deleted,
        items_of_a_batch_are_applied_in_their_order,
        an_unfit_item_is_refused_alone,
        documents_end_at_their_limits,
        batches_scans_and_positions_end_at_their_limits,
        a_scan_lists_what_is_held_in_the_order_of_ids;
    words:
        every_word_must_be_found,
        case_and_diacritics_do_not_count,
        words_are_found_by_their_stem_in_the_language_of_the_text,
        typos_are_forgiven_by_length,
        names_are_completed_from_each_of_their_words,
        queries_end_at_their_limits,
        fragments_are_escaped_and_marked;
    order:
        filters_narrow_and_empty_ones_match_nothing,
        names_come_before_texts_and_right_words_before_typos,
        an_exact_name_comes_first,
        age_and_popularity_are_factors,
        times_are_ordered_and_filtered_to_the_millisecond;
    areas:
        near_is_near_on_both_sides_of_the_antimeridian,
        near_is_near_around_the_poles,
        boxes_reach_across_the_antimeridian,
        what_has_no_place_is_in_no_area,
        areas_end_at_their_limits,
        areas_agree_with_a_judge_who_measures_every_place;
    pages:
        pages_hold_each_document_once_in_every_order,
        writing_meanwhile_does_not_move_pages_by_time,
        a_cursor_belongs_to_its_order,
        a_page_may_end_at_any_hit;
    generations:
        a_kind_without_a_live_generation_has_no_hits,
        generations_do_not_know_each_other,
        swapping_leaves_no_gap,
        the_live_one_is_not_dropped,
        a_position_is_of_what_was_committed;
}

/// A public post of nobody, without words.
pub fn post(id: &str) -> Document {
    Document {
        id: id.to_owned(),
        names: Vec::new(),
        text: String::new(),
        language: None,
        tags: Vec::new(),
        author: None,
        audience: "public".to_owned(),
        place: None,
        popularity: 0.0,
        created_at: THEN,
    }
}

pub fn text(id: &str, text: &str, language: &str) -> Document {
    Document { text: text.to_owned(), language: Language::parse(language).ok(), ..post(id) }
}

pub fn named(id: &str, names: &[&str]) -> Document {
    Document { names: names.iter().map(|name| (*name).to_owned()).collect(), ..post(id) }
}

pub fn at(id: &str, latitude: f64, longitude: f64) -> Document {
    Document { place: Some(Place::new(latitude, longitude).unwrap()), ..post(id) }
}

pub fn put(generation: Generation, version: u64, document: Document) -> Item {
    Item { kind: POST, generation, version, write: Write::Put(Arc::new(document)) }
}

pub fn delete(generation: Generation, version: u64, id: &str) -> Item {
    Item { kind: POST, generation, version, write: Write::Delete(id.to_owned()) }
}

impl World {
    /// Puts documents into the live first generation of a kind, at version 1.
    pub async fn fill(&self, kind: Kind, documents: impl IntoIterator<Item = Document>) {
        self.engine.create(kind, 1).await.unwrap();
        let items = documents.into_iter().map(|document| Item { kind, ..put(1, 1, document) }).collect();
        assert_eq!(self.engine.write(items).await.unwrap(), index::Written::default());
        self.engine.commit("filled").await.unwrap();
        self.engine.swap(kind, 1).await.unwrap();
    }

    pub async fn search(&self, query: &Query) -> Page {
        self.engine.search(query).await.unwrap()
    }

    /// The ids that a query finds, in its order.
    pub async fn ids(&self, query: &Query) -> Vec<String> {
        self.search(query).await.hits.into_iter().map(|hit| hit.id).collect()
    }

    /// The ids that a text finds, sorted.
    pub async fn of_text(&self, asked: &str) -> Vec<String> {
        let mut ids = self.ids(&Query { text: Some(asked.to_owned()), ..posts() }).await;
        ids.sort_unstable();
        ids
    }

    pub async fn of_prefix(&self, asked: &str) -> Vec<String> {
        let mut ids = self.ids(&Query { prefix: Some(asked.to_owned()), ..posts() }).await;
        ids.sort_unstable();
        ids
    }

    /// What is held of posts, as id and version.
    pub async fn held(&self, generation: Generation) -> Vec<(String, u64)> {
        let held = self.engine.scan(POST, generation, None, 1000).await.unwrap();
        held.into_iter().map(|held| (held.id, held.version)).collect()
    }
}

pub fn posts() -> Query {
    Query::new([POST], 100)
}

/// Numbers that look like chance and are the same every time (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    /// 0 to 1.
    pub fn share(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1u64 << 53) as f64
    }
}
