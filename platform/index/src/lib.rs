//! Search documents, and the engines that hold them.
//!
//! [`document`] says what is searched for, [`query`] what is asked and what comes back, [`engine`] what every engine
//! promises. [`analysis`], [`rank`], [`geo`] and [`highlight`] are the parts of the contract that are code.
//!
//! ## Decisions
//! - **One contract, two engines**: tantivy, inside the process, by default; OpenSearch by setting. One conformance suite
//!   (`tests/it/engine_suite.rs`) runs on both.
//! - **Texts are analysed here**, not by the engine. Words, stems and prefixes are the same terms in both, so the same
//!   documents are found; and highlighting, which must know what matched, follows the same rules on the original text.
//! - **Age and popularity are factors** of the score, never summands.
//! - **Hits carry no document.** Whoever shows them loads them from their slice for this viewer: blocks, audiences and
//!   deletions hold there.

pub mod analysis;
pub mod document;
pub mod engine;
pub mod geo;
pub mod highlight;
mod language;
pub mod pipeline;
pub mod query;
pub mod rank;

pub use document::{Document, Key, Kind, Place};
pub use engine::{Engine, EngineError, Generation, Held, Item, Reason, Refused, Write, Written};
pub use language::{Language, UnknownLanguage};
pub use query::{After, Area, Filters, Hit, Order, Page, Query, QueryError};
