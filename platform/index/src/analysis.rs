//! Texts become words, stems and prefixes: the same for every engine, so that all find the same.
//!
//! An engine indexes what these functions return as it is (space-separated, if it must be one text) and analyses nothing
//! itself.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use parking_lot::Mutex;
use tantivy::tokenizer::{AsciiFoldingFilter, RawTokenizer, Stemmer, TextAnalyzer, TokenStream};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::document::Document;
use crate::language::Language;

/// Longest word that is looked at, in bytes after folding: what is longer is cut to this.
pub const WORD_BYTES_MAX: usize = 128;
/// Longest prefix that has an entry of its own, in characters. Longer ones are looked up among whole names.
pub const PREFIX_ENTRY_CHARS_MAX: usize = 15;

/// A word as it stands in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Lower case, without diacritics.
    pub folded: String,
    /// Lower case, with them: what stemmers want.
    pub lower: String,
    /// Where it stands, in bytes.
    pub at: Range<usize>,
}

/// The words of a text, in order: runs of letters, digits and the marks on them; in Chinese and Japanese every character.
pub fn words(text: &str) -> impl Iterator<Item = Word> + '_ {
    Words { text, at: 0 }
}

struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        let rest = &self.text[self.at..];
        let start = self.at + rest.find(is_word)?;
        let mut end = start;
        for c in self.text[start..].chars() {
            let alone = is_ideograph(c);
            if end > start && (alone || !continues(c)) {
                break;
            }
            end += c.len_utf8();
            if alone {
                break;
            }
        }
        self.at = end;
        let lower = lower(&self.text[start..end]);
        Some(Word { folded: fold_lower(&lower), lower, at: start..end })
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric()
}

/// Marks belong to the letter before them: decomposed accents, vowel signs.
fn continues(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// Scripts without spaces, whose characters are words of their own.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn lower(text: &str) -> String {
    // Most words of most texts.
    if text.is_ascii() {
        return crate::document::cut(text, WORD_BYTES_MAX).to_ascii_lowercase();
    }
    let lower: String = text.nfkc().flat_map(char::to_lowercase).nfc().collect();
    crate::document::cut(&lower, WORD_BYTES_MAX).to_owned()
}

fn fold_lower(lower: &str) -> String {
    if lower.is_ascii() {
        return lower.to_owned();
    }
    // Letters such as ß, ø and æ have no decomposition; other marks than those of Latin letters have no folding.
    let mut analyzer = TextAnalyzer::builder(RawTokenizer::default()).filter(AsciiFoldingFilter).build();
    let mut folded = only(&mut analyzer, lower);
    folded = folded.nfd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).nfc().collect();
    crate::document::cut(&folded, WORD_BYTES_MAX).to_owned()
}

fn only(analyzer: &mut TextAnalyzer, text: &str) -> String {
    let mut stream = analyzer.token_stream(text);
    if stream.advance() { std::mem::take(&mut stream.token_mut().text) } else { String::new() }
}

/// Case and diacritics taken away; everything else stays, spaces too.
#[must_use]
pub fn fold(text: &str) -> String {
    let lower: String = text.nfkc().flat_map(char::to_lowercase).nfc().collect();
    let mut folded = String::with_capacity(lower.len());
    for piece in lower.split_inclusive(' ') {
        folded.push_str(&fold_lower(piece));
    }
    folded
}

/// Stems that are remembered, of all languages together: most of what people write are the same few words. Past it, all are forgotten.
const STEMS_MAX: usize = 20_000;

static STEMS: LazyLock<Mutex<HashMap<(Language, String), String>>> = LazyLock::new(Mutex::default);

/// How a language bends its words back. Made once a document or query; cheap.
pub struct Stemming {
    language: Language,
    analyzer: TextAnalyzer,
}

impl Stemming {
    /// `None`: words of this language are not stemmed.
    #[must_use]
    pub fn of(language: Language) -> Option<Self> {
        let stems = language.stems()?;
        let analyzer = TextAnalyzer::builder(RawTokenizer::default()).filter(Stemmer::new(stems)).build();
        Some(Self { language, analyzer })
    }

    /// One for every language that is stemmed: what a query's word may be the stem of.
    #[must_use]
    pub fn all() -> Vec<Self> {
        Language::stemmed().filter_map(Self::of).collect()
    }

    /// The stem, with its language before it: `en:run`. Stems of two languages never meet.
    pub fn stem(&mut self, word: &Word) -> String {
        let key = (self.language, word.lower.clone());
        if let Some(stem) = STEMS.lock().get(&key) {
            return stem.clone();
        }
        let stem = format!("{}:{}", self.language.code(), fold_lower(&only(&mut self.analyzer, &word.lower)));
        let mut stems = STEMS.lock();
        if stems.len() >= STEMS_MAX {
            stems.clear();
        }
        stems.insert(key, stem.clone());
        stem
    }
}

/// What is indexed of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// Folded words of the text.
    pub words: Vec<String>,
    /// Stems of the text's words, when its language has any.
    pub stems: Vec<String>,
    /// Folded words of the names.
    pub name_words: Vec<String>,
    /// Each name as [`name_key`], whole, and from the start of each of its later words: may hold spaces.
    pub names: Vec<String>,
    /// The first 1 to [`PREFIX_ENTRY_CHARS_MAX`] characters of each of `names`, each once.
    pub prefixes: Vec<String>,
}

impl Terms {
    #[must_use]
    pub fn of(document: &Document) -> Self {
        let mut terms = Self::default();
        let mut stemming = document.language.and_then(Stemming::of);
        for word in words(&document.text) {
            if let Some(stemming) = &mut stemming {
                terms.stems.push(stemming.stem(&word));
            }
            terms.words.push(word.folded);
        }
        for name in &document.names {
            let parts: Vec<String> = words(name).map(|word| word.folded).collect();
            for start in 0..parts.len() {
                terms.names.push(parts[start..].join(" "));
            }
            terms.name_words.extend(parts);
        }
        terms.names.sort_unstable();
        terms.names.dedup();
        for name in &terms.names {
            let ends = name.char_indices().map(|(at, c)| at + c.len_utf8()).take(PREFIX_ENTRY_CHARS_MAX);
            terms.prefixes.extend(ends.map(|end| name[..end].to_owned()).filter(|prefix| !prefix.ends_with(' ')));
        }
        terms.prefixes.sort_unstable();
        terms.prefixes.dedup();
        terms
    }
}

/// A name, or what is typed of one, as it is looked up: its folded words with one space between. Empty when it has none.
#[must_use]
pub fn name_key(name: &str) -> String {
    let parts: Vec<String> = words(name).map(|word| word.folded).collect();
    parts.join(" ")
}

/// How many edits a word of a query may be away. Two in a word of six letters would take `green` for `garden`.
#[must_use]
pub fn typos(folded: &str) -> u8 {
    match folded.chars().count() {
        0..=2 => 0,
        3..=7 => 1,
        _ => 2,
    }
}

/// How many edits apart two words are (insert, delete, replace, swap neighbours), when `asked` allows as many.
#[must_use]
pub fn typo(asked: &str, found: &str) -> Option<u8> {
    let most = typos(asked);
    if asked == found {
        return Some(0);
    }
    if most == 0 || asked.chars().next() != found.chars().next() {
        return None;
    }
    let edits = strsim::osa_distance(asked, found);
    u8::try_from(edits).ok().filter(|edits| *edits <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> Vec<String> {
        words(text).map(|word| word.folded).collect()
    }

    #[test]
    fn words_are_runs_of_letters_without_case_and_diacritics() {
        assert_eq!(folded("Änne's Straße, CAFÉ #rust @ada_l!"), ["anne", "s", "strasse", "cafe", "rust", "ada", "l"]);
        assert_eq!(folded("e\u{301}te\u{301} ﬁne Ⅷ"), ["ete", "fine", "viii"]);
        assert_eq!(folded("東京 タワー ok"), ["東", "京", "タ", "ワ", "ー", "ok"]);
        assert_eq!(folded("..., !"), Vec::<String>::new());
    }

    #[test]
    fn words_know_where_they_stand() {
        let text = "¿Qué? ÄB";
        let found: Vec<&str> = words(text).map(|word| &text[word.at.clone()]).collect();
        assert_eq!(found, ["Qué", "ÄB"]);
    }

    #[test]
    fn stems_are_of_their_language() {
        let stem = |code: &str, text: &str| {
            let word = words(text).next().unwrap();
            Stemming::of(Language::parse(code).unwrap()).map(|mut stemming| stemming.stem(&word))
        };
        assert_eq!(stem("en", "Running"), stem("en", "runs"));
        assert_eq!(stem("en", "Running"), Some("en:run".to_owned()), "also when it is remembered");
        assert_eq!(stem("de", "Häuser"), stem("de", "Hauses"));
        assert_eq!(stem("fr", "chevaux"), stem("fr", "cheval"));
        assert_eq!(stem("es", "gatos"), stem("es", "gato"));
        assert_ne!(stem("en", "runs"), stem("nl", "runs"));
        assert_eq!(stem("ja", "runs"), None);
    }

    #[test]
    fn a_name_is_completed_from_the_start_of_each_word() {
        let document = Document {
            id: "1".into(),
            names: vec!["Ada Lovelace".into(), "ada".into()],
            text: String::new(),
            language: None,
            tags: Vec::new(),
            author: None,
            audience: "public".into(),
            place: None,
            popularity: 0.0,
            created_at: kernel::Timestamp::default(),
        };
        let terms = Terms::of(&document);
        assert_eq!(terms.names, ["ada", "ada lovelace", "lovelace"]);
        for prefix in ["a", "ada", "ada l", "ada lovelace", "lov"] {
            assert!(terms.prefixes.contains(&prefix.to_owned()), "{prefix}");
        }
        assert!(!terms.prefixes.contains(&"ada ".to_owned()));
        assert_eq!(name_key("  Ada-LOVE"), "ada love");
    }

    #[test]
    fn longer_words_may_have_more_typos() {
        assert_eq!(typo("ab", "ac"), None);
        assert_eq!(typo("abc", "abd"), Some(1));
        assert_eq!(typo("garden", "gadren"), Some(1));
        assert_eq!(typo("gardens", "gadrena"), None);
        assert_eq!(typo("gardener", "gadrenar"), Some(2));
        assert_eq!(typo("garden", "harden"), None);
    }
}
