//! Texts that match a regular expression.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::dice::Dice;

/// Repeats beyond the least that is allowed.
const REPEATS_MORE_MAX: u32 = 8;
/// Bytes of one text.
const TEXT_BYTES_MAX: usize = 4096;

/// `None` for patterns that only a backtracking engine reads.
pub fn matching(pattern: &str, dice: &mut Dice) -> Option<String> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let mut text = String::new();
    write(&hir, dice, &mut text);
    Some(text)
}

fn write(hir: &Hir, dice: &mut Dice, text: &mut String) {
    if text.len() > TEXT_BYTES_MAX {
        return;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(Class::Unicode(class)) => {
            let all: Vec<(char, char)> = class.iter().map(|range| (range.start(), range.end())).collect();
            // What people can read, where the class has such.
            let plain = all.iter().filter_map(|(start, end)| {
                let (start, end) = ((*start).max('!'), (*end).min('~'));
                (start <= end).then_some((start, end))
            });
            let plain: Vec<(char, char)> = plain.collect();
            text.extend(pick(if plain.is_empty() { &all } else { &plain }, dice));
        }
        HirKind::Class(Class::Bytes(class)) => {
            let all: Vec<(char, char)> =
                class.iter().map(|it| (char::from(it.start()), char::from(it.end()))).collect();
            text.extend(pick(&all, dice));
        }
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(u32::MAX).min(repetition.min.saturating_add(REPEATS_MORE_MAX));
            for _ in 0..dice.between(repetition.min as usize, most as usize) {
                write(&repetition.sub, dice, text);
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, dice, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, dice, text)),
        HirKind::Alternation(parts) => {
            if let Some(part) = parts.get(dice.below(parts.len())) {
                write(part, dice, text);
            }
        }
    }
}

fn pick(ranges: &[(char, char)], dice: &mut Dice) -> Option<char> {
    let (start, end) = *ranges.get(dice.below(ranges.len()))?;
    let span = (end as u32).saturating_sub(start as u32) as usize;
    char::from_u32(start as u32 + dice.below(span + 1) as u32).or(Some(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_matches() {
        let mut dice = Dice::new(1, "patterns");
        let id = matching("^usr_[0-7][0-9a-hjkmnp-tv-z]{25}$", &mut dice).unwrap();
        assert!(id.starts_with("usr_") && id.len() == 30, "{id}");
        let kinds = matching("^(person|post)(,(person|post)){0,3}$", &mut dice).unwrap();
        assert!(kinds.split(',').all(|kind| ["person", "post"].contains(&kind)), "{kinds}");
        assert_eq!(matching("(?=a)b", &mut dice), None);
    }
}
