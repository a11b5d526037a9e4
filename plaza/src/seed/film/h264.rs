//! Video in its plainest form (H.264, constrained baseline): what changed since the last frame as samples, the rest left as it was.
//!
//! Macroblocks of samples (`I_PCM`) need neither a transform nor a quantiser, so that a page of code writes what every
//! browser plays. It is large for what it shows, which for five seconds does not matter.

use crate::seed::pictures::Canvas;

/// Side of a macroblock.
pub(super) const BLOCK: u32 = 16;
const SAMPLES: usize = 384;
/// Log2 of where frame numbers begin anew.
const FRAME_NUMBER_BITS: u32 = 4;
const LEVEL: u8 = 30;
const PROFILE: u8 = 66;
/// That it keeps to what the constrained profile has.
const CONSTRAINTS: u8 = 0xc0;
/// The first of a stream refers to nothing.
const IDR: u8 = 0x65;
const NEXT: u8 = 0x61;
const SEQUENCE: u8 = 0x67;
const PICTURE: u8 = 0x68;

/// Samples of a macroblock: brightness, then two of colour.
type Block = [u8; SAMPLES];

pub(super) struct Encoder {
    across: u32,
    down: u32,
    before: Vec<Block>,
    frames: u32,
}

impl Encoder {
    pub(super) fn new(width: u32, height: u32) -> Self {
        Self { across: width / BLOCK, down: height / BLOCK, before: Vec::new(), frames: 0 }
    }

    /// One frame, as one unit without its length.
    pub(super) fn frame(&mut self, canvas: &Canvas) -> Vec<u8> {
        let places = (0..self.down).flat_map(|row| (0..self.across).map(move |column| (column, row)));
        let blocks: Vec<Block> = places.map(|(column, row)| block(canvas, column * BLOCK, row * BLOCK)).collect();
        let first = self.before.is_empty();
        let mut bits = Bits::default();
        bits.unsigned(0);
        bits.unsigned(if first { 7 } else { 5 });
        bits.unsigned(0);
        bits.put(self.frames % (1 << FRAME_NUMBER_BITS), FRAME_NUMBER_BITS);
        if first {
            bits.unsigned(0);
            bits.put(0, 2);
        } else {
            bits.put(0, 3);
        }
        // The quantiser that nothing uses; no smoothing between blocks.
        bits.unsigned(0);
        bits.unsigned(1);
        let mut same = 0;
        for (at, block) in blocks.iter().enumerate() {
            if !first {
                if self.before[at] == *block {
                    same += 1;
                    continue;
                }
                bits.unsigned(same);
                same = 0;
            }
            bits.unsigned(if first { 25 } else { 30 });
            bits.align();
            bits.bytes.extend_from_slice(block);
        }
        if same > 0 {
            bits.unsigned(same);
        }
        self.before = blocks;
        self.frames += 1;
        unit(if first { IDR } else { NEXT }, bits)
    }
}

/// What a player has to know of a stream of this size: its sequence and its picture parameters.
pub(super) fn parameters(width: u32, height: u32) -> [Vec<u8>; 2] {
    let mut sequence = Bits::default();
    for byte in [PROFILE, CONSTRAINTS, LEVEL] {
        sequence.put(u32::from(byte), 8);
    }
    // Its number; frame numbers; frames are shown as they come; one of them is referred to.
    for value in [0, FRAME_NUMBER_BITS - 4, 2, 1] {
        sequence.unsigned(value);
    }
    sequence.put(0, 1);
    sequence.unsigned(width / BLOCK - 1);
    sequence.unsigned(height / BLOCK - 1);
    // Whole frames, and nothing that is optional.
    sequence.put(0b11_00, 4);
    let mut picture = Bits::default();
    picture.unsigned(0);
    picture.unsigned(0);
    picture.put(0, 2);
    for _ in 0..3 {
        picture.unsigned(0);
    }
    picture.put(0, 3);
    for _ in 0..3 {
        picture.unsigned(0);
    }
    // That slices say how they are smoothed.
    picture.put(0b100, 3);
    [unit(SEQUENCE, sequence), unit(PICTURE, picture)]
}

/// What an MP4 says of a stream (`avcC`).
pub(super) fn configuration(width: u32, height: u32) -> Vec<u8> {
    let [sequence, picture] = parameters(width, height);
    let mut record = vec![1, PROFILE, CONSTRAINTS, LEVEL, 0xff, 0xe1];
    for (unit, then) in [(sequence, Some(1)), (picture, None)] {
        record.extend_from_slice(&(unit.len() as u16).to_be_bytes());
        record.extend_from_slice(&unit);
        record.extend(then);
    }
    record
}

/// Brightness of each pixel, colour of each four, in the range of television.
fn block(canvas: &Canvas, left: u32, top: u32) -> Block {
    let mut samples = [0; SAMPLES];
    let (mut blue, mut red) = ([0.0_f32; 64], [0.0_f32; 64]);
    for row in 0..BLOCK {
        for column in 0..BLOCK {
            let [r, g, b] = canvas.pixel(left + column, top + row);
            let light = 0.299 * r + 0.587 * g + 0.114 * b;
            samples[(row * BLOCK + column) as usize] = (16.5 + 219.0 * light) as u8;
            let four = ((row / 2) * 8 + column / 2) as usize;
            blue[four] += (b - light) / 1.772;
            red[four] += (r - light) / 1.402;
        }
    }
    for (at, sum) in blue.into_iter().chain(red).enumerate() {
        samples[256 + at] = (128.5 + 224.0 * sum / 4.0) as u8;
    }
    samples
}

/// Ends a unit, and keeps three bytes from looking like the beginning of another.
fn unit(kind: u8, mut bits: Bits) -> Vec<u8> {
    bits.put(1, 1);
    bits.align();
    let mut unit = Vec::with_capacity(bits.bytes.len() + 1);
    unit.push(kind);
    let mut zeros = 0;
    for byte in bits.bytes {
        if zeros == 2 && byte <= 3 {
            unit.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        unit.push(byte);
    }
    unit
}

#[derive(Debug, Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits of the last byte that are taken; 0 when it is full.
    taken: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        for at in (0..count).rev() {
            if self.taken == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> at & 1) as u8) << (7 - self.taken);
            }
            self.taken = (self.taken + 1) % 8;
        }
    }

    /// As Exp-Golomb has it.
    fn unsigned(&mut self, value: u32) {
        let length = (value + 1).ilog2();
        self.put(0, length);
        self.put(value + 1, length + 1);
    }

    fn align(&mut self) {
        self.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::pictures::{Shape, rgb};

    #[test]
    fn numbers_are_as_the_standard_has_them() {
        for (value, bits, taken) in [(0, 0b1000_0000, 1), (1, 0b0100_0000, 3), (3, 0b0010_0000, 5), (7, 0b0001_0000, 7)]
        {
            let mut written = Bits::default();
            written.unsigned(value);
            assert_eq!((written.bytes, written.taken), (vec![bits], taken), "{value}");
        }
    }

    #[test]
    fn nothing_inside_a_unit_looks_like_the_beginning_of_one() {
        let bits = Bits { bytes: vec![0, 0, 1, 0, 0, 0, 0, 3], taken: 0 };
        assert_eq!(unit(NEXT, bits), [NEXT, 0, 0, 3, 1, 0, 0, 3, 0, 0, 3, 3, 0x80]);
    }

    #[test]
    fn what_did_not_change_is_not_written_again() {
        let canvas = Canvas::new(64, 48, rgb(0x20_40_60), rgb(0x60_40_20));
        let mut encoder = Encoder::new(64, 48);
        let first = encoder.frame(&canvas);
        assert!(first.len() > 12 * SAMPLES && first[0] == IDR);
        let second = encoder.frame(&canvas);
        assert!(second.len() < 16 && second[0] == NEXT);
        let mut moved = canvas.clone();
        moved.paint(Shape::Disc((0.1, 0.1), 0.05), rgb(0xff_ff_ff));
        let third = encoder.frame(&moved);
        assert!((SAMPLES..SAMPLES + 64).contains(&third.len()), "{}", third.len());
    }
}
