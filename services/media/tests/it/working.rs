use std::time::Duration;

use image::codecs::gif::GifEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, Frame, GenericImageView as _, ImageEncoder as _, ImageFormat, Rgba, RgbaImage};
use media::model::UNUSED_MAX;
use media::{LEASE, TRIES_MAX};
use schemas::media::{Media, MediaState, MediaType, Refusal};

use crate::files::{SECRET, encoded, film, glass, halves, photograph};
use crate::world::World;

async fn pictures(world: &World, media: &Media) -> Vec<DynamicImage> {
    let mut pictures = Vec::new();
    for form in &media.renditions {
        let answer = world.read(&form.url, &[]).await;
        assert_eq!(answer.header("content-type").unwrap(), form.r#type.name());
        assert_eq!(answer.bytes.len() as u64, form.bytes);
        let picture = image::load_from_memory(&answer.bytes).unwrap();
        assert_eq!((Some(picture.width()), Some(picture.height())), (form.width, form.height));
        pictures.push(picture);
    }
    pictures
}

fn names(media: &Media) -> Vec<(&str, MediaType)> {
    media.renditions.iter().map(|form| (form.name.as_str(), form.r#type)).collect()
}

#[tokio::test]
async fn a_picture_of_each_type_gets_the_forms_that_it_is_large_enough_for() {
    let world = World::new().await;
    let ada = world.person();
    let large = halves(1400, 700);
    for (kind, format) in [
        (MediaType::Jpeg, ImageFormat::Jpeg),
        (MediaType::Png, ImageFormat::Png),
        (MediaType::Webp, ImageFormat::WebP),
        (MediaType::Gif, ImageFormat::Gif),
    ] {
        // Whatever it claims to be, it is what it is.
        let claimed = if kind == MediaType::Png { MediaType::Jpeg } else { MediaType::Png };
        let media = world.ready(ada, claimed, &encoded(&large, format)).await;
        assert_eq!((media.r#type, media.width, media.height), (kind, Some(1400), Some(700)));
        assert_eq!(
            names(&media),
            [("small", MediaType::Jpeg), ("medium", MediaType::Jpeg), ("large", MediaType::Jpeg)]
        );
        let sides: Vec<_> = pictures(&world, &media).await.iter().map(|it| it.dimensions()).collect();
        assert_eq!(sides, [(320, 160), (1080, 540), (1400, 700)]);
    }
    for (width, expected) in [(320, 1), (321, 2), (1080, 2), (1081, 3)] {
        let media = world.ready(ada, MediaType::Png, &encoded(&halves(width, 10), ImageFormat::Png)).await;
        assert_eq!(media.renditions.len(), expected, "{width} pixels");
        assert_eq!(media.renditions.last().and_then(|it| it.width), Some(width), "the last is the picture itself");
    }
}

#[tokio::test]
async fn a_photograph_is_turned_upright_and_tells_nothing() {
    let world = World::new().await;
    let ada = world.person();
    // How the red half lies: left, right, right (mirrored twice), left, top, top, bottom, bottom.
    for (orientation, red) in
        [(1, "left"), (2, "right"), (3, "right"), (4, "left"), (5, "top"), (6, "top"), (7, "bottom"), (8, "bottom")]
    {
        let file = photograph(&halves(800, 400), orientation);
        assert!(String::from_utf8_lossy(&file).contains(SECRET));
        let media = world.ready(ada, MediaType::Jpeg, &file).await;
        let upright = if orientation < 5 { (800, 400) } else { (400, 800) };
        assert_eq!((media.width, media.height), (Some(upright.0), Some(upright.1)), "orientation {orientation}");
        for picture in pictures(&world, &media).await {
            let (width, height) = picture.dimensions();
            assert_eq!(width > height, upright.0 > upright.1);
            let (x, y) = match red {
                "left" => (width / 4, height / 2),
                "right" => (width * 3 / 4, height / 2),
                "top" => (width / 2, height / 4),
                _ => (width / 2, height * 3 / 4),
            };
            let pixel = picture.get_pixel(x, y).0;
            assert!(pixel[0] > 180 && pixel[2] < 60, "orientation {orientation}: {pixel:?} at {red}");
        }
        for form in &media.renditions {
            let answer = world.read(&form.url, &[]).await;
            assert!(!String::from_utf8_lossy(&answer.bytes).contains("home"));
        }
    }
}

#[tokio::test]
async fn what_shines_through_still_does() {
    let world = World::new().await;
    let media = world.ready(world.person(), MediaType::Png, &encoded(&glass(500, 500), ImageFormat::Png)).await;
    assert_eq!(names(&media), [("small", MediaType::Webp), ("medium", MediaType::Webp)]);
    for picture in pictures(&world, &media).await {
        let pixel = picture.get_pixel(10, 10).0;
        assert!((110..130).contains(&pixel[3]), "{pixel:?}");
    }
}

#[tokio::test]
async fn once_it_is_ready_only_its_forms_are_kept() {
    let world = World::new().await;
    let media = world.ready(world.person(), MediaType::Png, &encoded(&halves(64, 64), ImageFormat::Png)).await;
    assert_eq!(world.keys(media.id).await, [format!("media/{}/forms/small", media.id)]);
    assert!(!world.worker.work_once().await.unwrap(), "nothing is left to do");
}

#[tokio::test]
async fn what_a_killed_worker_had_in_hand_is_taken_up_again() {
    let world = World::new().await;
    let ada = world.person();
    let id = world.upload(ada, MediaType::Png, &encoded(&halves(64, 64), ImageFormat::Png)).await;
    // As a worker leaves it that dies after it has begun: counted, leased, one form written.
    take(&world).await;
    world.blobs.put(&format!("media/{id}/forms/small"), bytes::Bytes::from_static(b"half of a pic")).await.unwrap();
    assert!(!world.worker.work_once().await.unwrap(), "it is still somebody's");
    assert_eq!(world.get(ada, id).await.state, MediaState::Processing);
    world.clock.advance(LEASE);
    assert!(world.worker.work_once().await.unwrap());
    let media = world.get(ada, id).await;
    assert_eq!(media.state, MediaState::Ready);
    pictures(&world, &media).await;
}

/// Takes the file that waits as a worker does, and lets it lie.
async fn take(world: &World) {
    let taken = sqlx::query("UPDATE media SET tries = tries + 1, due_at = $1 WHERE state = 2")
        .bind(world.clock.now().plus(LEASE))
        .execute(world.db.pool())
        .await
        .unwrap();
    assert_eq!(taken.rows_affected(), 1);
}

#[tokio::test]
async fn a_file_that_kills_whoever_works_on_it_is_refused_in_the_end() {
    let world = World::new().await;
    let ada = world.person();
    let id = world.upload(ada, MediaType::Png, &encoded(&halves(64, 64), ImageFormat::Png)).await;
    for _ in 0..TRIES_MAX {
        take(&world).await;
        world.clock.advance(LEASE);
    }
    assert!(world.worker.work_once().await.unwrap());
    let media = world.get(ada, id).await;
    assert_eq!((media.state, media.reason), (MediaState::Refused, Some(Refusal::Failed)));
    assert!(world.keys(id).await.is_empty());
}

#[tokio::test]
async fn an_attempt_that_fails_is_made_again_and_not_for_ever() {
    let world = World::new().await;
    let ada = world.person();
    let file = encoded(&halves(64, 64), ImageFormat::Png);
    let id = world.upload(ada, MediaType::Png, &file).await;
    // The store has lost a part.
    let part = world.keys(id).await.remove(0);
    world.blobs.delete(&part).await.unwrap();
    for attempt in 1..TRIES_MAX {
        assert!(world.worker.work_once().await.unwrap());
        assert_eq!(world.get(ada, id).await.state, MediaState::Processing, "attempt {attempt}");
        assert!(!world.worker.work_once().await.unwrap(), "it waits a little");
        world.clock.advance(Duration::from_secs(60));
    }
    // It is found again in time.
    world.blobs.put(&part, file.into()).await.unwrap();
    assert!(world.worker.work_once().await.unwrap());
    assert_eq!(world.get(ada, id).await.state, MediaState::Ready);

    let id = world.upload(ada, MediaType::Png, &encoded(&halves(64, 64), ImageFormat::Png)).await;
    for key in world.keys(id).await {
        world.blobs.delete(&key).await.unwrap();
    }
    for _ in 0..TRIES_MAX {
        assert!(world.worker.work_once().await.unwrap());
        world.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(world.get(ada, id).await.reason, Some(Refusal::Failed));
    assert!(!world.worker.work_once().await.unwrap());
}

#[tokio::test]
async fn workers_share_the_work() {
    let world = World::new().await;
    let other = world.neighbour().await;
    let ada = world.person();
    let mut ids = Vec::new();
    for side in 10..16 {
        ids.push(world.upload(ada, MediaType::Png, &encoded(&halves(side, side), ImageFormat::Png)).await);
    }
    let drain = async |worker: &media::Worker| {
        let mut done = 0;
        while worker.work_once().await.unwrap() {
            done += 1;
        }
        done
    };
    let (one, two): (usize, usize) = tokio::join!(drain(&world.worker), drain(&other.worker));
    assert_eq!(one + two, ids.len(), "each once");
    for id in ids {
        assert_eq!(world.get(ada, id).await.state, MediaState::Ready);
    }
}

/// Where `PLAZA_TEST_S3_ENDPOINT` names an object store: any keys, a bucket `plaza`.
#[tokio::test]
async fn an_object_store_does_as_well_as_a_folder() {
    let Ok(endpoint) = std::env::var("PLAZA_TEST_S3_ENDPOINT") else { return };
    let world = World::on_bucket(&blobs::Settings {
        url: Some("s3://plaza/media-tests".to_owned()),
        endpoint: Some(endpoint),
        region: Some("us-east-1".to_owned()),
        access_key: Some("plaza".to_owned()),
        secret_key: Some(kernel::Secret::new("plaza-secret".to_owned())),
    })
    .await;
    let ada = world.person();
    let picture = world.ready(ada, MediaType::Png, &encoded(&halves(400, 300), ImageFormat::Png)).await;
    assert_eq!(pictures(&world, &picture).await.len(), 2);
    let file = film(300_000);
    let video = world.ready(ada, MediaType::Mp4, &file).await;
    let part = world.read(&video.renditions[0].url, &[("range", "bytes=150000-150009")]).await;
    assert_eq!((part.status.as_u16(), &part.bytes[..]), (206, &file[150_000..150_010]));
    world.clock.advance(UNUSED_MAX);
    assert_eq!(world.worker.sweep().await.unwrap(), 2);
    assert!(world.keys(picture.id).await.is_empty() && world.keys(video.id).await.is_empty());
}

#[tokio::test]
async fn of_an_animation_it_is_the_first_picture() {
    let world = World::new().await;
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for colour in [Rgba([220, 0, 0, 255]), Rgba([0, 0, 220, 255])] {
        encoder.encode_frame(Frame::new(RgbaImage::from_pixel(50, 40, colour))).unwrap();
    }
    drop(encoder);
    let media = world.ready(world.person(), MediaType::Gif, &bytes).await;
    let still = &pictures(&world, &media).await[0];
    assert!(still.get_pixel(25, 20).0[0] > 180, "{:?}", still.get_pixel(25, 20));
}

#[test]
fn a_colour_profile_is_kept_if_it_is_small_and_of_the_kind() {
    let image = halves(64, 64).to_rgb8();
    for (space, length, kept) in [(b"RGB ", 16 * 1024, true), (b"RGB ", 16 * 1024 + 1, false), (b"CMYK", 200, false)] {
        let mut profile = vec![7; length];
        profile[16..20].copy_from_slice(space);
        let mut file = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut file, 90);
        encoder.set_icc_profile(profile).unwrap();
        encoder.write_image(&image, 64, 64, image::ExtendedColorType::Rgb8).unwrap();
        let picture = media::pictures::make(&file, MediaType::Jpeg, &media::pictures::SIZES).unwrap();
        let made = String::from_utf8_lossy(&picture.forms[0].bytes).contains("ICC_PROFILE");
        assert_eq!(made, kept, "{space:?}, {length} bytes");
    }
}
