//! What content says: how long it may be, whom it mentions, and its hashtags.

mod hashtag;
mod mention;

pub use hashtag::Hashtag;
pub use mention::Handle;

/// Longest text, in code points, as JSON Schema's `maxLength` counts.
pub const TEXT_LENGTH_MAX: usize = 5_000;
/// Hashtags in one text.
pub const HASHTAGS_MAX: usize = 30;
/// Mentions in one text.
pub const MENTIONS_MAX: usize = 50;

/// Why a text cannot be posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("the text is empty")]
    Empty,
    #[error("the text is longer than {TEXT_LENGTH_MAX} code points")]
    TooLong,
    #[error("the text has a control character")]
    ControlCharacter,
    #[error("the text has more than {MENTIONS_MAX} mentions")]
    TooManyMentions,
    #[error("the text has more than {HASHTAGS_MAX} hashtags")]
    TooManyHashtags,
}

/// Code points `start..end` of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

/// A text that is fit to be posted, and what was found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    text: String,
    mentions: Vec<(Handle, Span)>,
    hashtags: Vec<(Hashtag, Span)>,
}

impl Text {
    /// Cuts off the white space around `raw`, turns every line break into `\n`, and finds mentions and hashtags.
    pub fn parse(raw: &str) -> Result<Self, Unfit> {
        let text = raw.trim().replace("\r\n", "\n").replace('\r', "\n");
        if text.is_empty() {
            return Err(Unfit::Empty);
        }
        // Of UTF-8, at most four bytes are a code point: what is far too long is not looked at.
        if text.len() > 4 * TEXT_LENGTH_MAX {
            return Err(Unfit::TooLong);
        }
        let chars: Vec<char> = text.chars().collect();
        if chars.len() > TEXT_LENGTH_MAX {
            return Err(Unfit::TooLong);
        }
        if chars.iter().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            return Err(Unfit::ControlCharacter);
        }
        let (mentions, hashtags) = scan(&chars);
        if mentions.len() > MENTIONS_MAX {
            return Err(Unfit::TooManyMentions);
        }
        if hashtags.len() > HASHTAGS_MAX {
            return Err(Unfit::TooManyHashtags);
        }
        Ok(Self { text, mentions, hashtags })
    }

    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn mentions(&self) -> &[(Handle, Span)] {
        &self.mentions
    }

    #[must_use]
    pub fn hashtags(&self) -> &[(Hashtag, Span)] {
        &self.hashtags
    }
}

type Found<T> = Vec<(T, Span)>;

/// One pass over the text. What belongs to a web address is neither a mention nor a hashtag.
fn scan(text: &[char]) -> (Found<Handle>, Found<Hashtag>) {
    let (mut mentions, mut hashtags) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < text.len() {
        let before = at.checked_sub(1).map(|i| text[i]);
        let rest = &text[at..];
        let length = if let Some(length) = web_address(before, rest) {
            length
        } else if let Some((handle, length)) = mention::at_start(before, rest) {
            mentions.push((handle, span(at, length)));
            length
        } else if let Some((hashtag, length)) = hashtag::at_start(before, rest) {
            hashtags.push((hashtag, span(at, length)));
            length
        } else {
            1
        };
        at += length;
    }
    (mentions, hashtags)
}

/// Positions are below [`TEXT_LENGTH_MAX`].
const fn span(start: usize, length: usize) -> Span {
    Span { start: start as u32, end: (start + length) as u32 }
}

/// The length of the web address that `rest` begins with: up to white space, or to a sign of a script that uses none.
fn web_address(before: Option<char>, rest: &[char]) -> Option<usize> {
    if before.is_some_and(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let starts = |scheme: &str| {
        rest.len() > scheme.len() && scheme.chars().zip(rest).all(|(wanted, c)| c.eq_ignore_ascii_case(&wanted))
    };
    (starts("https://") || starts("http://"))
        .then(|| rest.iter().position(|c| c.is_whitespace() || !c.is_ascii()).unwrap_or(rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(text: &str) -> Vec<String> {
        Text::parse(text).unwrap().hashtags.iter().map(|(tag, _)| tag.as_str().to_owned()).collect()
    }

    fn handles(text: &str) -> Vec<String> {
        Text::parse(text).unwrap().mentions.iter().map(|(handle, _)| handle.as_str().to_owned()).collect()
    }

    #[test]
    fn a_text_is_as_long_as_its_limit_and_no_longer() {
        assert!(Text::parse(&"é".repeat(TEXT_LENGTH_MAX)).is_ok());
        assert_eq!(Text::parse(&"é".repeat(TEXT_LENGTH_MAX + 1)), Err(Unfit::TooLong));
        assert!(Text::parse(&"𝒜".repeat(TEXT_LENGTH_MAX)).is_ok());
        assert_eq!(Text::parse(&"a".repeat(4 * TEXT_LENGTH_MAX + 1)), Err(Unfit::TooLong));
        // White space around it does not count.
        assert!(Text::parse(&format!("  {}\n", "a".repeat(TEXT_LENGTH_MAX))).is_ok());
    }

    #[test]
    fn a_text_has_thirty_hashtags_and_fifty_mentions_and_no_more() {
        let many = |sign: &str, n: usize| (0..n).map(|i| format!("{sign}n{i}")).collect::<Vec<_>>().join(" ");
        assert_eq!(tags(&many("#", HASHTAGS_MAX)).len(), HASHTAGS_MAX);
        assert_eq!(Text::parse(&many("#", HASHTAGS_MAX + 1)), Err(Unfit::TooManyHashtags));
        assert_eq!(handles(&many("@", MENTIONS_MAX)).len(), MENTIONS_MAX);
        assert_eq!(Text::parse(&many("@", MENTIONS_MAX + 1)), Err(Unfit::TooManyMentions));
    }

    #[test]
    fn nothing_and_control_characters_are_refused() {
        for empty in ["", " ", "\n\t \u{3000}"] {
            assert_eq!(Text::parse(empty), Err(Unfit::Empty), "{empty:?}");
        }
        for control in ["a\0b", "a\u{1b}[31m", "a\u{85}b"] {
            assert_eq!(Text::parse(control), Err(Unfit::ControlCharacter), "{control:?}");
        }
        assert_eq!(Text::parse("a\r\nb\rc\td").unwrap().as_str(), "a\nb\nc\td");
    }

    #[test]
    fn spans_count_code_points() {
        let text = Text::parse("𝒜é @ada #naïve").unwrap();
        assert_eq!(text.mentions[0].1, Span { start: 3, end: 7 });
        assert_eq!(text.hashtags[0].1, Span { start: 8, end: 14 });
    }

    #[test]
    fn hashtags_of_many_scripts_are_found() {
        for (text, wanted) in [
            ("#plaza", "plaza"),
            ("#Straße", "strasse"),
            ("#naïve", "naïve"),
            ("#nai\u{308}ve", "naïve"),
            ("#Москва", "москва"),
            ("#ΟΔΟΣ", "οδοσ"),
            ("#οδός", "οδόσ"),
            ("#ԵՐԵՎԱՆ", "երեվան"),
            ("#თბილისი", "თბილისი"),
            ("#שלום", "שלום"),
            ("#سلام_دنیا", "سلام_دنیا"),
            ("#می\u{200c}خواهم", "میخواهم"),
            ("#हिन्दी", "हिन्दी"),
            ("#বাংলা", "বাংলা"),
            ("#தமிழ்", "தமிழ்"),
            ("#ශ්\u{200d}රී", "ශ්රී"),
            ("#ภาษาไทย", "ภาษาไทย"),
            ("#မြန်မာ", "မြန်မာ"),
            ("#ភាសាខ្មែរ", "ភាសាខ្មែរ"),
            ("#한국어", "한국어"),
            ("#日本語", "日本語"),
            ("#ｶﾀｶﾅ", "カタカナ"),
            ("#スター・ウォーズ", "スター・ウォーズ"),
            ("#北京2026", "北京2026"),
            ("＃東京", "東京"),
            ("﹟plaza", "plaza"),
            ("#Ｆｕｌｌ", "full"),
            ("#አማርኛ", "አማርኛ"),
            ("#ᏣᎳᎩ", "ᏣᎳᎩ"),
            ("#Tiếng_Việt", "tiếng_việt"),
            ("#İstanbul", "i̇stanbul"),
            ("#1st", "1st"),
            ("#_private", "_private"),
            ("#col·legi", "col·legi"),
        ] {
            let wanted = Hashtag::parse(wanted).unwrap();
            assert_eq!(tags(text), [wanted.as_str()], "{text}");
            assert_eq!(tags(&format!("see {text}, and go")), [wanted.as_str()], "{text} in a sentence");
        }
    }

    #[test]
    fn what_is_not_a_hashtag_stays_text() {
        for text in [
            "#",
            "# plaza",
            "#2026",
            "#٢٠٢٦",
            "#___",
            "#️⃣ keycap",
            "#🎉",
            "C#sharp",
            "a#b",
            "&#x27;",
            "##double",
            "日#本",
            "https://plaza.example/#top",
            "see (http://plaza.example/a?b=/#c)",
            "HTTPS://plaza.example/,#top",
        ] {
            assert_eq!(tags(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_hashtag_ends_where_its_word_ends() {
        for (text, wanted) in [
            ("#ada's", "ada"),
            ("#a-b", "a"),
            ("(#a)", "a"),
            ("#a.", "a"),
            ("#a·", "a"),
            ("#a\u{200d}", "a"),
            ("#a❤️", "a"),
            ("🎉#a", "a"),
            ("。#a", "a"),
            ("#话题# and more", "话题"),
        ] {
            assert_eq!(tags(text), [wanted], "{text}");
        }
        assert_eq!(tags("#a #b\n#c"), ["a", "b", "c"]);
        assert_eq!(tags("#a#b"), ["a"]);
        assert_eq!(tags("https://plaza.example/x 看#a"), [""; 0]);
        assert_eq!(tags("https://plaza.example/x。 #a"), ["a"]);
    }

    #[test]
    fn mentions_are_found_between_words() {
        for (text, wanted) in [
            ("@ada", &["ada"][..]),
            ("@Ada, @ben.", &["ada", "ben"]),
            ("(@cleo) ＠dana!", &["cleo", "dana"]),
            ("你好@ada，再见", &["ada"]),
            ("@ada你好", &["ada"]),
            ("@ada's tea", &["ada"]),
            ("\"@ada_l\"", &["ada_l"]),
            ("@ada @ada", &["ada", "ada"]),
        ] {
            assert_eq!(handles(text), wanted, "{text}");
        }
    }

    #[test]
    fn addresses_and_parts_of_words_are_no_mentions() {
        for text in [
            "ada@plaza.example",
            "ada.l+x@plaza.example",
            "@ada@plaza.example",
            "@",
            "@ ada",
            "@@ada",
            "é@ada",
            "@adaé",
            "https://plaza.example/@ada",
            "@über",
        ] {
            assert_eq!(handles(text), [""; 0], "{text}");
        }
        assert_eq!(handles(&format!("@{}", "a".repeat(Handle::LENGTH_MAX))).len(), 1);
        assert_eq!(handles(&format!("@{}", "a".repeat(Handle::LENGTH_MAX + 1))).len(), 0);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_and_its_spans_name_what_was_found(raw in "(\\PC|[#@a-z_ \\n]){0,80}") {
            let Ok(text) = Text::parse(&raw) else { return Ok(()) };
            let chars: Vec<char> = text.as_str().chars().collect();
            let mut spans: Vec<Span> = text.mentions.iter().map(|(_, s)| *s).chain(text.hashtags.iter().map(|(_, s)| *s)).collect();
            spans.sort_by_key(|span| span.start);
            proptest::prop_assert!(spans.windows(2).all(|two| two[0].end <= two[1].start));
            for (tag, span) in &text.hashtags {
                let word: String = chars[span.start as usize + 1..span.end as usize].iter().collect();
                proptest::prop_assert_eq!(Hashtag::parse(&word), Some(tag.clone()));
                // Folding twice changes nothing.
                proptest::prop_assert_eq!(Hashtag::parse(tag.as_str()), Some(tag.clone()));
            }
        }
    }
}
