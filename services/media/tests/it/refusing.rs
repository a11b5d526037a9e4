use image::ImageFormat;
use media::model::{IMAGE_BYTES_MAX, PART_BYTES_MIN, PIXELS_MAX, SIDE_MAX};
use media::pictures;
use schemas::media::{MediaState, MediaType, Refusal};

use crate::files::{claims, encoded, film, film_of, halves};
use crate::world::World;

#[tokio::test]
async fn a_file_of_another_kind_is_refused_at_its_first_part() {
    let world = World::new().await;
    let ada = world.person();
    for file in [&b"<html><script>"[..], b"%PDF-1.7 ...", b"BM, a bitmap", b"\0\0\0\x18ftypheic\0\0\0\0heicmif1"] {
        let id = world.begun(ada, MediaType::Jpeg, 10 * PART_BYTES_MIN).await;
        let part = [file, &vec![0; PART_BYTES_MIN as usize]].concat();
        let answer = world.append(ada, id, 0, part).await;
        assert_eq!(answer.failure(), (422, "media_type_unsupported"));
        let media = world.get(ada, id).await;
        assert_eq!((media.state, media.reason), (MediaState::Refused, Some(Refusal::TypeUnsupported)));
        let more = world.append(ada, id, 0, vec![0; PART_BYTES_MIN as usize]).await;
        assert_eq!(more.failure(), (409, "upload_complete"));
        assert!(world.keys(id).await.is_empty());
    }
}

#[tokio::test]
async fn a_picture_that_cannot_be_decoded_is_refused() {
    let world = World::new().await;
    let ada = world.person();
    let whole = encoded(&halves(300, 300), ImageFormat::Png);
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 0xff;
    for file in [&whole[..whole.len() / 2], &changed, b"GIF89a", b"\xff\xd8\xff\xe0", b"RIFF\xff\0\0\0WEBPVP8 "] {
        let media = world.processed(ada, MediaType::Png, file).await;
        assert_eq!((media.state, media.reason), (MediaState::Refused, Some(Refusal::Broken)), "{file:?}");
        assert!(media.renditions.is_empty() && world.keys(media.id).await.is_empty());
    }
}

#[tokio::test]
async fn a_bomb_is_refused_by_what_it_claims() {
    let world = World::new().await;
    let ada = world.person();
    for (width, height) in [(SIDE_MAX + 1, 1), (1, SIDE_MAX + 1), (16_000, 16_000), (u32::MAX >> 1, u32::MAX >> 1)] {
        let media = world.processed(ada, MediaType::Png, &claims(width, height)).await;
        assert_eq!(media.reason, Some(Refusal::TooManyPixels), "{width} by {height}");
    }
}

#[test]
fn pixels_are_counted_up_to_the_limit() {
    let side = 8_000;
    let reason = |file: &[u8]| pictures::make(file, MediaType::Png, &pictures::SIZES).unwrap_err();
    let rows = (PIXELS_MAX / u64::from(side)) as u32;
    // At the limit it is looked at, and is broken; one more row, and it is not.
    assert_eq!(reason(&claims(side, rows)), Refusal::Broken);
    assert_eq!(reason(&claims(side, rows + 1)), Refusal::TooManyPixels);
    assert_eq!(reason(&claims(SIDE_MAX, 1)), Refusal::Broken);
    assert_eq!(reason(&claims(SIDE_MAX + 1, 1)), Refusal::TooManyPixels);
}

#[tokio::test]
async fn a_picture_that_claims_to_be_a_video_may_not_be_as_large_as_one() {
    let world = World::new().await;
    let ada = world.person();
    let mut file = encoded(&halves(64, 64), ImageFormat::Png);
    file.resize(IMAGE_BYTES_MAX as usize + 1, 0);
    let id = world.begun(ada, MediaType::Mp4, file.len() as u64).await;
    let mut at = 0;
    for part in file.chunks(4 * 1024 * 1024) {
        world.append(ada, id, at, part.to_vec()).await;
        at += part.len() as u64;
    }
    assert!(world.worker.work_once().await.unwrap());
    assert_eq!(world.get(ada, id).await.reason, Some(Refusal::TooLarge));
}

#[tokio::test]
async fn a_video_without_a_description_or_too_wide_is_refused() {
    let world = World::new().await;
    let ada = world.person();
    let film = film(1_000);
    let cut = world.processed(ada, MediaType::Mp4, &film[..film.len() - 100]).await;
    assert_eq!(cut.reason, Some(Refusal::Broken));
    let wide = world.processed(ada, MediaType::Mp4, &film_of(1_000, SIDE_MAX, 2)).await;
    assert_eq!(wide.state, MediaState::Ready);
    let wider = world.processed(ada, MediaType::Mp4, &film_of(1_000, SIDE_MAX + 1, 2)).await;
    assert_eq!(wider.reason, Some(Refusal::TooManyPixels));
    assert!(world.keys(wider.id).await.is_empty());
}
