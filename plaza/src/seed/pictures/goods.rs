//! What is sold, as posters would show it.

use super::canvas::{Canvas, Colour, Point, Shape, mix, rgb};

const SIDE: u32 = 640;
const INK: u32 = 0x2b_2f_3a;
const CREAM: u32 = 0xfa_f4_e6;
/// Behind the goods.
const WALLS: [u32; 6] = [0xf0_c9_a8, 0xb9_d3_c6, 0xc6_cf_e6, 0xf1_d9_8b, 0xe4_b9_b6, 0xcf_c6_b8];

/// A poster of what is at this place of the list of goods.
pub fn good(place: usize) -> Canvas {
    let wall = rgb(WALLS[place % WALLS.len()]);
    let mut poster = Canvas::new(SIDE, SIDE, mix(wall, rgb(0xff_ff_ff), 0.25), wall);
    poster.paint(Shape::Slab((0.5, 0.91), (0.6, 0.13), 0.0), mix(wall, rgb(INK), 0.16));
    poster.glaze(Shape::Slab((0.5, 0.79), (0.34, 0.018), 0.018), rgb(INK), 0.18);
    let mut on = Drawing(&mut poster);
    match place {
        0 => bicycle(&mut on),
        1 => teapot(&mut on),
        2 => chairs(&mut on),
        3 => ladder(&mut on),
        4 => jars(&mut on),
        5 => stool(&mut on),
        6 => boots(&mut on),
        7 => loom(&mut on),
        8 => lamp(&mut on),
        9 => sledge(&mut on),
        10 => basil(&mut on),
        _ => maps(&mut on),
    }
    poster
}

struct Drawing<'a>(&'a mut Canvas);

impl Drawing<'_> {
    fn lines(&mut self, points: &[Point], width: f32, colour: u32) -> &mut Self {
        for pair in points.windows(2) {
            self.0.paint(Shape::Line(pair[0], pair[1], width), rgb(colour));
        }
        self
    }

    fn ring(&mut self, at: Point, radius: f32, width: f32, colour: u32) -> &mut Self {
        self.0.paint(Shape::Ring(at, radius, width), rgb(colour));
        self
    }

    fn disc(&mut self, at: Point, radius: f32, colour: u32) -> &mut Self {
        self.0.paint(Shape::Disc(at, radius), rgb(colour));
        self
    }

    fn slab(&mut self, at: Point, half: Point, round: f32, colour: u32) -> &mut Self {
        self.0.paint(Shape::Slab(at, half, round), rgb(colour));
        self
    }

    /// Light on something that is round.
    fn gloss(&mut self, at: Point, half: Point, round: f32) -> &mut Self {
        const LIGHT: Colour = rgb(0x00ff_ffff);
        self.0.glaze(Shape::Slab(at, half, round), LIGHT, 0.35);
        self
    }
}

fn bicycle(on: &mut Drawing) {
    for wheel in [(0.28, 0.64), (0.73, 0.64)] {
        on.ring(wheel, 0.15, 0.02, INK).ring(wheel, 0.13, 0.004, CREAM).disc(wheel, 0.02, INK);
    }
    let red = 0xc2_4a_3a;
    on.lines(&[(0.28, 0.64), (0.4, 0.42), (0.64, 0.42), (0.47, 0.64), (0.28, 0.64)], 0.024, red)
        .lines(&[(0.47, 0.64), (0.38, 0.37)], 0.022, red)
        .lines(&[(0.73, 0.64), (0.63, 0.36)], 0.022, red)
        .lines(&[(0.63, 0.36), (0.7, 0.33), (0.74, 0.35)], 0.016, INK)
        .slab((0.37, 0.36), (0.065, 0.016), 0.016, INK)
        .disc((0.655, 0.335), 0.022, 0xe2_b8_3c)
        .disc((0.47, 0.64), 0.03, INK);
}

fn teapot(on: &mut Drawing) {
    let (blue, dark) = (0x4c_7f_96, 0x37_62_78);
    on.ring((0.72, 0.58), 0.1, 0.035, dark)
        .lines(&[(0.33, 0.62), (0.24, 0.55), (0.19, 0.44)], 0.05, blue)
        .slab((0.5, 0.62), (0.21, 0.165), 0.15, blue)
        .slab((0.5, 0.77), (0.12, 0.016), 0.01, dark)
        .slab((0.5, 0.465), (0.12, 0.022), 0.02, dark)
        .disc((0.5, 0.425), 0.03, dark)
        .gloss((0.4, 0.58), (0.02, 0.07), 0.02);
}

fn chairs(on: &mut Drawing) {
    for (x, colour) in [(0.22, 0xd9_8c_4a), (0.56, 0x3f_70_6a)] {
        on.lines(&[(x, 0.28), (x, 0.78)], 0.026, colour)
            .lines(&[(x + 0.22, 0.55), (x + 0.24, 0.78)], 0.026, colour)
            .lines(&[(x, 0.33), (x + 0.02, 0.33), (x + 0.02, 0.45), (x, 0.45)], 0.022, colour)
            .slab((x + 0.11, 0.55), (0.135, 0.022), 0.012, colour)
            .lines(&[(x, 0.67), (x + 0.23, 0.67)], 0.014, colour);
    }
}

fn ladder(on: &mut Drawing) {
    let wood = 0xa8_6f_3d;
    // Slightly bent.
    on.lines(&[(0.34, 0.8), (0.38, 0.52), (0.43, 0.18)], 0.028, wood).lines(
        &[(0.6, 0.8), (0.61, 0.5), (0.57, 0.18)],
        0.028,
        wood,
    );
    for rung in 0..6 {
        let up = rung as f32 / 6.0;
        on.lines(&[(0.355 + 0.075 * up, 0.74 - 0.56 * up), (0.605 - 0.03 * up, 0.74 - 0.56 * up)], 0.02, 0xc2_8a_52);
    }
}

fn jars(on: &mut Drawing) {
    for (x, jam) in [(0.3, 0xb2_2f_44), (0.5, 0xe0_8e_2f), (0.7, 0x5c_3a_66)] {
        on.slab((x, 0.62), (0.085, 0.13), 0.03, 0xe9_ee_ec)
            .slab((x, 0.65), (0.075, 0.09), 0.025, jam)
            .slab((x, 0.475), (0.078, 0.028), 0.01, 0xc9_a2_5a)
            .slab((x, 0.655), (0.05, 0.035), 0.006, CREAM)
            .gloss((x - 0.06, 0.6), (0.008, 0.08), 0.008);
    }
    on.slab((0.5, 0.78), (0.36, 0.04), 0.01, 0x9b_6b_43).lines(&[(0.15, 0.78), (0.85, 0.78)], 0.006, 0x7c_52_31);
}

fn stool(on: &mut Drawing) {
    on.lines(&[(0.5, 0.5), (0.5, 0.7)], 0.04, 0x8b_8f_98)
        .lines(&[(0.34, 0.79), (0.5, 0.68), (0.66, 0.79)], 0.03, INK)
        .lines(&[(0.5, 0.68), (0.5, 0.8)], 0.03, INK)
        .slab((0.5, 0.46), (0.22, 0.05), 0.04, 0x7a_2f_3b)
        .slab((0.5, 0.505), (0.2, 0.014), 0.01, INK)
        .gloss((0.42, 0.435), (0.09, 0.008), 0.008);
}

fn boots(on: &mut Drawing) {
    for x in [0.24, 0.54] {
        on.slab((x + 0.06, 0.53), (0.07, 0.19), 0.03, 0x8a_5a_3a)
            .slab((x + 0.11, 0.7), (0.125, 0.06), 0.05, 0x8a_5a_3a)
            .slab((x + 0.11, 0.765), (0.13, 0.022), 0.012, INK)
            .slab((x + 0.06, 0.36), (0.085, 0.035), 0.03, 0xec_e2_cf);
        for lace in 0..4 {
            let y = 0.46 + 0.055 * lace as f32;
            on.lines(&[(x + 0.07, y), (x + 0.12, y + 0.012)], 0.01, CREAM);
        }
    }
}

fn loom(on: &mut Drawing) {
    let wood = 0x96_66_3d;
    for thread in 0..18 {
        let x = 0.3 + 0.4 * thread as f32 / 17.0;
        on.lines(&[(x, 0.27), (x, 0.7)], 0.005, CREAM);
    }
    for (row, colour) in [0xc2_4a_3a_u32, 0x2f_6b_78, 0xe2_b8_3c, 0xc2_4a_3a, 0x2f_6b_78].into_iter().enumerate() {
        on.slab((0.5, 0.68 - 0.034 * row as f32), (0.21, 0.016), 0.003, colour);
    }
    on.lines(&[(0.24, 0.8), (0.24, 0.2)], 0.034, wood)
        .lines(&[(0.76, 0.8), (0.76, 0.2)], 0.034, wood)
        .lines(&[(0.2, 0.25), (0.8, 0.25)], 0.032, wood)
        .lines(&[(0.2, 0.71), (0.8, 0.71)], 0.032, wood);
}

fn lamp(on: &mut Drawing) {
    on.0.glow((0.36, 0.62), 0.3, rgb(0xff_f1_b8), 0.9);
    on.slab((0.6, 0.785), (0.13, 0.018), 0.015, INK)
        .lines(&[(0.6, 0.78), (0.66, 0.5), (0.46, 0.32)], 0.018, INK)
        .disc((0.66, 0.5), 0.018, INK)
        .lines(&[(0.44, 0.33), (0.33, 0.44)], 0.1, 0x2f_7a_55)
        .lines(&[(0.29, 0.36), (0.42, 0.5)], 0.04, 0x2f_7a_55)
        .disc((0.345, 0.445), 0.036, 0xff_f1_b8);
}

fn sledge(on: &mut Drawing) {
    let (wood, iron) = (0xb0_76_42, 0x6b_72_80);
    on.lines(&[(0.2, 0.5), (0.15, 0.58), (0.2, 0.74), (0.85, 0.76)], 0.022, iron)
        .lines(&[(0.36, 0.57), (0.36, 0.74)], 0.022, wood)
        .lines(&[(0.58, 0.57), (0.58, 0.75)], 0.022, wood)
        .lines(&[(0.78, 0.57), (0.78, 0.75)], 0.022, wood);
    for plank in 0..3 {
        on.slab((0.53, 0.525 + 0.028 * plank as f32), (0.34, 0.011), 0.008, wood);
    }
    on.lines(&[(0.19, 0.52), (0.1, 0.36), (0.2, 0.28)], 0.008, 0xc2_4a_3a);
}

fn basil(on: &mut Drawing) {
    on.lines(&[(0.5, 0.62), (0.5, 0.34)], 0.014, 0x4d_7d_3a);
    for (x, y, size) in [
        (0.42, 0.5, 0.075),
        (0.58, 0.5, 0.075),
        (0.36, 0.42, 0.06),
        (0.64, 0.42, 0.06),
        (0.45, 0.36, 0.065),
        (0.56, 0.35, 0.065),
        (0.5, 0.28, 0.055),
    ] {
        on.disc((x, y), size, 0x57_92_45).lines(&[(0.5, y + 0.06), (x, y)], 0.006, 0x3d_6e_30);
    }
    on.slab((0.5, 0.7), (0.12, 0.09), 0.02, 0xc0_6b_45).slab((0.5, 0.62), (0.145, 0.028), 0.01, 0xa9_58_36);
}

fn maps(on: &mut Drawing) {
    for (shift, paper) in [(0.05, 0xd9_c9_a2_u32), (0.0, 0xef_e3_c4)] {
        on.slab((0.5 + shift, 0.5 - shift), (0.3, 0.23), 0.008, paper);
    }
    on.slab((0.47, 0.5), (0.13, 0.075), 0.07, 0x8f_b8_c6)
        .slab((0.55, 0.55), (0.1, 0.05), 0.05, 0x8f_b8_c6)
        .ring((0.47, 0.5), 0.17, 0.004, 0xa0_8a_5c)
        .lines(&[(0.22, 0.35), (0.36, 0.42), (0.45, 0.33), (0.62, 0.38), (0.78, 0.3)], 0.006, 0xa0_5a_3c)
        .lines(&[(0.4, 0.27), (0.4, 0.73)], 0.003, 0xc9_b6_86)
        .lines(&[(0.6, 0.27), (0.6, 0.73)], 0.003, 0xc9_b6_86)
        .lines(&[(0.69, 0.62), (0.72, 0.68)], 0.01, 0xb2_2f_44)
        .lines(&[(0.72, 0.62), (0.69, 0.68)], 0.01, 0xb2_2f_44);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::words::GOODS;

    #[test]
    fn everything_that_is_sold_looks_different() {
        let posters: Vec<Canvas> = (0..GOODS.len()).map(good).collect();
        for (place, poster) in posters.iter().enumerate() {
            assert!(!posters[..place].contains(poster), "{}", GOODS[place].0);
        }
    }
}
