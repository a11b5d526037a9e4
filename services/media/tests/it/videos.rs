use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use http::StatusCode;
use media::Settings;
use schemas::media::{MediaType, Poster};
use tokio::sync::Mutex;

use crate::files::{SECRET, encoded, film, halves, photograph};
use crate::world::World;

/// One program at a time: a script cannot be run while a process that another test has just started still holds it open for writing.
static ALONE: Mutex<()> = Mutex::const_new(());

#[tokio::test]
async fn a_video_is_kept_as_it_is_and_says_that_it_has_no_poster() {
    let _alone = ALONE.lock().await;
    let world = World::with(Settings { ffmpeg: "/nowhere/ffmpeg".to_owned(), ..Settings::default() }).await;
    let file = film(200_000);
    let media = world.ready(world.person(), MediaType::Mp4, &file).await;
    assert_eq!((media.width, media.height, media.duration_ms), (Some(1920), Some(1080), Some(2_500)));
    assert_eq!((media.poster, media.renditions.len()), (Some(Poster::Unavailable), 1));
    assert_eq!(world.read(&media.renditions[0].url, &[]).await.bytes, file);
}

/// A program in place of ffmpeg.
fn program(folder: &Path, script: &str) -> Settings {
    let path = folder.join("ffmpeg");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    Settings { ffmpeg: path.to_string_lossy().into_owned(), ..Settings::default() }
}

#[tokio::test]
async fn a_poster_is_made_anew_of_what_the_program_says() {
    let (_alone, folder) = (ALONE.lock().await, tempfile::tempdir().unwrap());
    let still = folder.path().join("still.jpg");
    std::fs::write(&still, photograph(&halves(1600, 900), 1)).unwrap();
    let world = World::with(program(folder.path(), &format!("cat {}", still.display()))).await;
    let media = world.ready(world.person(), MediaType::Mp4, &film(1_000)).await;
    assert_eq!(media.poster, Some(Poster::Made));
    let names: Vec<_> = media.renditions.iter().map(|form| form.name.as_str()).collect();
    assert_eq!(names, ["poster", "video"]);
    let answer = world.read(&media.renditions[0].url, &[]).await;
    assert_eq!((answer.status, answer.header("content-type").unwrap()), (StatusCode::OK, "image/jpeg"));
    assert_eq!(image::load_from_memory(&answer.bytes).unwrap().width(), 1080);
    assert!(!String::from_utf8_lossy(&answer.bytes).contains(SECRET));
}

#[tokio::test]
async fn a_video_is_ready_without_a_poster_when_the_program_fails() {
    let (_alone, folder) = (ALONE.lock().await, tempfile::tempdir().unwrap());
    let cut = folder.path().join("cut.png");
    std::fs::write(&cut, &encoded(&halves(64, 64), image::ImageFormat::Png)[..30]).unwrap();
    for script in ["exit 1".to_owned(), "exit 0".to_owned(), "kill -9 $$".to_owned(), format!("cat {}", cut.display())]
    {
        let world = World::with(program(folder.path(), &script)).await;
        let media = world.ready(world.person(), MediaType::Mp4, &film(1_000)).await;
        assert_eq!((media.poster, media.renditions.len()), (Some(Poster::Failed), 1), "{script}");
    }
}

/// With the real program, where `PLAZA_TEST_FFMPEG` names one: it makes the videos too.
#[tokio::test]
async fn ffmpeg_makes_posters_of_real_videos() {
    let Ok(ffmpeg) = std::env::var("PLAZA_TEST_FFMPEG") else { return };
    let (_alone, folder) = (ALONE.lock().await, tempfile::tempdir().unwrap());
    let world = World::with(Settings { ffmpeg: ffmpeg.clone(), ..Settings::default() }).await;
    for (name, codec, kind) in [("a.mp4", "mpeg4", MediaType::Mp4), ("a.webm", "libvpx", MediaType::Webm)] {
        let path = folder.path().join(name);
        let source = ["-f", "lavfi", "-i", "testsrc=size=640x360:rate=10:duration=2", "-c:v", codec];
        let made = Command::new(&ffmpeg).args(["-v", "error", "-nostdin"]).args(source).arg(&path).status().unwrap();
        assert!(made.success());
        let media = world.ready(world.person(), kind, &std::fs::read(&path).unwrap()).await;
        assert_eq!((media.r#type, media.poster), (kind, Some(Poster::Made)));
        assert_eq!((media.width, media.height, media.duration_ms), (Some(640), Some(360), Some(2_000)), "{name}");
        let poster = world.read(&media.renditions[0].url, &[]).await;
        assert_eq!(image::load_from_memory(&poster.bytes).unwrap().width(), 640);
    }
}
