//! Fragments of what was found, with the matches marked, from the original texts.
//!
//! ## Format
//! A fragment is HTML text: `&`, `<`, `>`, `"` and `'` of the original are escaped, and each match stands in
//! `<mark>…</mark>`, the only markup there is. Whole words are marked; marks neither nest nor touch. A fragment that does not
//! begin or end where its text does has `…` there. Names come whole, the text in pieces of about [`FRAGMENT_CHARS`]
//! characters, cut between words. What has no match gives no fragment.

use std::collections::HashSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::analysis::{self, Stemming, Word};
use crate::language::Language;
use crate::query::Query;

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

/// What a query looks for, made once for all its hits.
pub struct Highlighter {
    asked: Vec<Word>,
    prefix: String,
    /// The language of the last document and the stems that the query has in it.
    stems: Option<(Language, Stemming, HashSet<String>)>,
}

impl Highlighter {
    #[must_use]
    pub fn new(query: &Query) -> Self {
        let asked = query.text.as_deref().map(|text| analysis::words(text).collect()).unwrap_or_default();
        let prefix = query.prefix.as_deref().map(analysis::name_key).unwrap_or_default();
        Self { asked, prefix, stems: None }
    }

    /// At most [`FRAGMENTS_MAX`], names first.
    pub fn fragments(&mut self, names: &[String], text: &str, language: Option<Language>) -> Vec<Fragment> {
        let mut fragments = Vec::new();
        for name in names {
            let marks = self.in_name(name);
            if !marks.is_empty() && fragments.len() < FRAGMENTS_MAX {
                fragments.push(Fragment { field: Field::Name, html: html(name, 0..name.len(), &marks) });
            }
        }
        let marks = if self.asked.is_empty() { Vec::new() } else { self.in_text(text, language) };
        let mut rest = &marks[..];
        while let Some(first) = rest.first()
            && fragments.len() < FRAGMENTS_MAX
        {
            let piece = piece(text, first);
            // A word that is cut off was not shown; one that is shown needs no second fragment.
            let shown = rest.iter().take_while(|mark| mark.end <= piece.end).count().max(1);
            fragments.push(Fragment { field: Field::Text, html: html(text, piece, &rest[..shown]) });
            rest = &rest[shown..];
        }
        fragments
    }

    fn in_name(&self, name: &str) -> Vec<Range<usize>> {
        let words: Vec<Word> = analysis::words(name).collect();
        let mut marks: Vec<Range<usize>> =
            words.iter().filter(|word| self.matches(&word.folded)).map(|word| word.at.clone()).collect();
        if !self.prefix.is_empty() {
            let asked: Vec<&str> = self.prefix.split(' ').collect();
            for run in words.windows(asked.len()) {
                let begins = run.iter().zip(&asked).enumerate().all(|(nth, (word, asked))| {
                    if nth + 1 == run.len() { word.folded.starts_with(asked) } else { word.folded == **asked }
                });
                if begins {
                    marks.extend(run.iter().map(|word| word.at.clone()));
                }
            }
        }
        merged(marks)
    }

    fn in_text(&mut self, text: &str, language: Option<Language>) -> Vec<Range<usize>> {
        let known = self.stems.as_ref().map(|(language, ..)| *language);
        if known != language {
            self.stems = language.and_then(|language| {
                let mut stemming = Stemming::of(language)?;
                let stems = self.asked.iter().map(|word| stemming.stem(word)).collect();
                Some((language, stemming, stems))
            });
        }
        let mut marks = Vec::new();
        for word in analysis::words(text) {
            let same_stem = match &mut self.stems {
                Some((_, stemming, stems)) => stems.contains(&stemming.stem(&word)),
                None => false,
            };
            if same_stem || self.matches(&word.folded) {
                marks.push(word.at);
            }
        }
        merged(marks)
    }

    fn matches(&self, folded: &str) -> bool {
        self.asked.iter().any(|asked| analysis::typo(&asked.folded, folded).is_some())
    }
}

/// In order, and those that touch or overlap as one.
fn merged(mut marks: Vec<Range<usize>>) -> Vec<Range<usize>> {
    marks.sort_unstable_by_key(|mark| (mark.start, mark.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(marks.len());
    for mark in marks {
        match merged.last_mut() {
            Some(last) if mark.start <= last.end => last.end = last.end.max(mark.end),
            _ => merged.push(mark),
        }
    }
    merged
}

/// The surroundings of a match: a quarter of the length before it, the rest after, cut where a word ends.
fn piece(text: &str, mark: &Range<usize>) -> Range<usize> {
    let before = text[..mark.start].char_indices().rev().nth(FRAGMENT_CHARS / 4).map(|(at, _)| at);
    let start = before.map_or(0, |at| {
        // Forward to the next word, but not past the match.
        text[at..mark.start].find(char::is_whitespace).map_or(at, |space| at + space)
    });
    let start = mark.start.min(
        start + text[start..mark.start].chars().take_while(|c| c.is_whitespace()).map(char::len_utf8).sum::<usize>(),
    );
    let after = text[start..].char_indices().nth(FRAGMENT_CHARS).map(|(at, _)| start + at);
    let end = match after {
        None => text.len(),
        Some(at) if at <= mark.end => mark.end,
        Some(at) => text[mark.end..at].rfind(char::is_whitespace).map_or(at, |space| mark.end + space),
    };
    start..end
}

fn html(text: &str, piece: Range<usize>, marks: &[Range<usize>]) -> String {
    let mut html = String::with_capacity(piece.len() + 16);
    if piece.start > 0 {
        html.push('…');
    }
    let mut at = piece.start;
    for mark in marks {
        escape(&text[at..mark.start], &mut html);
        html.push_str("<mark>");
        escape(&text[mark.clone()], &mut html);
        html.push_str("</mark>");
        at = mark.end;
    }
    escape(&text[at..piece.end.max(at)], &mut html);
    if piece.end < text.len() {
        html.push('…');
    }
    html
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Kind;

    fn fragments(text: Option<&str>, prefix: Option<&str>, names: &[&str], body: &str, language: &str) -> Vec<String> {
        let mut query = Query::new([Kind::new("post")], 1);
        query.text = text.map(str::to_owned);
        query.prefix = prefix.map(str::to_owned);
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let found = Highlighter::new(&query).fragments(&names, body, Language::parse(language).ok());
        found.into_iter().map(|fragment| fragment.html).collect()
    }

    #[test]
    fn words_stems_and_typos_are_marked_and_everything_else_is_escaped() {
        assert_eq!(
            fragments(Some("run gadren"), None, &[], "<b>Running</b> in \"the\" garden & ran", "en"),
            ["&lt;b&gt;<mark>Running</mark>&lt;/b&gt; in &quot;the&quot; <mark>garden</mark> &amp; <mark>ran</mark>"]
        );
        assert_eq!(fragments(Some("nothing"), None, &["Ada"], "at all", "en"), Vec::<String>::new());
    }

    #[test]
    fn a_prefix_marks_whole_words_of_names() {
        assert_eq!(
            fragments(None, Some("ada lo"), &["Ada Lovelace", "ada"], "ada", "en"),
            ["<mark>Ada</mark> <mark>Lovelace</mark>"]
        );
    }

    #[test]
    fn marks_that_touch_are_one() {
        assert_eq!(fragments(Some("東京"), None, &[], "私は東京に", "ja"), ["私は<mark>東京</mark>に"]);
    }

    #[test]
    fn long_texts_come_in_pieces_around_the_matches() {
        let filler = "lorem ipsum ".repeat(40);
        let body = format!("{filler}garden {filler}garden {filler}garden {filler}garden {filler}");
        let found = fragments(Some("garden"), None, &["garden"], &body, "en");
        assert_eq!(found.len(), FRAGMENTS_MAX);
        assert_eq!(found[0], "<mark>garden</mark>");
        for piece in &found[1..] {
            assert!(piece.starts_with("…") && piece.ends_with("…"), "{piece}");
            assert_eq!(piece.matches("<mark>garden</mark>").count(), 1, "{piece}");
            assert!(piece.chars().count() <= FRAGMENT_CHARS + 20, "{piece}");
        }
    }

    #[test]
    fn a_word_longer_than_a_fragment_is_shown_whole() {
        let word = "x".repeat(400);
        assert_eq!(fragments(Some(&word), None, &[], &format!("a {word} b"), "en").len(), 1);
    }
}
