use std::sync::atomic::Ordering;
use std::time::Duration;

use http::StatusCode;
use kernel::{EventId, MediaId, UserId};
use media::model::{PART_BYTES_MIN, REFUSED_KEPT, UNUSED_MAX, UPLOAD_MAX};
use postgres::outbox::{Consumer as _, Delivery};
use schemas::media::MediaType;

use crate::files::{encoded, film, halves};
use crate::world::World;

const MOMENT: Duration = Duration::from_millis(1);

async fn is_there(world: &World, user: UserId, id: MediaId) -> bool {
    world.service.read(&world.ctx(user), id).await.is_ok()
}

#[tokio::test]
async fn an_upload_that_takes_too_long_is_given_up() {
    let world = World::new().await;
    let ada = world.person();
    let file = film(2 * PART_BYTES_MIN as usize);
    let id = world.begun(ada, MediaType::Mp4, file.len() as u64).await;
    world.append(ada, id, 0, file[..PART_BYTES_MIN as usize].to_vec()).await;
    world.clock.advance(UPLOAD_MAX - MOMENT);
    assert_eq!(world.worker.sweep().await.unwrap(), 0);
    assert!(is_there(&world, ada, id).await);
    world.clock.advance(MOMENT);
    // From now on nothing is added, whether or not somebody has come by.
    let late = world.append(ada, id, PART_BYTES_MIN, file[PART_BYTES_MIN as usize..].to_vec()).await;
    assert_eq!(late.failure(), (404, "upload_not_found"));
    assert_eq!(world.worker.sweep().await.unwrap(), 1);
    assert!(!is_there(&world, ada, id).await && world.keys(id).await.is_empty());
    assert_eq!(std::fs::read_dir(world.folder().join("media")).map_or(0, Iterator::count), 0);
}

#[tokio::test]
async fn what_nothing_shows_goes_and_what_something_shows_stays() {
    let world = World::new().await;
    let ada = world.person();
    let file = encoded(&halves(64, 64), image::ImageFormat::Png);
    let [used, unused, asked] = [
        world.ready(ada, MediaType::Png, &file).await,
        world.ready(ada, MediaType::Png, &file).await,
        world.ready(ada, MediaType::Png, &file).await,
    ]
    .map(|media| media.id);
    world.shown.used.lock().insert(used);
    world.clock.advance(UNUSED_MAX - MOMENT);
    assert_eq!(world.worker.sweep().await.unwrap(), 0);
    // Content is about to be written that shows it.
    world.service.owned_and_ready(ada, &[asked], world.clock.now()).await.unwrap();
    world.clock.advance(MOMENT);
    world.shown.away.store(true, Ordering::Relaxed);
    assert!(world.worker.sweep().await.is_err(), "content does not answer: nothing is deleted");
    assert!(is_there(&world, ada, unused).await);
    world.shown.away.store(false, Ordering::Relaxed);
    assert_eq!(world.worker.sweep().await.unwrap(), 1);
    assert!(is_there(&world, ada, used).await && is_there(&world, ada, asked).await);
    assert!(!is_there(&world, ada, unused).await && world.keys(unused).await.is_empty());
    // The content was never written, and the other was deleted.
    world.shown.used.lock().clear();
    world.clock.advance(UNUSED_MAX);
    assert_eq!(world.worker.sweep().await.unwrap(), 2);
    assert_eq!(std::fs::read_dir(world.folder().join("media")).map_or(0, Iterator::count), 0);
}

#[tokio::test]
async fn what_was_refused_is_forgotten_after_a_week() {
    let world = World::new().await;
    let ada = world.person();
    let media = world.processed(ada, MediaType::Gif, b"GIF89a").await;
    world.clock.advance(REFUSED_KEPT - MOMENT);
    assert_eq!(world.worker.sweep().await.unwrap(), 0);
    world.clock.advance(MOMENT);
    assert_eq!(world.worker.sweep().await.unwrap(), 1);
    assert!(!is_there(&world, ada, media.id).await);
}

#[tokio::test]
async fn parts_that_a_killed_worker_left_behind_go() {
    let world = World::new().await;
    let media = world.ready(world.person(), MediaType::Mp4, &film(1_000)).await;
    let left = format!("media/{}/parts/000000000000-0", media.id);
    world.blobs.put(&left, bytes::Bytes::from_static(b"x")).await.unwrap();
    sqlx::query("INSERT INTO media_parts (media, start, bytes, blob) VALUES ($1, 0, 1, $2)")
        .bind(media.id)
        .bind(&left)
        .execute(world.db.pool())
        .await
        .unwrap();
    world.worker.sweep().await.unwrap();
    assert_eq!(world.keys(media.id).await, [format!("media/{}/forms/video", media.id)]);
    assert_eq!(world.read(&media.renditions[0].url, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_deletes_their_account_deletes_what_they_uploaded() {
    let world = World::new().await;
    let (ada, ben) = (world.person(), world.person());
    let adas = world.ready(ada, MediaType::Mp4, &film(1_000)).await;
    let bens = world.ready(ben, MediaType::Mp4, &film(1_000)).await;
    let open = world.begun(ada, MediaType::Mp4, 1_000).await;
    world.shown.used.lock().insert(adas.id);
    let event = Delivery {
        id: EventId::new(world.clock.now()),
        kind: "account.deleted".to_owned(),
        key: ada.to_string(),
        payload: serde_json::json!({ "user": ada, "deleted_at": world.clock.now() }),
        created_at: world.clock.now(),
        tries: 0,
        trace: None,
    };
    for _ in 0..2 {
        world.worker.consume(&event).await.unwrap();
    }
    assert_eq!(world.read(&adas.renditions[0].url, &[]).await.failure(), (404, "upload_not_found"));
    assert_eq!(world.worker.sweep().await.unwrap(), 2);
    assert!(world.keys(adas.id).await.is_empty() && !is_there(&world, ada, open).await);
    assert_eq!(world.read(&bens.renditions[0].url, &[]).await.status, StatusCode::OK);
}
