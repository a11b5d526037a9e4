//! What people write: messages, mentions, emoji.

use crate::error::Error;
use crate::model::{EMOJI_BYTES_MAX, MENTIONS_MAX, TEXT_BYTES_MAX, TEXT_CHARS_MAX};

/// Refuses a text that is no message.
pub fn check(text: &str) -> Result<(), Error> {
    // Bytes first: they bound what the rest looks at.
    if text.len() > TEXT_BYTES_MAX || text.chars().count() > TEXT_CHARS_MAX {
        return Err(Error::TextTooLong);
    }
    if text.chars().all(|c| c.is_whitespace() || c.is_control()) {
        return Err(Error::TextEmpty);
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err(Error::TextControlCharacter);
    }
    Ok(())
}

/// The handles after an `@`, in lower case, each once, in the order of their first mention.
///
/// An `@` inside of a word is an address and no mention.
pub fn handles(text: &str) -> Result<Vec<String>, Error> {
    let mut handles: Vec<String> = Vec::new();
    let mut before = None;
    for (at, c) in text.char_indices() {
        if c == '@' && !before.is_some_and(is_of_word) {
            let rest = &text[at + 1..];
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let handle = rest[..end].to_ascii_lowercase();
            if !handle.is_empty() && !handles.contains(&handle) {
                handles.push(handle);
            }
        }
        before = Some(c);
    }
    if handles.len() > MENTIONS_MAX { Err(Error::TooManyMentions) } else { Ok(handles) }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '@')
}

/// Refuses what is no single emoji: one picture, or several joined to one, or a flag, or a keycap.
pub fn check_emoji(text: &str) -> Result<(), Error> {
    let is_single = text.len() <= EMOJI_BYTES_MAX && (is_keycap(text) || is_picture(text));
    if is_single { Ok(()) } else { Err(Error::EmojiInvalid) }
}

fn is_keycap(text: &str) -> bool {
    let mut chars = text.chars();
    matches!(chars.next(), Some('0'..='9' | '#' | '*')) && matches!(chars.as_str(), "\u{FE0F}\u{20E3}" | "\u{20E3}")
}

fn is_picture(text: &str) -> bool {
    // A joiner, and the beginning, call for a picture; nothing else may be followed by one.
    let (mut wants_picture, mut letters_of_flag) = (true, 0);
    for c in text.chars() {
        match u32::from(c) {
            0x200D if !wants_picture => wants_picture = true,
            // Variation selector, skin tones, the letters of a region's flag.
            0xFE0F | 0x1F3FB..=0x1F3FF | 0xE0020..=0xE007F if !wants_picture => {}
            0x1F1E6..=0x1F1FF if wants_picture || letters_of_flag == 1 => {
                wants_picture = false;
                letters_of_flag += 1;
            }
            0x00A9
            | 0x00AE
            | 0x203C
            | 0x2049
            | 0x2122
            | 0x2139
            | 0x2190..=0x2BFF
            | 0x3030
            | 0x303D
            | 0x3297
            | 0x3299
            | 0x1F000..=0x1F1E5
            | 0x1F200..=0x1FAFF
                if wants_picture =>
            {
                wants_picture = false;
            }
            _ => return false,
        }
    }
    !wants_picture && letters_of_flag != 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_end_at_four_thousand_characters_and_twelve_thousand_bytes() {
        assert!(check(&"x".repeat(4_000)).is_ok());
        assert!(matches!(check(&"x".repeat(4_001)), Err(Error::TextTooLong)));
        assert!(check(&"語".repeat(4_000)).is_ok());
        assert!(check(&"🙂".repeat(3_000)).is_ok());
        assert!(matches!(check(&"🙂".repeat(3_001)), Err(Error::TextTooLong)));
        for empty in ["", " \n\t ", "\u{2003}"] {
            assert!(matches!(check(empty), Err(Error::TextEmpty)), "{empty:?}");
        }
        assert!(matches!(check("a\u{7}b"), Err(Error::TextControlCharacter)));
        assert!(check("two\nlines\twith a tab").is_ok());
    }

    #[test]
    fn handles_are_found_where_people_mean_them() {
        let found = |text| handles(text).unwrap();
        assert_eq!(found("@ada and (@Ben_2), @ADA again: @cleo!"), ["ada", "ben_2", "cleo"]);
        assert_eq!(found("write to ada@example.org, or @"), [""; 0]);
        assert_eq!(found("日本@dana"), [""; 0]);
        assert_eq!(found("@@ada"), ["ada"; 0]);
        let many = |n: usize| (0..n).map(|n| format!("@p{n} ")).collect::<String>();
        assert_eq!(handles(&many(50)).unwrap().len(), 50);
        assert!(matches!(handles(&many(51)), Err(Error::TooManyMentions)));
    }

    #[test]
    fn a_reaction_is_an_emoji() {
        for emoji in ["👍", "👍🏽", "❤️", "👨‍👩‍👧‍👦", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🇪🇺", "1️⃣", "✅", "©"]
        {
            assert!(check_emoji(emoji).is_ok(), "{emoji}");
        }
        for other in
            ["", "a", "lol", "1", " 👍", "👍\n", "👍👍", "🇪", "🇪🇺🇪", "👍\u{200D}", "\u{200D}", "\u{FE0F}", "<b>"]
        {
            assert!(check_emoji(other).is_err(), "{other:?}");
        }
        let family = |joined: usize| format!("👨{}", "\u{200D}👦".repeat(joined));
        assert_eq!(family(8).len(), 60);
        assert!(check_emoji(&family(8)).is_ok());
        assert!(check_emoji(&family(9)).is_err());
    }
}
