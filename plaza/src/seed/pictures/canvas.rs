//! A picture, and shapes to draw on it.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder as _, ImageError};

/// Of JPEG, 1 to 100.
const QUALITY: u8 = 88;

/// Red, green and blue, from 0 to 1.
pub type Colour = [f32; 3];

/// From the left and from the top, in widths of the picture.
pub type Point = (f32, f32);

/// As in style sheets.
#[must_use]
pub const fn rgb(hex: u32) -> Colour {
    let [_, red, green, blue] = hex.to_be_bytes();
    [red as f32 / 255.0, green as f32 / 255.0, blue as f32 / 255.0]
}

pub(super) fn mix(one: Colour, other: Colour, share: f32) -> Colour {
    let share = share.clamp(0.0, 1.0);
    std::array::from_fn(|at| one[at] + (other[at] - one[at]) * share)
}

/// Lengths are in widths of the picture.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    Disc(Point, f32),
    /// A circle, and the width of its line.
    Ring(Point, f32, f32),
    /// With round ends.
    Line(Point, Point, f32),
    /// Its middle, half its sides, and how round its corners are.
    Slab(Point, Point, f32),
    /// Everything below a line of hills: where it is, how high they are, how wide, and where they begin.
    Ridge {
        top: f32,
        height: f32,
        width: f32,
        phase: f32,
    },
}

impl Shape {
    /// How far outside it is; below zero inside.
    fn distance(self, (x, y): Point) -> f32 {
        match self {
            Self::Disc(at, radius) => (x - at.0).hypot(y - at.1) - radius,
            Self::Ring(at, radius, width) => ((x - at.0).hypot(y - at.1) - radius).abs() - width / 2.0,
            Self::Line(from, to, width) => {
                let (along, beside) = ((to.0 - from.0, to.1 - from.1), (x - from.0, y - from.1));
                let length = (along.0 * along.0 + along.1 * along.1).max(f32::EPSILON);
                let share = ((beside.0 * along.0 + beside.1 * along.1) / length).clamp(0.0, 1.0);
                (beside.0 - along.0 * share).hypot(beside.1 - along.1 * share) - width / 2.0
            }
            Self::Slab(at, half, round) => {
                let (across, down) = ((x - at.0).abs() - half.0 + round, (y - at.1).abs() - half.1 + round);
                across.max(0.0).hypot(down.max(0.0)) + across.max(down).min(0.0) - round
            }
            Self::Ridge { top, height, width, phase } => {
                let along = x / width + phase;
                let hills = along.sin() * 0.55 + (along * 2.3 + phase).sin() * 0.3 + (along * 5.1).sin() * 0.15;
                top + height * hills - y
            }
        }
    }

    /// Left, top, right and bottom of what it may cover.
    fn bounds(self) -> (f32, f32, f32, f32) {
        match self {
            Self::Disc((x, y), radius) => (x - radius, y - radius, x + radius, y + radius),
            Self::Ring((x, y), radius, width) => Self::Disc((x, y), radius + width).bounds(),
            Self::Line(from, to, width) => {
                (from.0.min(to.0) - width, from.1.min(to.1) - width, from.0.max(to.0) + width, from.1.max(to.1) + width)
            }
            Self::Slab((x, y), half, _) => (x - half.0, y - half.1, x + half.0, y + half.1),
            Self::Ridge { top, height, .. } => (0.0, top - height, 1.0, f32::MAX),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Canvas {
    pub width: u32,
    pub height: u32,
    pixels: Vec<Colour>,
}

impl Canvas {
    /// In one colour at the top, in another at the bottom.
    #[must_use]
    pub fn new(width: u32, height: u32, top: Colour, bottom: Colour) -> Self {
        let rows = (0..height).map(|row| mix(top, bottom, row as f32 / height as f32));
        let pixels = rows.flat_map(|colour| std::iter::repeat_n(colour, width as usize)).collect();
        Self { width, height, pixels }
    }

    /// Height in widths.
    #[must_use]
    pub fn tall(&self) -> f32 {
        self.height as f32 / self.width as f32
    }

    pub fn paint(&mut self, shape: Shape, colour: Colour) {
        self.glaze(shape, colour, 1.0);
    }

    /// Paints so that what is below shines through.
    pub fn glaze(&mut self, shape: Shape, colour: Colour, strength: f32) {
        let scale = self.width as f32;
        self.each(shape.bounds(), |at, pixel| {
            let cover = (0.5 - shape.distance(at) * scale).clamp(0.0, 1.0) * strength;
            if cover > 0.0 {
                *pixel = mix(*pixel, colour, cover);
            }
        });
    }

    /// Light that becomes less from its middle on.
    pub fn glow(&mut self, middle: Point, radius: f32, colour: Colour, strength: f32) {
        self.each(Shape::Disc(middle, radius).bounds(), |(x, y), pixel| {
            let near = 1.0 - (x - middle.0).hypot(y - middle.1) / radius;
            if near > 0.0 {
                *pixel = mix(*pixel, colour, near * near * strength);
            }
        });
    }

    fn each(&mut self, (left, top, right, bottom): (f32, f32, f32, f32), mut work: impl FnMut(Point, &mut Colour)) {
        let scale = self.width as f32;
        // What is past an end of the numbers is cut off there.
        let (from, to) = ((left * scale - 1.0).max(0.0) as u32, (right * scale + 2.0).max(0.0) as u32);
        let (first, last) = ((top * scale - 1.0).max(0.0) as u32, (bottom * scale + 2.0).max(0.0) as u32);
        for row in first..last.min(self.height) {
            for column in from..to.min(self.width) {
                let at = ((column as f32 + 0.5) / scale, (row as f32 + 0.5) / scale);
                work(at, &mut self.pixels[(row * self.width + column) as usize]);
            }
        }
    }

    #[must_use]
    pub fn pixel(&self, column: u32, row: u32) -> Colour {
        self.pixels[(row * self.width + column) as usize]
    }

    /// Red, green and blue of each pixel.
    fn bytes(&self) -> Vec<u8> {
        self.pixels.iter().flatten().map(|share| (share.clamp(0.0, 1.0) * 255.0 + 0.5) as u8).collect()
    }

    pub fn jpeg(&self) -> Result<Vec<u8>, ImageError> {
        let mut file = Cursor::new(Vec::new());
        let encoder = JpegEncoder::new_with_quality(&mut file, QUALITY);
        encoder.write_image(&self.bytes(), self.width, self.height, ExtendedColorType::Rgb8)?;
        Ok(file.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLACK: Colour = rgb(0);
    const WHITE: Colour = rgb(0x00ff_ffff);

    #[test]
    fn shapes_cover_what_they_should() {
        let shapes = [
            (Shape::Disc((0.5, 0.5), 0.2), (50, 50), (80, 50)),
            (Shape::Ring((0.5, 0.5), 0.3, 0.1), (80, 50), (50, 50)),
            (Shape::Line((0.1, 0.1), (0.9, 0.9), 0.1), (70, 70), (70, 30)),
            (Shape::Slab((0.5, 0.5), (0.3, 0.1), 0.05), (75, 50), (50, 75)),
            (Shape::Ridge { top: 0.5, height: 0.1, width: 0.2, phase: 0.0 }, (50, 90), (50, 10)),
        ];
        for (shape, inside, outside) in shapes {
            let mut canvas = Canvas::new(100, 100, BLACK, BLACK);
            canvas.paint(shape, WHITE);
            assert_eq!(canvas.pixel(inside.0, inside.1), WHITE, "{shape:?}");
            assert_eq!(canvas.pixel(outside.0, outside.1), BLACK, "{shape:?}");
        }
    }

    #[test]
    fn shapes_may_reach_past_the_edges() {
        let mut canvas = Canvas::new(20, 30, BLACK, BLACK);
        canvas.paint(Shape::Disc((-1.0, 9.0), 20.0), WHITE);
        assert_eq!((canvas.pixel(0, 0), canvas.pixel(19, 29)), (WHITE, WHITE));
        assert!(canvas.jpeg().is_ok_and(|file| file.starts_with(&[0xff, 0xd8])));
    }
}
