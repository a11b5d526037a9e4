//! What a WebM says of itself, in the EBML at its beginning.

use crate::model::Facts;

const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_A966;
const TIMESTAMP_SCALE: u32 = 0x2A_D7B1;
const DURATION: u32 = 0x4489;
const TRACKS: u32 = 0x1654_AE6B;
const TRACK_ENTRY: u32 = 0xAE;
const VIDEO: u32 = 0xE0;
const PIXEL_WIDTH: u32 = 0xB0;
const PIXEL_HEIGHT: u32 = 0xBA;
/// Nanoseconds of a timestamp unless told.
const SCALE_NS: f64 = 1_000_000.0;

/// Out of the first bytes of a file. What lies behind them is not known.
pub(super) fn facts(head: &[u8]) -> Facts {
    let mut found = Found { scale_ns: SCALE_NS, duration: None, width: None, height: None };
    walk(head, &mut found, 0);
    let duration_ms = found.duration.map(|units| units * found.scale_ns / 1e6);
    Facts {
        width: found.width,
        height: found.height,
        duration_ms: duration_ms.filter(|ms| ms.is_finite() && *ms >= 0.0).map(|ms| ms as u64),
        poster: None,
    }
}

struct Found {
    scale_ns: f64,
    duration: Option<f64>,
    width: Option<u32>,
    height: Option<u32>,
}

/// Segment, tracks, track, video: elements of interest lie no deeper.
const DEPTH_MAX: u8 = 5;

fn walk(mut bytes: &[u8], found: &mut Found, depth: u8) {
    if depth > DEPTH_MAX {
        return;
    }
    while let Some((id, content, rest)) = element(bytes) {
        match id {
            SEGMENT | INFO | TRACKS | TRACK_ENTRY | VIDEO => walk(content, found, depth + 1),
            TIMESTAMP_SCALE => found.scale_ns = whole(content) as f64,
            DURATION => found.duration = float(content),
            PIXEL_WIDTH => found.width = found.width.or_else(|| side(content)),
            PIXEL_HEIGHT => found.height = found.height.or_else(|| side(content)),
            _ => {}
        }
        bytes = rest;
    }
}

/// The first element: its id, as much of its content as is there, and what comes after.
fn element(bytes: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let id_len = 1 + bytes.first()?.leading_zeros() as usize;
    if id_len > 4 {
        return None;
    }
    let id = bytes.get(..id_len)?.iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
    let bytes = &bytes[id_len..];
    let size_len = 1 + bytes.first()?.leading_zeros() as usize;
    if size_len > 8 {
        return None;
    }
    let digits = bytes.get(..size_len)?;
    let marker = 1u64 << (7 * size_len);
    let size = digits.iter().fold(0u64, |size, byte| size << 8 | u64::from(*byte)) & (marker - 1);
    let bytes = &bytes[size_len..];
    // All ones: unknown, up to the end. What a live recording has.
    let len =
        if size == marker - 1 { bytes.len() } else { usize::try_from(size).unwrap_or(usize::MAX).min(bytes.len()) };
    let (content, rest) = bytes.split_at(len);
    Some((id, content, rest))
}

fn whole(content: &[u8]) -> u64 {
    content.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn side(content: &[u8]) -> Option<u32> {
    u32::try_from(whole(content)).ok().filter(|side| *side > 0)
}

fn float(content: &[u8]) -> Option<f64> {
    match content.len() {
        4 => content.first_chunk::<4>().map(|it| f64::from(f32::from_be_bytes(*it))),
        8 => content.first_chunk::<8>().map(|it| f64::from_be_bytes(*it)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn el(id: &[u8], content: &[u8]) -> Vec<u8> {
        [id, &[0x40 | (content.len() >> 8) as u8, content.len() as u8], content].concat()
    }

    fn film() -> Vec<u8> {
        let info = el(&[0x15, 0x49, 0xa9, 0x66], &[el(&[0x44, 0x89], &2500f32.to_be_bytes())].concat());
        let video = el(&[0xe0], &[el(&[0xb0], &[0x05, 0x00]), el(&[0xba], &[0x02, 0xd0])].concat());
        let tracks = el(&[0x16, 0x54, 0xae, 0x6b], &el(&[0xae], &video));
        let head = el(&[0x1a, 0x45, 0xdf, 0xa3], &el(&[0x42, 0x82], b"webm"));
        // Of unknown size, as recorders write it.
        let segment = [&[0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..], &info, &tracks];
        [head, segment.concat()].concat()
    }

    #[test]
    fn length_and_sides_are_read() {
        let facts = facts(&film());
        assert_eq!((facts.width, facts.height, facts.duration_ms), (Some(1280), Some(720), Some(2_500)));
    }

    #[test]
    fn rubbish_says_nothing() {
        assert_eq!(facts(b""), Facts::default());
        assert_eq!(facts(&[0; 64]), Facts::default());
        assert_eq!(facts(&[0xff; 64]), Facts::default());
        let whole = film();
        for len in 0..whole.len() {
            facts(&whole[..len]);
        }
    }
}
