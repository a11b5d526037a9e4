//! One range of bytes, as RFC 9110 has it.

use std::ops::Range;

/// What of a representation is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    All,
    Part(Range<u64>),
    /// It begins past the end.
    Nothing,
}

/// Reads a `Range` header for `size` bytes. What is not one range of bytes is passed over, as a server may.
#[must_use]
pub fn wanted(header: Option<&str>, size: u64) -> Wanted {
    let spec = header.and_then(|header| header.split_once('='));
    let Some((unit, spec)) = spec else { return Wanted::All };
    let Some((first, last)) = spec.trim().split_once('-') else { return Wanted::All };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::All;
    }
    match (number(first), number(last)) {
        // The last so many bytes.
        (Some(None), Some(Some(0))) => Wanted::Nothing,
        (Some(None), Some(Some(count))) => part(size.saturating_sub(count), size, size),
        (Some(Some(first)), Some(None)) => part(first, size, size),
        (Some(Some(first)), Some(Some(last))) if first <= last => part(first, last.saturating_add(1).min(size), size),
        _ => Wanted::All,
    }
}

fn part(start: u64, end: u64, size: u64) -> Wanted {
    if start >= size { Wanted::Nothing } else { Wanted::Part(start..end) }
}

/// A whole number, or nothing at all. None: something else.
fn number(text: &str) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than fit are past any end.
    digits.then(|| Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_at_the_end_and_refused_past_it() {
        let cases = [
            (None, Wanted::All),
            (Some("bytes=0-"), Wanted::Part(0..10)),
            (Some("bytes=0-0"), Wanted::Part(0..1)),
            (Some("bytes=3-5"), Wanted::Part(3..6)),
            (Some("BYTES=3-5"), Wanted::Part(3..6)),
            (Some("bytes=9-9"), Wanted::Part(9..10)),
            (Some("bytes=9-99"), Wanted::Part(9..10)),
            (Some("bytes=9-99999999999999999999999"), Wanted::Part(9..10)),
            (Some("bytes=-4"), Wanted::Part(6..10)),
            (Some("bytes=-10"), Wanted::Part(0..10)),
            (Some("bytes=-11"), Wanted::Part(0..10)),
            (Some("bytes=-0"), Wanted::Nothing),
            (Some("bytes=10-"), Wanted::Nothing),
            (Some("bytes=10-12"), Wanted::Nothing),
            (Some("bytes=99999999999999999999999-"), Wanted::Nothing),
        ];
        for (header, expected) in cases {
            assert_eq!(wanted(header, 10), expected, "{header:?}");
        }
    }

    #[test]
    fn what_is_not_one_range_of_bytes_is_passed_over() {
        for header in
            ["", "bytes", "bytes=", "bytes=-", "bytes=5-3", "bytes=1-2,4-5", "lines=1-2", "bytes=a-b", "bytes=+1-2"]
        {
            assert_eq!(wanted(Some(header), 10), Wanted::All, "{header}");
        }
    }
}
