//! Fragments of what was found, with the matches marked, from the original texts.
//!
//! ## Format
//! A fragment is HTML text: `&`, `<`, `>`, `"` and `'` of the original are escaped, and each match stands in
//! `<mark>…</mark>`, the only markup there is. Marks neither nest nor touch. A fragment that does not begin or end with its
//! text has `…` there. Names come whole, the text in pieces of about [`FRAGMENT_CHARS`] characters, cut between words.

use serde::{Deserialize, Serialize};

/// Most fragments of a hit.
pub const FRAGMENTS_MAX: usize = 3;
/// About how long a fragment of the text is, in characters without marks and escapes.
pub const FRAGMENT_CHARS: usize = 160;

/// A piece of a document, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fragment {
    pub field: Field,
    pub html: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    Name,
    Text,
}
