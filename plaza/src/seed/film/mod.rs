//! Short films of the demo: a few seconds in which something moves through a picture.

mod h264;
mod mp4;

use h264::Encoder;

use super::pictures::{Canvas, Scene, Shape, rgb, scene};

/// Sides in pixels: whole macroblocks of [`h264::BLOCK`], as high as a phone is held.
const WIDTH: u32 = 192;
const HEIGHT: u32 = 336;
const FRAMES: u32 = 50;
const FRAMES_PER_SECOND: u32 = 10;

/// What moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Film {
    Boat,
    Train,
    Balloon,
    Lantern,
}

impl Film {
    const fn place(self) -> Scene {
        match self {
            Self::Boat => Scene::Lake,
            Self::Train => Scene::Meadow,
            Self::Balloon => Scene::Sunrise,
            Self::Lantern => Scene::Night,
        }
    }
}

/// An MP4 of five seconds, without sound. The same `look` gives the same film.
pub fn film(film: Film, look: u64) -> Vec<u8> {
    let place = scene(film.place(), WIDTH, HEIGHT, look);
    let mut encoder = Encoder::new(WIDTH, HEIGHT);
    let frames = (0..FRAMES).map(|frame| {
        let mut canvas = place.clone();
        draw(film, &mut canvas, frame as f32 / FRAMES as f32);
        encoder.frame(&canvas)
    });
    let frames = frames.collect();
    mp4::file(&mp4::Track { width: WIDTH, height: HEIGHT, frames, frames_per_second: FRAMES_PER_SECOND })
}

/// `moment` goes from 0 to 1.
fn draw(film: Film, canvas: &mut Canvas, moment: f32) {
    let tall = canvas.tall();
    let sway = (moment * std::f32::consts::TAU).sin();
    match film {
        Film::Boat => {
            let (x, y) = (-0.15 + 1.2 * moment, tall * 0.78 + 0.006 * sway);
            canvas.paint(Shape::Slab((x, y), (0.11, 0.02), 0.018), rgb(0x7a_3b_2e));
            canvas.paint(Shape::Line((x, y), (x, y - 0.26), 0.009), rgb(0x4a_32_26));
            for step in 0..12 {
                let up = step as f32 / 12.0;
                let edge = (x + 0.012 + 0.11 * (1.0 - up), y - 0.035 - 0.21 * up);
                canvas.paint(Shape::Line((x + 0.012, edge.1), edge, 0.02), rgb(0xfb_f6_ea));
            }
        }
        Film::Train => {
            let y = tall * 0.82;
            canvas.paint(Shape::Line((0.0, y + 0.045), (1.0, y + 0.045), 0.008), rgb(0x4a_4a_4f));
            for wagon in 0..3 {
                let x = 1.25 - 2.3 * moment + 0.33 * wagon as f32;
                let colour = if wagon == 0 { 0xb5_3c_2f } else { 0x2f_5d_7c };
                canvas.paint(Shape::Slab((x, y), (0.15, 0.045), 0.014), rgb(colour));
                for window in 0..4 {
                    let at = (x - 0.1 + 0.066 * window as f32, y - 0.012);
                    canvas.paint(Shape::Slab(at, (0.021, 0.014), 0.004), rgb(0xfd_f0_c4));
                }
            }
        }
        Film::Balloon => {
            let (x, y) = (0.3 + 0.35 * moment + 0.015 * sway, tall * (0.62 - 0.4 * moment));
            for side in [-0.035, 0.035] {
                canvas.paint(Shape::Line((x + side, y + 0.17), (x + side * 2.4, y + 0.04), 0.006), rgb(0x4a_32_26));
            }
            canvas.paint(Shape::Disc((x, y), 0.115), rgb(0xd3_4f_3e));
            canvas.paint(Shape::Slab((x, y), (0.055, 0.114), 0.055), rgb(0xf5_d4_7a));
            canvas.paint(Shape::Slab((x, y), (0.02, 0.115), 0.02), rgb(0xd3_4f_3e));
            canvas.paint(Shape::Slab((x, y + 0.19), (0.04, 0.026), 0.008), rgb(0x8a_5a_3a));
        }
        Film::Lantern => {
            for lantern in 0..4_u8 {
                let nth = f32::from(lantern);
                let x = 0.2 + 0.2 * nth + 0.02 * (moment * 6.0 + nth).sin();
                let y = tall * (0.75 - 0.5 * (moment + nth * 0.27).fract());
                canvas.glow((x, y), 0.12, rgb(0xff_b3_4d), 0.75);
                canvas.paint(Shape::Slab((x, y), (0.026, 0.036), 0.012), rgb(0xff_e0_a3));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn films_are_small_and_differ() {
        let films = [Film::Boat, Film::Train, Film::Balloon, Film::Lantern].map(|it| film(it, 1));
        for (place, file) in films.iter().enumerate() {
            assert_eq!(&file[4..8], b"ftyp");
            assert!(file.len() < 1_500_000, "{}", file.len());
            assert!(!films[..place].contains(file));
        }
        assert_eq!(films[0], film(Film::Boat, 1), "the same each time");
    }
}
