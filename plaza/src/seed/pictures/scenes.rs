//! Places, in several lights.

use super::canvas::{Canvas, Colour, Shape, mix, rgb};
use crate::seed::dice::Dice;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    Lake,
    Sunrise,
    Fog,
    Winter,
    Meadow,
    Night,
    Dusk,
}

pub const SCENES: [Scene; 7] =
    [Scene::Lake, Scene::Sunrise, Scene::Fog, Scene::Winter, Scene::Meadow, Scene::Night, Scene::Dusk];

/// What the light makes of a place.
struct Light {
    sky: [u32; 2],
    /// Far hills, near hills, and the ground.
    hills: [u32; 3],
    sun: u32,
    water: Option<u32>,
}

const fn light(scene: Scene) -> Light {
    match scene {
        Scene::Lake => Light {
            sky: [0x6f_a8_cf, 0xf3_ea_d8],
            hills: [0x9b_b6_c4, 0x5f_86_8c, 0x2f_55_52],
            sun: 0xff_f6_dc,
            water: Some(0x5b_95_b0),
        },
        Scene::Sunrise => Light {
            sky: [0x5d_5b_8a, 0xff_c2_8a],
            hills: [0xb9_84_8c, 0x7b_57_6e, 0x3a_31_4c],
            sun: 0xff_e9_b8,
            water: Some(0xd9_8f_80),
        },
        Scene::Fog => Light {
            sky: [0xc9_d3_d6, 0xee_ee_ea],
            hills: [0xc3_cd_d0, 0x9f_ae_b2, 0x66_79_7e],
            sun: 0xfb_fa_f2,
            water: None,
        },
        Scene::Winter => Light {
            sky: [0x8f_b4_d6, 0xf4_ee_ee],
            hills: [0xc6_d6_e4, 0xdf_e8_f0, 0xf6_f9_fb],
            sun: 0xff_fd_f0,
            water: None,
        },
        Scene::Meadow => Light {
            sky: [0x7e_bb_dc, 0xf9_f3_dd],
            hills: [0x9f_bf_9a, 0x76_a4_63, 0x4b_7f_3e],
            sun: 0xff_f7_d0,
            water: None,
        },
        Scene::Night => Light {
            sky: [0x0c_12_2b, 0x34_45_6e],
            hills: [0x25_31_55, 0x17_20_3d, 0x0b_11_24],
            sun: 0xf3_ee_da,
            water: Some(0x1c_2a_50),
        },
        Scene::Dusk => Light {
            sky: [0x3b_3b_6d, 0xe8_86_7a],
            hills: [0x7a_52_7d, 0x4d_3a_66, 0x24_20_40],
            sun: 0xff_b0_7c,
            water: None,
        },
    }
}

/// Draws a place. The same `look` gives the same picture.
pub fn scene(scene: Scene, width: u32, height: u32, look: u64) -> Canvas {
    let mut dice = Dice::new(look, 0);
    let light = light(scene);
    let [sky, horizon] = light.sky.map(rgb);
    let mut canvas = Canvas::new(width, height, sky, horizon);
    let tall = canvas.tall();
    let sun = (0.2 + 0.6 * share(&mut dice), tall * (0.2 + 0.22 * share(&mut dice)));
    if scene == Scene::Night {
        for _ in 0..120 {
            let star = (share(&mut dice), tall * 0.65 * share(&mut dice));
            canvas.glaze(Shape::Disc(star, 0.0015 + 0.0015 * share(&mut dice)), rgb(light.sun), 0.8);
        }
    }
    canvas.glow(sun, 0.55, rgb(light.sun), 0.7);
    canvas.paint(Shape::Disc(sun, 0.055 + 0.03 * share(&mut dice)), rgb(light.sun));
    clouds(&mut canvas, &mut dice, scene, rgb(light.sun));
    let [far, near, ground] = light.hills.map(rgb);
    ridge(&mut canvas, &mut dice, 0.56, 0.075, far);
    ridge(&mut canvas, &mut dice, 0.64, 0.05, near);
    match light.water {
        Some(water) => lake(&mut canvas, &mut dice, sun.0, rgb(water), rgb(light.sun)),
        None => ridge(&mut canvas, &mut dice, 0.76, 0.03, mix(near, ground, 0.55)),
    }
    ridge(&mut canvas, &mut dice, 0.9, 0.025, ground);
    match scene {
        Scene::Fog => fog(&mut canvas, &mut dice),
        Scene::Winter => snow(&mut canvas, &mut dice),
        Scene::Meadow => flowers(&mut canvas, &mut dice),
        Scene::Lake | Scene::Sunrise | Scene::Night | Scene::Dusk => {}
    }
    let dark = if scene == Scene::Winter { rgb(0x3c_53_58) } else { mix(ground, rgb(0), 0.35) };
    trees(&mut canvas, &mut dice, dark);
    if matches!(scene, Scene::Lake | Scene::Sunrise | Scene::Dusk) {
        birds(&mut canvas, &mut dice, mix(dark, sky, 0.3));
    }
    canvas
}

fn share(dice: &mut Dice) -> f32 {
    dice.below(1_000) as f32 / 1_000.0
}

fn ridge(canvas: &mut Canvas, dice: &mut Dice, top: f32, height: f32, colour: Colour) {
    let (width, phase) = (0.12 + 0.14 * share(dice), 6.0 * share(dice));
    let tall = canvas.tall();
    canvas.paint(Shape::Ridge { top: tall * top, height: tall * height, width, phase }, colour);
}

fn clouds(canvas: &mut Canvas, dice: &mut Dice, scene: Scene, colour: Colour) {
    if matches!(scene, Scene::Night | Scene::Fog) {
        return;
    }
    let tall = canvas.tall();
    for _ in 0..dice.between(2, 4) {
        let (x, y) = (share(dice), tall * (0.08 + 0.3 * share(dice)));
        for _ in 0..4 {
            let at = (x + 0.16 * (share(dice) - 0.5), y + 0.012 * (share(dice) - 0.5));
            canvas.glaze(Shape::Slab(at, (0.06 + 0.06 * share(dice), 0.012), 0.012), colour, 0.28);
        }
    }
}

fn lake(canvas: &mut Canvas, dice: &mut Dice, sun: f32, water: Colour, shine: Colour) {
    let (tall, top) = (canvas.tall(), 0.7);
    canvas.paint(Shape::Slab((0.5, tall * (top + 0.15)), (0.6, tall * 0.15), 0.0), water);
    for _ in 0..70 {
        let depth = share(dice);
        let y = tall * (top + 0.01 + 0.2 * depth * depth);
        let wide = 0.01 + 0.05 * depth;
        let (x, strength) = match dice.chance(45) {
            true => (sun + (0.04 + 0.1 * depth) * (share(dice) - 0.5) * 2.0, 0.65),
            false => (share(dice), 0.16),
        };
        canvas.glaze(Shape::Line((x - wide, y), (x + wide, y), 0.003), shine, strength);
    }
}

fn fog(canvas: &mut Canvas, dice: &mut Dice) {
    let tall = canvas.tall();
    for bank in 0..4 {
        let y = tall * (0.5 + 0.11 * bank as f32 + 0.03 * share(dice));
        // Thin ones over each other have no edge.
        for layer in 1..10 {
            let half = (1.2, tall * 0.006 * layer as f32);
            canvas.glaze(Shape::Slab((0.5, y), half, 0.0), rgb(0xf4_f5_f2), 0.075);
        }
    }
}

fn snow(canvas: &mut Canvas, dice: &mut Dice) {
    let tall = canvas.tall();
    for _ in 0..90 {
        let flake = (share(dice), tall * share(dice));
        canvas.glaze(Shape::Disc(flake, 0.002 + 0.004 * share(dice)), rgb(0xff_ff_ff), 0.85);
    }
}

fn flowers(canvas: &mut Canvas, dice: &mut Dice) {
    let tall = canvas.tall();
    for _ in 0..60 {
        let flower = (share(dice), tall * (0.8 + 0.19 * share(dice)));
        let colour = dice.pick(&[0xf6_d3_4c_u32, 0xf2_f0_ea, 0xe0_6a_5a, 0xa4_7f_c8]).unwrap_or(0xff_ff_ff);
        canvas.paint(Shape::Disc(flower, 0.004 + 0.004 * share(dice)), rgb(colour));
    }
}

/// Firs at the sides, larger towards the reader.
fn trees(canvas: &mut Canvas, dice: &mut Dice, colour: Colour) {
    let tall = canvas.tall();
    for _ in 0..dice.between(3, 7) {
        let side = if dice.chance(50) { 0.26 * share(dice) } else { 1.0 - 0.26 * share(dice) };
        let (foot, height) = (tall * (0.9 + 0.06 * share(dice)), 0.12 + 0.14 * share(dice));
        canvas.paint(Shape::Line((side, foot), (side, foot - height), 0.008), colour);
        for layer in 0..7 {
            let up = 0.18 + 0.12 * layer as f32;
            let half = height * 0.3 * (1.08 - up);
            let y = foot - height * up;
            let (left, top, right) = ((side - half, y), (side, y - height * 0.13), (side + half, y));
            canvas.paint(Shape::Line(left, top, 0.016), colour);
            canvas.paint(Shape::Line(top, right, 0.016), colour);
            canvas.paint(Shape::Line(left, right, 0.014), colour);
        }
    }
}

fn birds(canvas: &mut Canvas, dice: &mut Dice, colour: Colour) {
    let tall = canvas.tall();
    let (x, y) = (0.2 + 0.5 * share(dice), tall * (0.15 + 0.2 * share(dice)));
    for _ in 0..dice.between(2, 5) {
        let (x, y) = (x + 0.18 * share(dice), y + 0.08 * share(dice));
        let wing = 0.009 + 0.008 * share(dice);
        canvas.paint(Shape::Line((x - wing, y - wing * 0.6), (x, y), 0.0025), colour);
        canvas.paint(Shape::Line((x, y), (x + wing, y - wing * 0.6), 0.0025), colour);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_a_picture_and_another_look_another() {
        for it in SCENES {
            assert_eq!(scene(it, 40, 50, 1), scene(it, 40, 50, 1));
            assert_ne!(scene(it, 40, 50, 1), scene(it, 40, 50, 2), "{it:?}");
        }
    }
}
