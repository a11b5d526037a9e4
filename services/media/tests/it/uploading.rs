use axum::body::Body;
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Method, StatusCode};
use kernel::MediaId;
use media::PARTS_OF_ONE_MAX;
use media::model::{
    DAY_BYTES_MAX, IMAGE_BYTES_MAX, PART_BYTES_MAX, PART_BYTES_MIN, UPLOAD_MAX, UPLOADS_MAX, VIDEO_BYTES_MAX,
};
use schemas::media::{MediaState, MediaType};

use crate::files::{encoded, film, halves, noise};
use crate::world::World;

const PART: u64 = PART_BYTES_MIN;

#[tokio::test]
async fn a_file_arrives_in_parts_and_tells_where_to_go_on() {
    let world = World::new().await;
    let (ada, file) = (world.person(), film(3 * PART as usize - 5));
    let id = world.begun(ada, MediaType::Mp4, file.len() as u64).await;
    let begun = world.get(ada, id).await;
    assert_eq!((begun.state, begun.received, begun.part_bytes_min), (MediaState::Uploading, 0, Some(PART)));
    assert_eq!(begun.expires_at, Some(begun.created_at.plus(UPLOAD_MAX)));
    let part = |at: usize| file[at * PART as usize..].chunks(PART as usize).next().unwrap().to_vec();
    assert_eq!(world.append(ada, id, 0, part(0)).await.header("upload-offset").unwrap(), PART.to_string());
    // Its answer was lost: the repeat is told where to go on, and so is whoever asks.
    let repeat = world.append(ada, id, 0, part(0)).await;
    assert_eq!(repeat.failure(), (409, "upload_offset_conflict"));
    assert_eq!(repeat.header("upload-offset").unwrap(), PART.to_string());
    let head = world.send(Method::HEAD, &format!("/v1/media/{id}"), Some(ada), &[], Body::empty()).await;
    assert_eq!((head.status, head.header("upload-offset").unwrap()), (StatusCode::OK, &*PART.to_string()));
    assert_eq!(head.header("upload-length").unwrap(), file.len().to_string());
    let ahead = world.append(ada, id, 2 * PART, part(2)).await;
    assert_eq!((ahead.status, ahead.header("upload-offset").unwrap()), (StatusCode::CONFLICT, &*PART.to_string()));
    // Another node goes on with it.
    let other = world.neighbour().await;
    assert_eq!(other.append(ada, id, PART, part(1)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.append(ada, id, 2 * PART, part(2)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(ada, id).await.state, MediaState::Processing);
    let after = world.append(ada, id, file.len() as u64, part(0)).await;
    assert_eq!(after.failure(), (409, "upload_complete"));
    assert!(world.worker.work_once().await.unwrap());
    let ready = world.get(ada, id).await;
    let whole = world.read(&ready.renditions[0].url, &[]).await;
    assert_eq!(whole.bytes, file);
}

#[tokio::test]
async fn of_parts_for_one_place_one_is_kept() {
    let world = World::new().await;
    let (ada, picture) = (world.person(), encoded(&noise(300, 300), image::ImageFormat::Png));
    let id = world.begun(ada, MediaType::Png, picture.len() as u64).await;
    for (at, part) in picture.chunks(PART as usize).enumerate() {
        let racers = (0..PARTS_OF_ONE_MAX).map(|_| world.append(ada, id, at as u64 * PART, part.to_vec()));
        let answers = join_all(racers).await;
        let kept = answers.iter().filter(|it| it.status == StatusCode::NO_CONTENT).count();
        assert_eq!(kept, 1, "{answers:?}");
        assert!(answers.iter().all(|it| matches!(it.status.as_u16(), 204 | 409)), "{answers:?}");
    }
    let parts = world.keys(id).await;
    assert_eq!(parts.len(), picture.len().div_ceil(PART as usize), "losers leave nothing: {parts:?}");
    assert!(world.worker.work_once().await.unwrap());
    assert_eq!(world.get(ada, id).await.state, MediaState::Ready);
}

/// A body that breaks off after `bytes`.
fn broken(bytes: usize) -> Body {
    let chunks = [Ok(Bytes::from(vec![0; bytes])), Err(std::io::Error::other("the connection is gone"))];
    Body::from_stream(futures_util::stream::iter(chunks))
}

#[tokio::test]
async fn a_part_that_breaks_off_is_not_kept_and_the_upload_goes_on() {
    let world = World::new().await;
    let (ada, file) = (world.person(), film(2 * PART as usize));
    let id = world.begun(ada, MediaType::Mp4, file.len() as u64).await;
    world.append(ada, id, 0, file[..PART as usize].to_vec()).await;
    let answer = world.append(ada, id, PART, broken(PART as usize / 2)).await;
    assert_eq!(answer.failure(), (400, "body_incomplete"));
    assert_eq!(world.get(ada, id).await.received, PART);
    assert_eq!(world.keys(id).await.len(), 1);
    let rest = world.append(ada, id, PART, file[PART as usize..].to_vec()).await;
    assert_eq!(rest.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn sizes_have_limits() {
    let world = World::new().await;
    for (kind, max) in [(MediaType::Jpeg, IMAGE_BYTES_MAX), (MediaType::Webm, VIDEO_BYTES_MAX)] {
        let ada = world.person();
        assert_eq!(world.begin(ada, kind, max).await.status, StatusCode::CREATED);
        let over = world.begin(ada, kind, max + 1).await;
        assert_eq!(over.failure(), (422, "invalid_media_size"));
        assert_eq!(world.begin(ada, kind, 1).await.status, StatusCode::CREATED);
        assert_eq!(world.begin(ada, kind, 0).await.failure(), (422, "invalid_media_size"));
    }
}

#[tokio::test]
async fn parts_have_limits() {
    let world = World::new().await;
    let ada = world.person();
    let file = film(2 * PART_BYTES_MAX as usize + 10);
    let id = world.begun(ada, MediaType::Mp4, file.len() as u64).await;
    let part = |at: usize, len: usize| file[at..at + len].to_vec();
    let max = PART_BYTES_MAX as usize;
    assert_eq!(world.append(ada, id, 0, part(0, max + 1)).await.failure(), (413, "body_too_large"));
    let short = world.append(ada, id, 0, part(0, PART as usize - 1)).await;
    assert_eq!(short.failure(), (422, "invalid_upload_part"));
    assert_eq!(world.append(ada, id, 0, Body::empty()).await.failure(), (422, "invalid_upload_part"));
    assert_eq!(world.append(ada, id, 0, part(0, max)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.append(ada, id, max as u64, part(max, max)).await.status, StatusCode::NO_CONTENT);
    let past = world.append(ada, id, 2 * max as u64, vec![0; 11]).await;
    assert_eq!(past.failure(), (422, "invalid_upload_part"));
    assert_eq!(world.append(ada, id, 2 * max as u64, part(2 * max, 10)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.keys(id).await.len(), 3);
}

#[tokio::test]
async fn a_person_has_so_many_uploads_and_so_many_bytes_a_day() {
    let world = World::new().await;
    let (ada, ben) = (world.person(), world.person());
    let at_once = join_all((0..UPLOADS_MAX + 3).map(|_| world.begin(ada, MediaType::Png, 100))).await;
    let begun = at_once.iter().filter(|it| it.status == StatusCode::CREATED).count() as i64;
    assert_eq!(begun, UPLOADS_MAX, "also when begun at once");
    assert_eq!(world.begin(ada, MediaType::Png, 100).await.failure(), (409, "too_many_uploads"));
    let videos = DAY_BYTES_MAX / VIDEO_BYTES_MAX as i64;
    for _ in 0..videos {
        assert_eq!(world.begin(ben, MediaType::Mp4, VIDEO_BYTES_MAX).await.status, StatusCode::CREATED);
    }
    assert_eq!(world.begin(ben, MediaType::Png, 1).await.failure(), (409, "upload_quota_reached"));
    world.clock.advance(UPLOAD_MAX);
    world.worker.sweep().await.unwrap();
    assert_eq!(world.begin(ada, MediaType::Png, 100).await.status, StatusCode::CREATED);
    assert_eq!(world.begin(ben, MediaType::Png, 1).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_person_sends_so_many_parts_at_once() {
    let world = World::new().await;
    let (ada, file) = (world.person(), encoded(&halves(64, 64), image::ImageFormat::Png));
    let id = world.begun(ada, MediaType::Png, file.len() as u64).await;
    let places: Vec<_> = (0..PARTS_OF_ONE_MAX).map(|_| world.service.place(ada).unwrap()).collect();
    let busy = world.append(ada, id, 0, file.clone()).await;
    assert_eq!((busy.failure(), busy.header("retry-after").unwrap()), ((503, "uploads_busy"), "1"));
    let others: Vec<_> =
        (PARTS_OF_ONE_MAX..media::PARTS_MAX).map(|_| world.service.place(world.person()).unwrap()).collect();
    assert!(world.service.place(world.person()).is_err(), "the process is full");
    drop((places, others));
    assert_eq!(world.append(ada, id, 0, file).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn an_upload_is_its_owners() {
    let world = World::new().await;
    let (ada, ben) = (world.person(), world.person());
    let id = world.begun(ada, MediaType::Png, 100).await;
    let path = format!("/v1/media/{id}");
    assert_eq!(world.append(ben, id, 0, vec![0; 100]).await.failure(), (404, "upload_not_found"));
    let read = world.send(Method::GET, &path, Some(ben), &[], Body::empty()).await;
    assert_eq!(read.failure(), (404, "upload_not_found"));
    let stranger = world.send(Method::GET, &path, None, &[], Body::empty()).await;
    assert_eq!(stranger.failure(), (401, "unauthenticated"));
    let unknown = world.append(ada, MediaId::new(world.clock.now()), 0, vec![0; 100]).await;
    assert_eq!(unknown.failure(), (404, "upload_not_found"));
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let world = World::new().await;
    let ada = world.person();
    let id = world.begun(ada, MediaType::Png, 100).await;
    let json = [("content-type", "application/json")];
    let begin = async |body: &'static str| world.send(Method::POST, "/v1/media", Some(ada), &json, body).await;
    assert_eq!(begin("{").await.failure(), (400, "malformed_json"));
    for body in
        ["{}", r#"{"type":"image/tiff","bytes":1}"#, r#"{"type":"image/png","bytes":-1}"#, r#"{"type":"image/png"}"#]
    {
        assert_eq!(begin(body).await.failure(), (422, "invalid_body"), "{body}");
    }
    assert_eq!(begin(r#"{"type":"image/png","bytes":1,"name":"x"}"#).await.failure(), (422, "invalid_body"));
    let path = format!("/v1/media/{id}");
    let part = "application/offset+octet-stream";
    for offset in ["", "-1", "1.5", "x", "99999999999999999999999"] {
        let headers = [("content-type", part), ("upload-offset", offset)];
        let answer = world.send(Method::PATCH, &path, Some(ada), &headers, vec![0; 100]).await;
        assert_eq!(answer.failure(), (422, "invalid_upload_offset"), "{offset}");
    }
    let headers = [("content-type", part)];
    let answer = world.send(Method::PATCH, &path, Some(ada), &headers, vec![0; 100]).await;
    assert_eq!(answer.failure(), (422, "invalid_upload_offset"));
    for kind in ["application/json", "image/png", ""] {
        let headers = [("content-type", kind), ("upload-offset", "0")];
        let answer = world.send(Method::PATCH, &path, Some(ada), &headers, vec![0; 100]).await;
        assert_eq!(answer.failure(), (415, "unsupported_media_type"), "{kind}");
    }
    let nowhere = world.send(Method::GET, "/v1/media/post_x", Some(ada), &[], Body::empty()).await;
    assert_eq!(nowhere.failure(), (404, "not_found"));
}

#[tokio::test]
async fn beginning_again_with_the_same_key_begins_nothing_new() {
    let world = World::new().await;
    let ada = world.person();
    let headers = [("content-type", "application/json"), ("idempotency-key", "once")];
    let body = r#"{"type":"image/png","bytes":100}"#;
    let first = world.send(Method::POST, "/v1/media", Some(ada), &headers, body).await;
    let second = world.send(Method::POST, "/v1/media", Some(ada), &headers, body).await;
    assert_eq!((first.status, first.body), (StatusCode::CREATED, second.body));
}
