//! Files to upload.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageEncoder as _, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

/// Left half red, right half blue.
pub fn halves(width: u32, height: u32) -> DynamicImage {
    RgbImage::from_fn(width, height, |x, _| if x < width / 2 { Rgb([220, 0, 0]) } else { Rgb([0, 0, 220]) }).into()
}

/// As [`halves`], and half of it shines through.
pub fn glass(width: u32, height: u32) -> DynamicImage {
    let pixel = |x, y| if y < height / 2 { Rgba([220, 0, 0, 120]) } else { Rgba([0, 0, (x % 220) as u8, 255]) };
    RgbaImage::from_fn(width, height, pixel).into()
}

/// No two pixels alike: does not get smaller by compression.
pub fn noise(width: u32, height: u32) -> DynamicImage {
    let mut state = 1u32;
    RgbImage::from_fn(width, height, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Rgb([(state >> 8) as u8, (state >> 16) as u8, (state >> 24) as u8])
    })
    .into()
}

pub fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A JPEG whose metadata says how it was held, and where: `orientation` as EXIF counts, and a text that must not get out.
pub fn photograph(image: &DynamicImage, orientation: u8) -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0\x02\0".to_vec();
    // Orientation, a short; ImageDescription, a text behind the directory.
    exif.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    exif.extend([0x0e, 0x01, 2, 0, SECRET.len() as u8 + 1, 0, 0, 0, 38, 0, 0, 0]);
    exif.extend([0; 4]);
    exif.extend(SECRET.as_bytes());
    exif.push(0);
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
    encoder.set_exif_metadata(exif).unwrap();
    let rgb = image.to_rgb8();
    encoder.write_image(&rgb, rgb.width(), rgb.height(), image::ExtendedColorType::Rgb8).unwrap();
    bytes
}

pub const SECRET: &str = "taken at home, 52.5200 13.4050";

/// The header of a PNG that claims to be this large, and the beginning of nothing.
pub fn claims(width: u32, height: u32) -> Vec<u8> {
    let mut ihdr = b"IHDR".to_vec();
    ihdr.extend(width.to_be_bytes());
    ihdr.extend(height.to_be_bytes());
    ihdr.extend([8, 2, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    file.extend(&ihdr);
    file.extend(crc(&ihdr).to_be_bytes());
    file.extend(b"\0\0\0\0IDAT");
    file.extend(crc(b"IDAT").to_be_bytes());
    file
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !bytes.iter().fold(!0u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes(), kind.as_slice(), content].concat()
}

/// A film without a picture in it: 2.5 s of 1920 by 1080, whose description comes last, as recorders write it.
pub fn film(bytes: usize) -> Vec<u8> {
    film_of(bytes, 1920, 1080)
}

pub fn film_of(bytes: usize, width: u32, height: u32) -> Vec<u8> {
    let mvhd = boxed(b"mvhd", &[&[0; 12][..], &600u32.to_be_bytes(), &1_500u32.to_be_bytes()].concat());
    let sides = [(width << 16).to_be_bytes(), (height << 16).to_be_bytes()].concat();
    let tkhd = boxed(b"tkhd", &[&[0; 40][..], &0x1_0000u32.to_be_bytes(), &[0; 32], &sides].concat());
    let moov = boxed(b"moov", &[mvhd, boxed(b"trak", &tkhd)].concat());
    let ftyp = boxed(b"ftyp", b"mp42\0\0\0\0isommp42");
    let mdat = boxed(b"mdat", &vec![7; bytes - ftyp.len() - moov.len() - 8]);
    [ftyp, mdat, moov].concat()
}
