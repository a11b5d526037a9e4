//! Which words of a text are why it was found.
//!
//! Worked out on the text that is shown, not on the one that was indexed: an edit takes effect at once, and nothing that was
//! edited away is quoted.

use index::Language;
use index::analysis::{Stemming, Word, typo, words};
use schemas::search::Highlight;

/// Most highlights of one text.
pub const HIGHLIGHTS_MAX: usize = 32;

/// What was searched for, ready to be looked for in many texts.
pub struct Needles(Vec<Word>);

impl Needles {
    #[must_use]
    pub fn new(text: Option<&str>) -> Self {
        Self(text.map(|text| words(text).collect()).unwrap_or_default())
    }

    /// Where `text` has the words, or forms of them; for a word that it has in neither way, where it has it with a typo.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<Highlight> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let words: Vec<Word> = words(text).collect();
        let stems = Stems::of(text, &self.0, &words);
        let mut marked = vec![false; words.len()];
        for (n, needle) in self.0.iter().enumerate() {
            let right = |at: usize| words[at].folded == needle.folded || stems.same(n, at);
            let mut found: Vec<usize> = (0..words.len()).filter(|at| right(*at)).collect();
            if found.is_empty() {
                found = (0..words.len()).filter(|at| typo(&needle.folded, &words[*at].folded).is_some()).collect();
            }
            found.into_iter().for_each(|at| marked[at] = true);
        }
        let places = words.iter().zip(marked).filter(|(_, marked)| *marked).map(|(word, _)| word.at.clone());
        in_code_points(text, places.take(HIGHLIGHTS_MAX))
    }
}

/// The stems of both sides in the language of the text; empty when it has none that is known.
struct Stems {
    needles: Vec<String>,
    words: Vec<String>,
}

impl Stems {
    fn of(text: &str, needles: &[Word], words: &[Word]) -> Self {
        let Some(mut stemming) = Language::detect(text).and_then(Stemming::of) else {
            return Self { needles: Vec::new(), words: Vec::new() };
        };
        let mut stems = |words: &[Word]| words.iter().map(|word| stemming.stem(word)).collect();
        Self { needles: stems(needles), words: stems(words) }
    }

    fn same(&self, needle: usize, word: usize) -> bool {
        self.needles.get(needle).is_some_and(|stem| self.words.get(word) == Some(stem))
    }
}

/// Ascending places in bytes as places in code points.
fn in_code_points(text: &str, places: impl Iterator<Item = std::ops::Range<usize>>) -> Vec<Highlight> {
    let (mut bytes, mut points) = (0, 0);
    let mut point = |at: usize| {
        points += text[bytes..at].chars().count();
        bytes = at;
        u32::try_from(points).unwrap_or(u32::MAX)
    };
    places.map(|place| Highlight { start: point(place.start), end: point(place.end) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(asked: &str, text: &str) -> Vec<String> {
        let chars: Vec<char> = text.chars().collect();
        let highlights = Needles::new(Some(asked)).find(text);
        highlights.iter().map(|it| chars[it.start as usize..it.end as usize].iter().collect()).collect()
    }

    #[test]
    fn words_are_found_in_any_case_and_without_diacritics() {
        assert_eq!(found("TEA", "Tea, tea and 😀 team"), ["Tea", "tea"]);
        assert_eq!(found("anne cafe", "😀 Änne's Café"), ["Änne", "Café"]);
        assert_eq!(found("#plaza", "On #Plaza!"), ["Plaza"]);
    }

    #[test]
    fn forms_of_a_word_count_in_the_language_of_the_text() {
        let text = "Die Kinder liefen wieder durch die alten Gärten der Stadt";
        assert_eq!(found("städte kind", text), ["Kinder", "Stadt"]);
    }

    #[test]
    fn a_typo_counts_only_where_the_word_is_not() {
        assert_eq!(found("gardne", "a garden"), ["garden"]);
        assert_eq!(found("garden", "a garden, not a gardxn"), ["garden"]);
        assert_eq!(found("garden", "nothing"), [""; 0]);
        assert_eq!(found("...", "nothing"), [""; 0]);
    }

    #[test]
    fn there_are_only_so_many() {
        let text = "tea ".repeat(HIGHLIGHTS_MAX + 1);
        assert_eq!(found("tea", &text).len(), HIGHLIGHTS_MAX);
    }
}
