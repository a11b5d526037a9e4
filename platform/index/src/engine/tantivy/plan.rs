//! A query of the contract becomes one of tantivy's.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;

use tantivy::query::{
    BooleanQuery, BoostQuery, ConstScoreQuery, DfaWrapper, DisjunctionMaxQuery, EmptyQuery, FuzzyTermQuery, Occur,
    Query as Part, RangeQuery, TermQuery, TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption, Term};
use tantivy::{Searcher, TantivyError};

use super::schema::Fields;
use crate::analysis::{self, PREFIX_ENTRY_CHARS_MAX, Stemming, Word};
use crate::geo;
use crate::query::{Filters, Query, TYPOS_MAX};

type Parts = Vec<(Occur, Box<dyn Part>)>;

/// What a word in a name scores: more than the rarest in a text. A fixed score, because most documents of most kinds have no
/// names, or little else: how rare a word is among names, and how long they are, says nothing.
const NAME_SCORE: f32 = 30.0;
/// What a stem counts, where the word itself counts 1.
const STEM_BOOST: f32 = 0.8;
/// What a word with a typo scores, before it is divided by the number of edits: less than nearly every right one.
const TYPO_SCORE: f32 = 0.1;
/// What a name with a typo scores, likewise.
const NAME_TYPO_SCORE: f32 = 1.0;
/// What a name that is exactly the prefix scores beyond one that begins with it. More than popularity can make up for.
const EXACT_NAME_SCORE: f32 = 3.0;
/// From here on, a list of terms is looked up as a set.
const TERMS_ONE_BY_ONE: usize = 16;

pub struct Plan<'a> {
    pub fields: &'a Fields,
    pub searcher: &'a Searcher,
}

impl Plan<'_> {
    pub fn query(&self, query: &Query) -> tantivy::Result<Box<dyn Part>> {
        let mut must: Vec<Box<dyn Part>> = Vec::new();
        if let Some(text) = &query.text {
            must.push(self.text(text)?);
        }
        if let Some(prefix) = &query.prefix {
            must.push(self.prefix(prefix));
        }
        self.filters(&query.filters, &mut must);
        if let Some(cells) = query.area.as_ref().and_then(geo::cover) {
            let cells = cells.into_iter().map(|cell| Term::from_field_u64(self.fields.cells, cell));
            must.push(any_of(cells.collect()));
        }
        if must.is_empty() {
            must.push(unscored(term(Term::from_field_u64(self.fields.alive, 1))));
        }
        Ok(Box::new(BooleanQuery::intersection(must)))
    }

    /// Every word, each in the best of the ways in which it is found.
    fn text(&self, text: &str) -> tantivy::Result<Box<dyn Part>> {
        let words: Vec<Word> = analysis::words(text).collect();
        if words.is_empty() {
            return Ok(Box::new(EmptyQuery));
        }
        let mut stemmings = Stemming::all();
        let mut must = Vec::new();
        for word in words {
            must.push(self.word(&word, &mut stemmings)?);
        }
        Ok(Box::new(BooleanQuery::intersection(must)))
    }

    fn word(&self, word: &Word, stemmings: &mut [Stemming]) -> tantivy::Result<Box<dyn Part>> {
        let Fields { words, name_words, stems, .. } = *self.fields;
        let mut ways: Vec<Box<dyn Part>> = vec![
            scored(Term::from_field_text(words, &word.folded), 1.0),
            Box::new(ConstScoreQuery::new(term(Term::from_field_text(name_words, &word.folded)), NAME_SCORE)),
        ];
        let mut seen = HashSet::new();
        for stemming in stemmings {
            let stem = Term::from_field_text(stems, &stemming.stem(word));
            if seen.insert(stem.clone()) && self.searcher.doc_freq(&stem)? > 0 {
                ways.push(scored(stem, STEM_BOOST));
            }
        }
        let most = analysis::typos(&word.folded);
        if most > 0 {
            // Which field does not matter to it.
            let near = FuzzyTermQuery::new(Term::from_field_text(words, &word.folded), most, true).automaton()?;
            for (field, score) in [(words, TYPO_SCORE), (name_words, NAME_TYPO_SCORE)] {
                for (edits, typos) in self.typos(field, &word.folded, &near)? {
                    let score = score / f32::from(edits);
                    ways.push(Box::new(ConstScoreQuery::new(any_of(typos), score)));
                }
            }
        }
        Ok(Box::new(DisjunctionMaxQuery::new(ways)))
    }

    /// The words of the index that may have been meant, by the number of edits.
    fn typos(&self, field: Field, asked: &str, automaton: &DfaWrapper) -> tantivy::Result<BTreeMap<u8, Vec<Term>>> {
        let mut near: BTreeMap<u8, Vec<Term>> = BTreeMap::new();
        let Some(first) = asked.chars().next() else { return Ok(near) };
        // The first character is right, so only words that begin with it are looked at.
        let from = first.to_string();
        let to = char::from_u32(u32::from(first) + 1).map(String::from);
        let mut found: BTreeMap<String, u64> = BTreeMap::new();
        for segment in self.searcher.segment_readers() {
            let terms = segment.inverted_index(field)?;
            let search = terms.terms().search(automaton).ge(&from);
            let mut stream = if let Some(to) = &to { search.lt(to) } else { search }.into_stream()?;
            while stream.advance() {
                if let Ok(word) = std::str::from_utf8(stream.key()) {
                    *found.entry(word.to_owned()).or_default() += u64::from(stream.value().doc_freq);
                }
            }
        }
        let near_words =
            found.into_iter().filter_map(|(word, count)| Some((analysis::typo(asked, &word)?, count, word)));
        let mut ranked: Vec<(u8, u64, String)> = near_words.filter(|(edits, ..)| *edits > 0).collect();
        ranked.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)).then_with(|| a.2.cmp(&b.2)));
        for (edits, _, word) in ranked.into_iter().take(TYPOS_MAX) {
            near.entry(edits).or_default().push(Term::from_field_text(field, &word));
        }
        Ok(near)
    }

    fn prefix(&self, prefix: &str) -> Box<dyn Part> {
        let key = analysis::name_key(prefix);
        if key.is_empty() {
            return Box::new(EmptyQuery);
        }
        let begins: Box<dyn Part> = if key.chars().count() <= PREFIX_ENTRY_CHARS_MAX {
            term(Term::from_field_text(self.fields.prefixes, &key))
        } else {
            let above = Term::from_field_text(self.fields.names, &format!("{key}\u{10ffff}"));
            let from = Term::from_field_text(self.fields.names, &key);
            Box::new(RangeQuery::new(Bound::Included(from), Bound::Excluded(above)))
        };
        let exact = term(Term::from_field_text(self.fields.names, &key));
        Box::new(BooleanQuery::new(vec![
            (Occur::Must, Box::new(ConstScoreQuery::new(begins, 1.0))),
            (Occur::Should, Box::new(ConstScoreQuery::new(exact, EXACT_NAME_SCORE))),
        ]))
    }

    fn filters(&self, filters: &Filters, must: &mut Vec<Box<dyn Part>>) {
        let Filters { authors, tags, audiences, languages, since, until } = filters;
        let mut list = |field: Field, values: Option<Vec<String>>| {
            if let Some(values) = values {
                must.push(any_of(values.iter().map(|value| Term::from_field_text(field, value)).collect()));
            }
        };
        let ids = |ids: &Vec<uuid::Uuid>| ids.iter().map(|id| id.as_simple().to_string()).collect();
        list(self.fields.author, authors.as_ref().map(ids));
        list(self.fields.tags, tags.clone());
        list(self.fields.audience, audiences.clone());
        let codes = |languages: &Vec<crate::Language>| languages.iter().map(|l| l.code().to_owned()).collect();
        list(self.fields.language, languages.as_ref().map(codes));
        if since.is_some() || until.is_some() {
            let at = |time: kernel::Timestamp| Term::from_field_i64(self.fields.created_at, time.as_millis());
            let from = since.map_or(Bound::Unbounded, |since| Bound::Included(at(since)));
            let to = until.map_or(Bound::Unbounded, |until| Bound::Excluded(at(until)));
            must.push(unscored(Box::new(RangeQuery::new(from, to))));
        }
    }
}

fn term(term: Term) -> Box<dyn Part> {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}

fn scored(term: Term, boost: f32) -> Box<dyn Part> {
    Box::new(BoostQuery::new(Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)), boost))
}

fn unscored(part: Box<dyn Part>) -> Box<dyn Part> {
    Box::new(ConstScoreQuery::new(part, 0.0))
}

/// Documents with one of these terms, which may be many; adds nothing to a score.
fn any_of(mut terms: Vec<Term>) -> Box<dyn Part> {
    if terms.len() > TERMS_ONE_BY_ONE {
        return unscored(Box::new(TermSetQuery::new(terms)));
    }
    match (terms.pop(), terms.is_empty()) {
        (None, _) => Box::new(EmptyQuery),
        (Some(only), true) => unscored(term(only)),
        (Some(last), false) => {
            terms.push(last);
            let any: Parts = terms.into_iter().map(|one| (Occur::Should, term(one))).collect();
            unscored(Box::new(BooleanQuery::new(any)))
        }
    }
}

/// An error that is a query's, not the index's, does not exist: queries are checked before.
pub fn is_missing(error: &TantivyError) -> bool {
    use tantivy::directory::error::{OpenDirectoryError, OpenReadError};
    matches!(
        error,
        TantivyError::OpenReadError(OpenReadError::FileDoesNotExist(_))
            | TantivyError::OpenDirectoryError(OpenDirectoryError::DoesNotExist(_))
    )
}
