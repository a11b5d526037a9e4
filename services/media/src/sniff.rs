//! What a file is, by its first bytes.

use schemas::media::MediaType;

/// How many of a file's first bytes are looked at.
pub const HEAD_BYTES: usize = 4096;

/// First bytes of EBML, which WebM and Matroska are written in.
const EBML: [u8; 4] = [0x1a, 0x45, 0xdf, 0xa3];
/// EBML's element for the kind of document.
const DOC_TYPE: [u8; 2] = [0x42, 0x82];
/// Brands of ISO 14496-12 that browsers play. Others, such as HEIF's pictures and Canon's raw ones, share the form of the file.
const MP4_BRANDS: [&[u8; 4]; 12] =
    [b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"mp71", b"avc1", b"M4V ", b"MSNV", b"dash"];

/// The type of a file that begins with `head`, if it is one that is taken.
#[must_use]
pub fn sniff(head: &[u8]) -> Option<MediaType> {
    if let Ok(format) = image::guess_format(head) {
        return match format {
            image::ImageFormat::Jpeg => Some(MediaType::Jpeg),
            image::ImageFormat::Png => Some(MediaType::Png),
            image::ImageFormat::WebP => Some(MediaType::Webp),
            image::ImageFormat::Gif => Some(MediaType::Gif),
            _ => None,
        };
    }
    if is_mp4(head) {
        return Some(MediaType::Mp4);
    }
    is_webm(head).then_some(MediaType::Webm)
}

/// `ftyp` first, with a brand that is known: the major one or, where that is a maker's own, a compatible one.
fn is_mp4(head: &[u8]) -> bool {
    let Some((size, rest)) = head.split_first_chunk::<4>() else { return false };
    let Some(brands) = rest.strip_prefix(b"ftyp") else { return false };
    let size = u32::from_be_bytes(*size) as usize;
    let Some(len) = size.checked_sub(8).filter(|len| *len >= 8) else { return false };
    let mut brands = brands[..len.min(brands.len())].chunks_exact(4);
    let major = brands.next();
    // The version of the major brand is between it and the others.
    let mut known = major.into_iter().chain(brands.skip(1));
    known.any(|brand| MP4_BRANDS.iter().any(|it| it.as_slice() == brand))
}

/// An EBML header whose document type is `webm`; Matroska's is `matroska`.
fn is_webm(head: &[u8]) -> bool {
    let Some(rest) = head.strip_prefix(&EBML) else { return false };
    let rest = &rest[..rest.len().min(64)];
    let found = rest.windows(2).position(|it| it == DOC_TYPE);
    found.is_some_and(|at| rest[at + 2..].starts_with(b"\x84webm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell() {
        let cases: [(&[u8], Option<MediaType>); 14] = [
            (b"\xff\xd8\xff\xe0\0\x10JFIF", Some(MediaType::Jpeg)),
            (b"\x89PNG\r\n\x1a\n", Some(MediaType::Png)),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some(MediaType::Webp)),
            (b"GIF89a", Some(MediaType::Gif)),
            (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", Some(MediaType::Mp4)),
            (b"\0\0\0\x18ftypXYZ0\0\0\0\0isomXYZ0", Some(MediaType::Mp4)),
            (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", Some(MediaType::Webm)),
            (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x88matroska", None),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", None),
            // Only the version of the major brand looks like a brand.
            (b"\0\0\0\x10ftypqt  isom", None),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\">", None),
            (b"%PDF-1.7", None),
            (b"BM\x36\0\0\0", None),
            (b"", None),
        ];
        for (head, kind) in cases {
            assert_eq!(sniff(head), kind, "{}", String::from_utf8_lossy(head));
        }
    }
}
