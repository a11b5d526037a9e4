//! What an MP4 (ISO 14496-12) says of itself.

use crate::model::Facts;

/// The beginning of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: [u8; 4],
    /// With its head.
    pub(super) size: u64,
    pub(super) head: u64,
}

/// Reads the beginning of a box, of which `rest` bytes are left in the file. None: there is no such box.
pub(super) fn head(bytes: &[u8], rest: u64) -> Option<Head> {
    let (size, bytes) = bytes.split_first_chunk::<4>()?;
    let (kind, bytes) = bytes.split_first_chunk::<4>()?;
    let (size, head) = match u32::from_be_bytes(*size) {
        0 => (rest, 8),
        1 => (u64::from_be_bytes(*bytes.first_chunk::<8>()?), 16),
        size => (u64::from(size), 8),
    };
    (size >= head && size <= rest).then_some(Head { kind: *kind, size, head })
}

/// The boxes in `bytes`, until one that is none.
fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let found = head(bytes, bytes.len() as u64)?;
        // Within `bytes`, as `head` has checked.
        let (whole, rest) = bytes.split_at(usize::try_from(found.size).ok()?);
        bytes = rest;
        Some((found.kind, &whole[usize::try_from(found.head).ok()?..]))
    })
}

/// Out of the content of `moov`.
pub(super) fn facts(moov: &[u8]) -> Facts {
    let mut facts = Facts::default();
    for (kind, content) in boxes(moov) {
        match &kind {
            b"mvhd" => facts.duration_ms = duration_ms(content),
            b"trak" if facts.width.is_none() => {
                let header = boxes(content).find(|(kind, _)| kind == b"tkhd");
                if let Some((width, height)) = header.and_then(|(_, header)| shown(header)) {
                    (facts.width, facts.height) = (Some(width), Some(height));
                }
            }
            _ => {}
        }
    }
    facts
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|it| u32::from_be_bytes(*it))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk::<8>().map(|it| u64::from_be_bytes(*it))
}

fn duration_ms(mvhd: &[u8]) -> Option<u64> {
    let (scale, duration) = match mvhd.first()? {
        0 => (u32_at(mvhd, 12)?, u32_at(mvhd, 16).filter(|it| *it != u32::MAX).map(u64::from)?),
        _ => (u32_at(mvhd, 20)?, u64_at(mvhd, 24).filter(|it| *it != u64::MAX)?),
    };
    // Of a video that is streamed in fragments, it is zero here.
    let known = scale != 0 && duration != 0;
    known.then(|| u64::try_from(u128::from(duration) * 1000 / u128::from(scale)).unwrap_or(u64::MAX))
}

/// Width and height as shown, if the track has any: turned as its matrix says.
fn shown(tkhd: &[u8]) -> Option<(u32, u32)> {
    let at = if *tkhd.first()? == 0 { 40 } else { 52 };
    let (across, along) = (u32_at(tkhd, at)?, u32_at(tkhd, at + 4)?);
    // 16.16 fixed point.
    let (width, height) = (u32_at(tkhd, at + 36)? >> 16, u32_at(tkhd, at + 40)? >> 16);
    if width == 0 || height == 0 {
        return None;
    }
    Some(if across == 0 && along != 0 { (height, width) } else { (width, height) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes(), kind.as_slice(), content].concat()
    }

    fn mvhd(scale: u32, duration: u32) -> Vec<u8> {
        boxed(b"mvhd", &[&[0; 12][..], &scale.to_be_bytes(), &duration.to_be_bytes()].concat())
    }

    fn trak(width: u32, height: u32, turned: bool) -> Vec<u8> {
        let one = 0x0001_0000u32.to_be_bytes();
        let zero = [0; 4];
        let (a, b) = if turned { (zero, one) } else { (one, zero) };
        let sides = [(width << 16).to_be_bytes(), (height << 16).to_be_bytes()].concat();
        let header = boxed(b"tkhd", &[&[0; 40][..], &a, &b, &[0; 28], &sides].concat());
        boxed(b"trak", &header)
    }

    #[test]
    fn length_and_sides_are_read() {
        let moov = [mvhd(600, 1_500), trak(0, 0, false), trak(1920, 1080, false)].concat();
        let facts = facts(&moov);
        assert_eq!((facts.width, facts.height, facts.duration_ms), (Some(1920), Some(1080), Some(2_500)));
    }

    #[test]
    fn a_video_that_is_turned_has_its_sides_swapped() {
        let facts = facts(&trak(1920, 1080, true));
        assert_eq!((facts.width, facts.height, facts.duration_ms), (Some(1080), Some(1920), None));
    }

    #[test]
    fn rubbish_says_nothing() {
        assert_eq!(facts(b""), Facts::default());
        assert_eq!(facts(&[0xff; 64]), Facts::default());
        assert_eq!(facts(&boxed(b"mvhd", b"")), Facts::default());
        assert_eq!(facts(&mvhd(0, 7)), Facts::default());
        let whole = [mvhd(600, 1_500), trak(1920, 1080, false)].concat();
        for len in 0..whole.len() {
            facts(&whole[..len]);
        }
    }

    #[test]
    fn a_box_is_no_larger_than_its_file_and_no_smaller_than_its_head() {
        assert_eq!(head(b"\0\0\0\x08free", 8).map(|it| it.size), Some(8));
        assert_eq!(head(b"\0\0\0\x09free", 8), None);
        assert_eq!(head(b"\0\0\0\x07free", 8), None);
        assert_eq!(head(b"\0\0\0\0mdat", 99).map(|it| it.size), Some(99));
        assert_eq!(head(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x20", 32).map(|it| (it.size, it.head)), Some((32, 16)));
        assert_eq!(head(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x0f", 32), None);
        assert_eq!(head(b"\0\0\0\x01mdat", 32), None);
    }
}
