//! Texts, by format and length.

use jiff::Timestamp;
use serde_json::Value;

use super::pattern;
use crate::dice::Dice;

const WORDS: [&str; 24] = [
    "morning", "tea", "plaza", "lamp", "river", "quiet", "engine", "notes", "garden", "early", "letter", "stone",
    "window", "bread", "north", "paper", "table", "light", "market", "winter", "bridge", "small", "green", "hello",
];
/// Longest text that is made when the schema would allow for more, beyond the shortest allowed, in characters.
const CHARS_MORE_MAX: usize = 40;
/// The start of 2026, and how long after it moments are made, in seconds.
const MOMENTS_FROM: i64 = 1_767_225_600;
const MOMENTS_SPAN: usize = 300 * 24 * 60 * 60;

pub fn text(schema: &Value, dice: &mut Dice) -> String {
    if let Some(text) = schema.get("format").and_then(Value::as_str).and_then(|format| formatted(format, dice)) {
        return text;
    }
    let made = schema.get("pattern").and_then(Value::as_str).and_then(|it| pattern::matching(it, dice));
    if let Some(text) = made {
        return text;
    }
    let limit = |name: &str| schema.get(name).and_then(Value::as_u64).map(|it| it as usize);
    let least = limit("minLength").unwrap_or(0);
    let most = limit("maxLength").unwrap_or(usize::MAX).min(least.saturating_add(CHARS_MORE_MAX));
    let wanted = dice.between(least.max(1).min(most), most);
    let mut text = String::new();
    while text.len() < wanted {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(WORDS[dice.below(WORDS.len())]);
    }
    text.truncate(wanted);
    if text.ends_with(' ') {
        text.pop();
        text.push('s');
    }
    text
}

fn formatted(format: &str, dice: &mut Dice) -> Option<String> {
    let word = |dice: &mut Dice| WORDS[dice.below(WORDS.len())];
    let moment = |dice: &mut Dice| {
        let seconds = MOMENTS_FROM + dice.below(MOMENTS_SPAN) as i64;
        Timestamp::from_second(seconds).map(|at| format!("{at:.3}")).unwrap_or_default()
    };
    Some(match format {
        "date-time" => moment(dice),
        "date" => moment(dice).chars().take(10).collect(),
        "time" => moment(dice).chars().skip(11).collect(),
        "duration" => format!("PT{}M", dice.between(1, 90)),
        "uuid" => {
            let (high, low) = (dice.next(), dice.next());
            let bits =
                (u128::from(high) << 64 | u128::from(low)) & !(0xf << 76) & !(0b11 << 62) | 0x4 << 76 | 0b10 << 62;
            let hex = format!("{bits:032x}");
            format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
        }
        "email" | "idn-email" => format!("{}@example.com", word(dice)),
        "uri" | "url" | "iri" => format!("https://example.com/{}/{}", word(dice), word(dice)),
        "uri-reference" | "iri-reference" => format!("/{}", word(dice)),
        "hostname" | "idn-hostname" => format!("{}.example.com", word(dice)),
        "ipv4" => format!("192.0.2.{}", dice.between(1, 254)),
        "ipv6" => format!("2001:db8::{:x}", dice.between(1, 0xffff)),
        "json-pointer" => format!("/{}", word(dice)),
        "byte" => "cGxhemE=".to_owned(),
        _ => return None,
    })
}
