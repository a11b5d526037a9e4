use std::time::Duration;

use axum::body::Body;
use http::{Method, StatusCode};
use media::Reach;
use schemas::media::MediaType;

use crate::files::film;
use crate::world::World;

const SIZE: usize = 100_000;

async fn film_at(world: &World) -> (Vec<u8>, String) {
    let file = film(SIZE);
    let media = world.ready(world.person(), MediaType::Mp4, &file).await;
    (file, media.renditions[0].url.clone())
}

#[tokio::test]
async fn bytes_come_whole_or_by_range() {
    let world = World::new().await;
    let (file, url) = film_at(&world).await;
    let whole = world.read(&url, &[]).await;
    assert_eq!((whole.status, &whole.bytes[..]), (StatusCode::OK, &file[..]));
    assert_eq!(whole.header("accept-ranges").unwrap(), "bytes");
    assert_eq!(whole.header("content-length").unwrap(), SIZE.to_string());
    for (range, expected) in [
        ("bytes=0-0", 0..1),
        ("bytes=500-999", 500..1000),
        ("bytes=99999-", SIZE - 1..SIZE),
        ("bytes=-7", SIZE - 7..SIZE),
        ("bytes=90000-200000", 90_000..SIZE),
    ] {
        let part = world.read(&url, &[("range", range)]).await;
        assert_eq!((part.status, &part.bytes[..]), (StatusCode::PARTIAL_CONTENT, &file[expected.clone()]), "{range}");
        let told = format!("bytes {}-{}/{SIZE}", expected.start, expected.end - 1);
        assert_eq!(
            (part.header("content-range").unwrap(), part.header("content-type").unwrap()),
            (&*told, "video/mp4")
        );
        assert_eq!(part.header("content-length").unwrap(), expected.len().to_string());
    }
    for past in ["bytes=100000-", "bytes=100000-100001", "bytes=-0"] {
        let nothing = world.read(&url, &[("range", past)]).await;
        assert_eq!(nothing.failure(), (416, "range_unsatisfiable"), "{past}");
        assert_eq!(nothing.header("content-range").unwrap(), format!("bytes */{SIZE}"));
    }
    for passed_over in ["bytes=0-1,5-6", "lines=0-1", "bytes=x"] {
        assert_eq!(world.read(&url, &[("range", passed_over)]).await.status, StatusCode::OK, "{passed_over}");
    }
}

#[tokio::test]
async fn what_a_reader_has_is_not_sent_again() {
    let world = World::new().await;
    let (_, url) = film_at(&world).await;
    let tag = world.read(&url, &[]).await.header("etag").unwrap().to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'));
    for known in [tag.as_str(), "*", &format!("\"other\", W/{tag}")] {
        let answer = world.read(&url, &[("if-none-match", known)]).await;
        assert_eq!((answer.status, answer.header("etag").unwrap()), (StatusCode::NOT_MODIFIED, &*tag), "{known}");
        assert!(answer.bytes.is_empty());
    }
    assert_eq!(world.read(&url, &[("if-none-match", "\"other\"")]).await.status, StatusCode::OK);
    let range = ("range", "bytes=0-9");
    assert_eq!(world.read(&url, &[range, ("if-range", &tag)]).await.status, StatusCode::PARTIAL_CONTENT);
    for other in ["\"other\"", "Wed, 21 Oct 2015 07:28:00 GMT", &format!("W/{tag}")] {
        let answer = world.read(&url, &[range, ("if-range", other)]).await;
        assert_eq!((answer.status, answer.bytes.len()), (StatusCode::OK, SIZE), "{other}");
    }
}

#[tokio::test]
async fn what_is_sent_is_what_it_says_and_is_kept_while_its_address_holds() {
    let world = World::new().await;
    let (_, url) = film_at(&world).await;
    let answer = world.read(&url, &[]).await;
    assert_eq!(answer.header("content-type").unwrap(), "video/mp4");
    assert_eq!(answer.header("x-content-type-options").unwrap(), "nosniff");
    assert!(answer.header("content-security-policy").unwrap().contains("sandbox"));
    let caching = answer.header("cache-control").unwrap();
    assert!(caching.starts_with("private, max-age=") && caching.ends_with(", immutable"), "{caching}");
    let head = world.send(Method::HEAD, &url, None, &[("range", "bytes=0-1")], Body::empty()).await;
    assert_eq!((head.status, head.header("content-length").unwrap()), (StatusCode::OK, &*SIZE.to_string()));
    assert!(head.bytes.is_empty());
}

#[tokio::test]
async fn an_address_holds_for_a_time_and_for_one_form() {
    let world = World::new().await;
    let ada = world.person();
    let media = world.ready(ada, MediaType::Mp4, &film(1_000)).await;
    let now = world.clock.now();
    let url = async |reaches: &[Reach]| {
        let asked: Vec<_> = reaches.iter().map(|reach| (media.id, *reach)).collect();
        let mut found = world.service.describe(&asked, now).await.unwrap();
        found.remove(&media.id).unwrap().renditions.remove(0).url
    };
    let (hidden, public) = (&url(&[Reach::Hidden]).await, &url(&[Reach::Public]).await);
    for twice in [[Reach::Public, Reach::Hidden], [Reach::Hidden, Reach::Public]] {
        assert_eq!(&url(&twice).await, hidden);
    }
    assert!(world.read(public, &[]).await.header("cache-control").unwrap().starts_with("public, "));
    let refused = (403, "invalid_media_link");
    for wrong in [
        hidden.replace("/video?", "/poster?"),
        format!("{hidden}x"),
        hidden.replace("?k=", "?k=A"),
        format!("{}AAAAAAAA", &hidden[..hidden.len() - 8]),
        hidden.replace(&media.id.to_string(), &kernel::MediaId::new(now).to_string()),
    ] {
        assert_eq!(world.read(&wrong, &[]).await.failure(), refused, "{wrong}");
    }
    let bare = hidden.split_once('?').unwrap().0;
    assert_eq!(world.read(bare, &[]).await.failure(), (422, "invalid_query"));
    assert_eq!(world.read(&format!("{hidden}&x=1"), &[]).await.failure(), (422, "invalid_query"));
    world.clock.advance(Duration::from_secs(2 * 60 * 60));
    assert_eq!(world.read(hidden, &[]).await.failure(), refused);
    assert_eq!(world.read(public, &[]).await.status, StatusCode::OK);
    world.clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
    assert_eq!(world.read(public, &[]).await.failure(), refused);
}

#[tokio::test]
async fn content_is_told_of_what_is_its_authors_and_ready() {
    let world = World::new().await;
    let (ada, ben) = (world.person(), world.person());
    let ready = world.ready(ada, MediaType::Mp4, &film(1_000)).await;
    let unfinished = world.begun(ada, MediaType::Mp4, 1_000).await;
    let others = world.ready(ben, MediaType::Mp4, &film(1_000)).await;
    let ids = [ready.id, unfinished, others.id, kernel::MediaId::new(world.clock.now())];
    let now = world.clock.now();
    let mine = world.service.owned_and_ready(ada, &ids, now).await.unwrap();
    assert_eq!(mine.keys().copied().collect::<Vec<_>>(), [ready.id]);
    let shown = world.service.describe(&ids.map(|id| (id, Reach::Public)), now).await.unwrap();
    assert_eq!(shown.len(), 2);
    assert_eq!((shown[&ready.id].duration_ms, shown[&ready.id].width), (Some(2_500), Some(1920)));
    assert!(world.service.describe(&[], now).await.unwrap().is_empty());
}
