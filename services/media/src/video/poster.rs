//! A still picture of a video, by ffmpeg, if the machine has it.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use schemas::media::MediaType;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use crate::model::IMAGE_BYTES_MAX;

/// Longest time for one picture.
const MAX: Duration = Duration::from_secs(30);

/// Why there is no still picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error("there is no ffmpeg")]
    NoProgram,
    #[error("ffmpeg cannot be run: {0}")]
    Io(#[from] io::Error),
    #[error("ffmpeg took longer than {} s", MAX.as_secs())]
    Slow,
    #[error("ffmpeg made no picture")]
    Nothing,
}

/// The first picture of the video in `file`, as JPEG. `program` reads that file and nothing else: no network, no other files that
/// a playlist in disguise may name.
pub(crate) async fn poster(program: &str, file: &Path, kind: MediaType) -> Result<Bytes, Failed> {
    let mut command = Command::new(program);
    command.args(["-nostdin", "-v", "error", "-threads", "1", "-protocol_whitelist", "file"]);
    command.args(["-f", if kind == MediaType::Mp4 { "mp4" } else { "webm" }, "-i"]).arg(file);
    command.args(["-map", "0:v:0", "-frames:v", "1", "-vf", "scale='min(1080,iw)':-2"]);
    command.args(["-c:v", "mjpeg", "-q:v", "4", "-f", "image2pipe", "-protocol_whitelist", "pipe", "pipe:1"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failed::NoProgram,
        _ => Failed::Io(error),
    })?;
    let Some(out) = child.stdout.take() else { return Err(Failed::Nothing) };
    let run = async {
        let mut picture = Vec::new();
        out.take(IMAGE_BYTES_MAX + 1).read_to_end(&mut picture).await?;
        if picture.len() as u64 > IMAGE_BYTES_MAX {
            return Err(Failed::Nothing);
        }
        let status = child.wait().await?;
        if status.success() && !picture.is_empty() { Ok(picture.into()) } else { Err(Failed::Nothing) }
    };
    timeout(MAX, run).await.unwrap_or(Err(Failed::Slow))
}
