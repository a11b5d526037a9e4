//! The same expectations of a folder and, where `PLAZA_TEST_S3_ENDPOINT` names one (`http://127.0.0.1:9000`; any keys, a bucket
//! `plaza`), of an object store.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use blobs::{BlobError, Blobs, READ_BYTES_MAX, Settings};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use kernel::Secret;

async fn check_all(blobs: &Blobs) {
    what_is_written_is_read(blobs).await;
    what_is_missing_is_said_to_be(blobs).await;
    parts_become_one(blobs).await;
    a_folder_is_deleted_and_its_neighbour_is_not(blobs).await;
    more_than_memory_should_hold_is_refused(blobs).await;
    blobs.probe().await.unwrap();
}

#[tokio::test]
async fn a_folder_does() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(&Settings::default(), &folder.path().join("blobs")).unwrap();
    check_all(&blobs).await;
    let again = Blobs::open(&Settings::default(), &folder.path().join("blobs")).unwrap();
    assert_eq!(again.get("one/a").await.unwrap(), "ada");
}

fn s3(endpoint: &str, bucket: &str) -> Settings {
    Settings {
        url: Some(format!("s3://{bucket}/test-{:016x}", rand::random::<u64>())),
        endpoint: Some(endpoint.to_owned()),
        region: Some("us-east-1".to_owned()),
        access_key: Some("plaza".to_owned()),
        secret_key: Some(Secret::new("plaza-secret".to_owned())),
    }
}

#[tokio::test]
async fn an_object_store_does() {
    let Ok(endpoint) = std::env::var("PLAZA_TEST_S3_ENDPOINT") else { return };
    let blobs = Blobs::open(&s3(&endpoint, "plaza"), "/nowhere".as_ref()).unwrap();
    check_all(&blobs).await;
    let missing = Blobs::open(&s3(&endpoint, "plaza-is-not-here"), "/nowhere".as_ref()).unwrap();
    assert!(missing.probe().await.is_err(), "a bucket that does not exist");
}

#[tokio::test]
async fn an_object_store_that_is_away_is_said_to_be() {
    // Nobody listens on the discard port.
    let blobs = Blobs::open(&s3("http://127.0.0.1:9", "plaza"), "/nowhere".as_ref()).unwrap();
    assert!(matches!(blobs.probe().await, Err(BlobError::Store(_))));
    assert!(matches!(blobs.put("a", Bytes::from_static(b"ada")).await, Err(BlobError::Store(_))));
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_said_to_be() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(Blobs::open(&Settings::default(), &file.path().join("blobs")).is_err());
}

async fn what_is_written_is_read(blobs: &Blobs) {
    blobs.put("one/a", Bytes::from_static(b"first")).await.unwrap();
    blobs.put("one/a", Bytes::from_static(b"ada")).await.unwrap();
    assert_eq!(blobs.get("one/a").await.unwrap(), "ada");
    assert_eq!(blobs.range("one/a", 1..2).await.unwrap(), "d");
    assert_eq!(blobs.range("one/a", 1..99).await.unwrap(), "da", "as far as it goes");
    let streamed: Vec<Bytes> = blobs.stream("one/a", 0..2).await.unwrap().try_collect().await.unwrap();
    assert_eq!(streamed.concat(), b"ad");
}

async fn what_is_missing_is_said_to_be(blobs: &Blobs) {
    assert!(matches!(blobs.get("none").await, Err(BlobError::NotFound(_))));
    assert!(matches!(blobs.range("none", 0..1).await, Err(BlobError::NotFound(_))));
    assert!(matches!(blobs.stream("none", 0..1).await.map(drop), Err(BlobError::NotFound(_))));
    assert!(matches!(blobs.join("all", &["none".to_owned()]).await, Err(BlobError::NotFound(_))));
    blobs.delete("none").await.unwrap();
    assert_eq!(blobs.delete_folder("none").await.unwrap(), 0);
}

async fn parts_become_one(blobs: &Blobs) {
    // Larger than a part of S3, and not a multiple of it.
    let sizes = [9 * 1024 * 1024, 1, 8 * 1024 * 1024 + 5];
    let mut keys = Vec::new();
    for (at, size) in sizes.into_iter().enumerate() {
        keys.push(format!("parts/{at:03}"));
        blobs.put(&keys[at], Bytes::from(vec![b'a' + at as u8; size])).await.unwrap();
    }
    let total: usize = sizes.iter().sum();
    assert_eq!(blobs.join("whole", &keys).await.unwrap(), total as u64);
    let whole = blobs.get("whole").await.unwrap();
    assert_eq!(whole, blobs.gather(&keys).await.unwrap());
    assert_eq!((whole.len(), whole[sizes[0] - 1], whole[sizes[0]], whole[total - 1]), (total, b'a', b'b', b'c'));
}

async fn a_folder_is_deleted_and_its_neighbour_is_not(blobs: &Blobs) {
    for key in ["f/a", "f/b/c", "fg/d"] {
        blobs.put(key, Bytes::from_static(b"x")).await.unwrap();
    }
    assert_eq!(blobs.keys("f").await.unwrap(), ["f/a", "f/b/c"]);
    assert_eq!(blobs.delete_folder("f").await.unwrap(), 2);
    assert!(blobs.keys("f").await.unwrap().is_empty());
    assert_eq!(blobs.keys("fg").await.unwrap(), ["fg/d"]);
}

async fn more_than_memory_should_hold_is_refused(blobs: &Blobs) {
    let half = Bytes::from(vec![0; READ_BYTES_MAX as usize / 2]);
    blobs.put("half", half).await.unwrap();
    blobs.put("bit", Bytes::from_static(b"x")).await.unwrap();
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(blobs.gather(&named(&["half", "half"])).await.unwrap().len() as u64, READ_BYTES_MAX);
    assert!(matches!(blobs.gather(&named(&["half", "half", "bit"])).await, Err(BlobError::TooLarge(_))));
    blobs.join("full", &named(&["half", "half"])).await.unwrap();
    assert_eq!(blobs.get("full").await.unwrap().len() as u64, READ_BYTES_MAX);
    blobs.join("over", &named(&["half", "half", "bit"])).await.unwrap();
    assert!(matches!(blobs.get("over").await, Err(BlobError::TooLarge(_))));
    assert!(matches!(blobs.range("over", 0..READ_BYTES_MAX + 1).await, Err(BlobError::TooLarge(_))));
    for key in ["half", "bit", "full", "over"] {
        blobs.delete(key).await.unwrap();
    }
}
