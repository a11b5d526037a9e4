//! Pictures, made anew: upright, in several sizes, without their metadata.

use std::io::Cursor;

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, GenericImageView as _, ImageDecoder as _, ImageEncoder, ImageFormat, ImageReader, Limits};
use schemas::media::{MediaType, Refusal};

use crate::model::{PIXELS_MAX, SIDE_MAX};

/// Names and widths of the forms, smallest first. A form of a size that the picture does not have is left out.
pub const SIZES: [(&str, u32); 3] = [("small", 320), ("medium", 1080), ("large", 2048)];
/// A form is at most so many times as high as its size is wide.
const TALL_MAX: u32 = 3;
/// Of JPEG, 1 to 100.
const QUALITY: u8 = 82;
/// What decoding may allocate besides: the output of 16-bit PNG has eight bytes a pixel.
const ALLOC_BYTES_MAX: u64 = PIXELS_MAX * 8 + 64 * 1024 * 1024;
/// Longest colour profile that is kept. Those of cameras and screens have a few kilobytes.
const PROFILE_BYTES_MAX: usize = 16 * 1024;

/// A form that was made.
#[derive(Debug, Clone)]
pub struct Made {
    pub name: &'static str,
    pub r#type: MediaType,
    pub width: u32,
    pub height: u32,
    pub bytes: Bytes,
}

/// A picture and its forms.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Upright.
    pub width: u32,
    pub height: u32,
    /// Smallest first.
    pub forms: Vec<Made>,
}

/// Makes the forms of a picture. Takes as long as it takes: not for a thread that serves others.
pub fn make(bytes: &[u8], kind: MediaType, sizes: &[(&'static str, u32)]) -> Result<Picture, Refusal> {
    let (mut image, orientation, profile) = decode(bytes, kind)?;
    let turned = matches!(
        orientation,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    );
    let (width, height) = if turned { (image.height(), image.width()) } else { image.dimensions() };
    // The first, and each that the one before is too small for.
    let needed = |at: usize| at == 0 || !holds(sizes[at - 1].1, width, height);
    let (mut forms, mut opaque) = (Vec::with_capacity(sizes.len()), true);
    // From the largest on, each out of the one before.
    for (name, size) in sizes.iter().enumerate().filter(|(at, _)| needed(*at)).map(|(_, it)| *it).rev() {
        let (across, down) = (size, size.saturating_mul(TALL_MAX));
        if forms.is_empty() {
            // Shrunk, then turned: whole photographs are not moved about.
            image = if turned { shrunk(image, down, across) } else { shrunk(image, across, down) };
            image.apply_orientation(orientation);
            opaque = !image.color().has_alpha() || image.to_rgba8().pixels().all(|pixel| pixel.0[3] == u8::MAX);
        } else {
            image = shrunk(image, across, down);
        }
        forms.push(encode(&image, name, opaque, profile.as_deref())?);
    }
    forms.reverse();
    Ok(Picture { width, height, forms })
}

/// Within these bounds. By halves of averages at first, which cost no memory, then well.
fn shrunk(image: DynamicImage, across: u32, down: u32) -> DynamicImage {
    let (rough_across, rough_down) = (across.saturating_mul(2), down.saturating_mul(2));
    let rough = match image.width() > rough_across || image.height() > rough_down {
        true => image.thumbnail(rough_across, rough_down),
        false => image,
    };
    if rough.width() > across || rough.height() > down {
        return rough.resize(across, down, FilterType::CatmullRom);
    }
    rough
}

/// Whether a picture fits into a form of `size` as it is.
const fn holds(size: u32, width: u32, height: u32) -> bool {
    width <= size && height <= size.saturating_mul(TALL_MAX)
}

type Decoded = (DynamicImage, Orientation, Option<Vec<u8>>);

fn decode(bytes: &[u8], kind: MediaType) -> Result<Decoded, Refusal> {
    let format = match kind {
        MediaType::Jpeg => ImageFormat::Jpeg,
        MediaType::Png => ImageFormat::Png,
        MediaType::Webp => ImageFormat::WebP,
        MediaType::Gif => ImageFormat::Gif,
        MediaType::Mp4 | MediaType::Webm => return Err(Refusal::TypeUnsupported),
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(SIDE_MAX), Some(SIDE_MAX));
    limits.max_alloc = Some(ALLOC_BYTES_MAX);
    reader.limits(limits);
    // Reads the header only: what a few bytes claim to become is refused before it does.
    let mut decoder = reader.into_decoder().map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    if width > SIDE_MAX || height > SIDE_MAX || u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(Refusal::TooManyPixels);
    }
    // Metadata that cannot be read is none.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten().filter(|profile| is_rgb(profile));
    let image = DynamicImage::from_decoder(decoder).map_err(refusal)?;
    let profile = profile.filter(|_| image.color().has_color());
    Ok((image, orientation, profile))
}

/// Whether it says how red, green and blue are meant. Pictures in other terms are brought to these when they are decoded.
fn is_rgb(profile: &[u8]) -> bool {
    profile.len() <= PROFILE_BYTES_MAX && profile.get(16..20) == Some(b"RGB ")
}

fn refusal(error: image::ImageError) -> Refusal {
    match error {
        image::ImageError::Limits(_) => Refusal::TooManyPixels,
        _ => Refusal::Broken,
    }
}

/// JPEG, unless something shows through; then WebP without loss.
fn encode(image: &DynamicImage, name: &'static str, opaque: bool, profile: Option<&[u8]>) -> Result<Made, Refusal> {
    let mut bytes = Vec::new();
    let (width, height) = image.dimensions();
    let failed = |_| Refusal::Broken;
    let kind = if opaque {
        let pixels = image.to_rgb8();
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
        keep(&mut encoder, profile);
        encoder.write_image(&pixels, width, height, image::ExtendedColorType::Rgb8).map_err(failed)?;
        MediaType::Jpeg
    } else {
        let pixels = image.to_rgba8();
        let mut encoder = WebPEncoder::new_lossless(&mut bytes);
        keep(&mut encoder, profile);
        encoder.write_image(&pixels, width, height, image::ExtendedColorType::Rgba8).map_err(failed)?;
        MediaType::Webp
    };
    Ok(Made { name, r#type: kind, width, height, bytes: bytes.into() })
}

/// Colours are meant in terms of the profile: without it they would be others.
fn keep(encoder: &mut impl ImageEncoder, profile: Option<&[u8]>) {
    if let Some(profile) = profile {
        // A format that has no place for it does without.
        drop(encoder.set_icc_profile(profile.to_vec()));
    }
}
