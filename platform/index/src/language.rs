//! Languages: found out when a document is made, and stemmed.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize};
use tantivy::tokenizer::Language as Stems;
use whatlang::Lang;

/// Shortest text whose language is guessed, in characters. Shorter ones fool every detector.
const DETECT_CHARS_MIN: usize = 12;

/// How much of a text is looked at, in bytes: a hundred words, and a detector's time grows with them.
const DETECT_BYTES: usize = 600;

/// A language that detection knows, by its two letters (ISO 639-1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Language(&'static str);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a language that is known here")]
pub struct UnknownLanguage;

/// Every language: its code, how the detector calls it, how it is stemmed.
const LANGUAGES: &[(&str, Lang, Option<Stems>)] = &[
    ("ar", Lang::Ara, Some(Stems::Arabic)),
    ("be", Lang::Bel, None),
    ("bg", Lang::Bul, None),
    ("bn", Lang::Ben, None),
    ("ca", Lang::Cat, None),
    ("cs", Lang::Ces, None),
    ("da", Lang::Dan, Some(Stems::Danish)),
    ("de", Lang::Deu, Some(Stems::German)),
    ("el", Lang::Ell, Some(Stems::Greek)),
    ("en", Lang::Eng, Some(Stems::English)),
    ("es", Lang::Spa, Some(Stems::Spanish)),
    ("et", Lang::Est, None),
    ("fa", Lang::Pes, None),
    ("fi", Lang::Fin, Some(Stems::Finnish)),
    ("fr", Lang::Fra, Some(Stems::French)),
    ("he", Lang::Heb, None),
    ("hi", Lang::Hin, None),
    ("hr", Lang::Hrv, None),
    ("hu", Lang::Hun, Some(Stems::Hungarian)),
    ("id", Lang::Ind, None),
    ("it", Lang::Ita, Some(Stems::Italian)),
    ("ja", Lang::Jpn, None),
    ("ko", Lang::Kor, None),
    ("lt", Lang::Lit, None),
    ("lv", Lang::Lav, None),
    ("nb", Lang::Nob, Some(Stems::Norwegian)),
    ("nl", Lang::Nld, Some(Stems::Dutch)),
    ("pl", Lang::Pol, None),
    ("pt", Lang::Por, Some(Stems::Portuguese)),
    ("ro", Lang::Ron, Some(Stems::Romanian)),
    ("ru", Lang::Rus, Some(Stems::Russian)),
    ("sk", Lang::Slk, None),
    ("sl", Lang::Slv, None),
    ("sr", Lang::Srp, None),
    ("sv", Lang::Swe, Some(Stems::Swedish)),
    ("ta", Lang::Tam, Some(Stems::Tamil)),
    ("th", Lang::Tha, None),
    ("tr", Lang::Tur, Some(Stems::Turkish)),
    ("uk", Lang::Ukr, None),
    ("ur", Lang::Urd, None),
    ("vi", Lang::Vie, None),
    ("zh", Lang::Cmn, None),
];

/// The commonest little words of the languages that a detector of letters takes for each other in a short text.
const LITTLE_WORDS: &[(&str, &str)] = &[
    ("da", "og det at er en et ikke jeg på som for med til har af den vi om så men hvad nu"),
    ("de", "der die das und ist nicht ein eine mit ich wir sie auf den dem wie war auch für es im von zu"),
    ("en", "the and of to is was were this that with for you are have not it my your they what in on we"),
    ("es", "el la los las y es un una no que en de por con para se muy lo su como del al yo"),
    ("fi", "ja on ei että se en oli niin kun mutta myös minä ovat tämä kuin"),
    ("fr", "le la les et est un une des du pas que qui dans pour avec je vous nous sur ce de au il"),
    ("it", "il la e è un una non che di per con sono gli le nel della come mi si lo del ho"),
    ("nb", "og det å er en et ikke jeg på som for med til har av den vi om så men hva nå"),
    ("nl", "de het een en is niet van dat ik je op met voor zijn we wat ook maar naar er in"),
    ("pl", "i w na nie się to jest że z do jak ale po co od za tak dla"),
    ("pt", "o a os as e é um uma não que de por com para se muito do da em você no na"),
    ("ro", "și în la nu un o este cu pe de că mai din pentru sunt care"),
    ("sv", "och det att är en ett inte jag på som för med till har av den vi om så men vad nu"),
    ("tr", "ve bir bu için çok ne ama da de ile var ben sen değil gibi mi"),
];
/// How many of them it takes.
const LITTLE_WORDS_MIN: usize = 2;

/// Which languages each little word is one of, a bit for each in the order of [`LITTLE_WORDS`].
static LITTLE: LazyLock<HashMap<&str, u16>> = LazyLock::new(|| {
    let mut languages = HashMap::new();
    for (bit, (_, words)) in LITTLE_WORDS.iter().enumerate() {
        for word in words.split(' ') {
            *languages.entry(word).or_default() |= 1 << bit;
        }
    }
    languages
});

/// The language of which the most little words are in a text; `None` when there are few, or two languages have as many.
fn by_little_words(text: &str) -> Option<Language> {
    let mut counts = [0; LITTLE_WORDS.len()];
    for word in crate::analysis::words(text) {
        let languages = LITTLE.get(word.lower.as_str()).copied().unwrap_or(0);
        for (bit, count) in counts.iter_mut().enumerate() {
            *count += usize::from(languages >> bit & 1);
        }
    }
    let most = counts.into_iter().max().filter(|most| *most >= LITTLE_WORDS_MIN)?;
    let mut best = counts.into_iter().zip(LITTLE_WORDS).filter(|(count, _)| *count == most);
    match (best.next(), best.next()) {
        (Some((_, (code, _))), None) => Language::parse(code).ok(),
        _ => None,
    }
}

impl Language {
    /// By its ISO 639-1 code, in lower case.
    pub fn parse(code: &str) -> Result<Self, UnknownLanguage> {
        LANGUAGES.iter().find(|(known, ..)| *known == code).map(|(known, ..)| Self(known)).ok_or(UnknownLanguage)
    }

    /// What the text is most likely written in; `None` when it is too short to tell, or the guess is no good.
    #[must_use]
    pub fn detect(text: &str) -> Option<Self> {
        text.chars().nth(DETECT_CHARS_MIN - 1)?;
        // What is long enough to be sure of has said it by then.
        let text = crate::document::cut(text, DETECT_BYTES);
        if let Some(language) = by_little_words(text) {
            return Some(language);
        }
        let guess = whatlang::detect(text)?;
        if !guess.is_reliable() {
            return None;
        }
        LANGUAGES.iter().find(|(_, lang, _)| *lang == guess.lang()).map(|(code, ..)| Self(code))
    }

    #[must_use]
    pub const fn code(self) -> &'static str {
        self.0
    }

    /// How its words are stemmed, if they are.
    pub(crate) fn stems(self) -> Option<Stems> {
        LANGUAGES.iter().find(|(code, ..)| *code == self.0).and_then(|(.., stems)| *stems)
    }

    /// The languages whose words are stemmed.
    pub(crate) fn stemmed() -> impl Iterator<Item = Self> {
        LANGUAGES.iter().filter(|(.., stems)| stems.is_some()).map(|(code, ..)| Self(code))
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&code).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_apart_and_short_texts_are_not_guessed() {
        let of = |text| Language::detect(text).map(Language::code);
        assert_eq!(of("The children were running through the old garden again"), Some("en"));
        assert_eq!(of("Die Kinder liefen wieder durch die alten Gärten der Stadt"), Some("de"));
        assert_eq!(of("Les enfants couraient encore dans les vieux jardins de la ville"), Some("fr"));
        assert_eq!(of("東京の美しい庭園で子供たちが走っていました"), Some("ja"));
        assert_eq!(of("What a day, this was the best of it"), Some("en"));
        assert_eq!(of("Красивые города на берегу большого моря и старые дома"), Some("ru"));
        assert_eq!(of("hello"), None);
        assert_eq!(of("lorem zzz qqq xkcd"), None);
    }

    #[test]
    fn the_table_is_in_order_and_codes_come_back() {
        assert!(LANGUAGES.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(Language::parse("de").map(Language::code), Ok("de"));
        assert_eq!(Language::parse("DE"), Err(UnknownLanguage));
        assert_eq!(Language::stemmed().count(), 18);
    }
}
