//! Hashtags, after UAX #31 (R8, hashtag identifiers).

use unicode_ident::{is_xid_continue, is_xid_start};
use unicode_normalization::UnicodeNormalization as _;

/// A hashtag in the form in which hashtags are compared: NFKC, case folded, without the signs that only shape letters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hashtag(String);

impl Hashtag {
    /// Longest hashtag, in code points, written as well as folded.
    pub const LENGTH_MAX: usize = 100;

    /// `word`, if all of it is a hashtag (without its `#`).
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let word: Vec<char> = word.chars().take(Self::LENGTH_MAX + 1).collect();
        (length_of_word(&word) == Some(word.len())).then(|| Self::fold(&word)).flatten()
    }

    fn fold(word: &[char]) -> Option<Self> {
        // Folding can undo composition, and the other way round: normalise before and after.
        let folded: String = word
            .iter()
            .copied()
            .nfkc()
            .filter(|c| !only_shapes(*c))
            .flat_map(fold)
            .collect::<String>()
            .nfkc()
            .collect();
        (folded.chars().count() <= Self::LENGTH_MAX).then_some(Self(folded))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// The hashtag that `rest` begins with, and its length including the `#`.
pub(super) fn at_start(before: Option<char>, rest: &[char]) -> Option<(Hashtag, usize)> {
    let (sign, word) = rest.split_first()?;
    // A `#` inside a word, of an HTML entity, or of an address does not start one.
    let starts = is_sign(*sign) && !before.is_some_and(|c| is_xid_continue(c) || is_sign(c) || matches!(c, '&' | '/'));
    if !starts {
        return None;
    }
    let length = length_of_word(word)?;
    Some((Hashtag::fold(&word[..length])?, 1 + length))
}

const fn is_sign(c: char) -> bool {
    matches!(c, '#' | '＃' | '﹟')
}

/// How much of `word` can be a hashtag; at least one letter must be in it.
fn length_of_word(word: &[char]) -> Option<usize> {
    let mut length = 0;
    for (at, c) in word.iter().enumerate() {
        if is_medial(*c) {
            // Counts only when the word goes on after it.
            if at == 0 || length < at {
                break;
            }
        } else if is_xid_continue(*c) {
            length = at + 1;
        } else {
            break;
        }
    }
    let fits = length <= Hashtag::LENGTH_MAX && word[..length].iter().any(|c| is_xid_start(*c));
    fits.then_some(length)
}

/// May stand between two letters, not at the end: joiners (Persian, Sinhala), the dot of Catalan and of Japanese names.
const fn is_medial(c: char) -> bool {
    only_shapes(c) || matches!(c, '\u{b7}' | '\u{30fb}' | '\u{ff65}')
}

/// Joiners and variation selectors.
const fn only_shapes(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Full case folding, as far as lower case differs from it in letters that are in use.
fn fold(c: char) -> impl Iterator<Item = char> {
    let (first, second) = match c {
        'ß' | 'ẞ' => ('s', Some('s')),
        'ς' => ('σ', None),
        other => (other, None),
    };
    first.to_lowercase().chain(second)
}
