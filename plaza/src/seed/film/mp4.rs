//! Frames in a file (ISO 14496-12), what describes them first, so that a player can begin with the first bytes.

use super::h264::configuration;

pub(super) struct Track {
    pub(super) width: u32,
    pub(super) height: u32,
    /// One unit each. The first refers to nothing, the others each to the one before.
    pub(super) frames: Vec<Vec<u8>>,
    pub(super) frames_per_second: u32,
}

/// Ticks a second.
const SCALE: u32 = 1_000;
const ONE: u32 = 0x0001_0000;

pub(super) fn file(track: &Track) -> Vec<u8> {
    let kind = boxed(b"ftyp", &[b"isom", &word(0x200), b"isomiso2avc1mp41"]);
    // Where the frames begin depends on how long their description is, not on what it says.
    let moov = movie(track, 0).len();
    let start = kind.len() + moov + 8;
    let frames: Vec<u8> =
        track.frames.iter().flat_map(|frame| [&word(frame.len() as u32)[..], frame].concat()).collect();
    [kind, movie(track, start as u32), boxed(b"mdat", &[&frames])].concat()
}

fn movie(track: &Track, start: u32) -> Vec<u8> {
    let tick = SCALE / track.frames_per_second;
    let count = track.frames.len() as u32;
    let duration = word(count * tick);
    let matrix = [ONE, 0, 0, 0, ONE, 0, 0, 0, 0x4000_0000].map(u32::to_be_bytes).concat();
    let nothing = [0; 8];
    let header = boxed(
        b"mvhd",
        &[&word(0), &nothing, &word(SCALE), &duration, &word(ONE), &[1, 0], &[0; 10], &matrix, &[0; 24], &word(2)],
    );
    let sides = [word(track.width << 16), word(track.height << 16)].concat();
    // Enabled, in the movie.
    let of_track =
        boxed(b"tkhd", &[&word(3), &nothing, &word(1), &word(0), &duration, &nothing, &[0; 8], &matrix, &sides]);
    // Of no language.
    let of_media = boxed(b"mdhd", &[&word(0), &nothing, &word(SCALE), &duration, &[0x55, 0xc4, 0, 0]]);
    let handler = boxed(b"hdlr", &[&word(0), &word(0), b"vide", &[0; 12], b"video\0"]);
    let here = boxed(b"dinf", &[&boxed(b"dref", &[&word(0), &word(1), &boxed(b"url ", &[&word(1)])])]);
    let sizes: Vec<u8> = track.frames.iter().flat_map(|frame| word(frame.len() as u32 + 4)).collect();
    let table = boxed(
        b"stbl",
        &[
            &boxed(b"stsd", &[&word(0), &word(1), &sample(track)]),
            &boxed(b"stts", &[&word(0), &word(1), &word(count), &word(tick)]),
            &boxed(b"stss", &[&word(0), &word(1), &word(1)]),
            &boxed(b"stsc", &[&word(0), &word(1), &word(1), &word(count), &word(1)]),
            &boxed(b"stsz", &[&word(0), &word(0), &word(count), &sizes]),
            &boxed(b"stco", &[&word(0), &word(1), &word(start)]),
        ],
    );
    let info = boxed(b"minf", &[&boxed(b"vmhd", &[&word(1), &nothing]), &here, &table]);
    let media = boxed(b"mdia", &[&of_media, &handler, &info]);
    boxed(b"moov", &[&header, &boxed(b"trak", &[&of_track, &media])])
}

fn sample(track: &Track) -> Vec<u8> {
    let sides = [(track.width as u16).to_be_bytes(), (track.height as u16).to_be_bytes()].concat();
    let dots = word(0x0048_0000);
    let codec = boxed(b"avcC", &[&configuration(track.width, track.height)]);
    boxed(
        b"avc1",
        &[&[0; 6], &[0, 1], &[0; 16], &sides, &dots, &dots, &word(0), &[0, 1], &[0; 32], &[0, 24, 0xff, 0xff], &codec],
    )
}

fn boxed(kind: &[u8; 4], content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    [&word(content.len() as u32 + 8)[..], kind, &content].concat()
}

const fn word(value: u32) -> [u8; 4] {
    value.to_be_bytes()
}
