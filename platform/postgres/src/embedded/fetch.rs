//! Fetches PostgreSQL's programs, once: zonky's builds from Maven Central.
//!
//! A build is a jar (zip) with one `.txz` in it (a tar, compressed by xz). What arrives is checked against a digest
//! that is pinned here, unpacked beside its place, and moved there as a whole.

use std::fs::{self, File};
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::{EmbeddedError, Progress};

pub const VERSION: &str = "18.4.0";
pub const MAJOR: u32 = 18;
pub const DOWNLOAD_URL_DEFAULT: &str = "https://repo1.maven.org/maven2";

/// SHA-256 of each build of [`VERSION`]. Without a line here, a platform is not fetched for.
const BUILDS: [(&str, &str, &str, &str); 4] = [
    ("linux", "x86_64", "linux-amd64", "401d4e69baba9072d3772607710df0d47b39a7632c6b01b2a5f5d85a9514e212"),
    ("linux", "aarch64", "linux-arm64v8", "a9ec284923b9a7d2db41509bfb88c3d0eeb9f4aa5e2b29ea0aac5e8dbaf4c335"),
    ("macos", "x86_64", "darwin-amd64", "68381ed1488edd337345c6c4bc6ae0c823832a4dd7af8b04656ee5c218c291b5"),
    ("macos", "aarch64", "darwin-arm64v8", "ab698c4486a795d2aa8a158b3a41e1201a77e7ff72a6255094cd5900080853c2"),
];

/// Most that is downloaded, in bytes. The builds are 14 to 33 MB.
const ARCHIVE_BYTES_MAX: u64 = 128 << 20;
/// Most that an archive may unpack to, in bytes.
const UNPACKED_BYTES_MAX: u64 = 1 << 30;
const CONNECT_MAX: Duration = Duration::from_secs(20);
/// Longest silence of the other side.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Where the programs of [`VERSION`] go in an embedded server's folder.
pub fn place(folder: &Path) -> PathBuf {
    folder.join(format!("dist-{VERSION}"))
}

/// Something to fetch, and what it has to be.
#[derive(Debug, Clone)]
pub struct Archive {
    pub url: String,
    /// In hexadecimal digits.
    pub sha256: String,
}

impl Archive {
    /// This machine's build, from Maven Central or a mirror of it.
    pub fn pinned(base: &str) -> Result<Self, EmbeddedError> {
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        let (.., build, sha256) = BUILDS
            .iter()
            .find(|build| build.0 == os && build.1 == arch)
            .ok_or_else(|| EmbeddedError::NoPrograms { why: format!("there is no build for {os} on {arch}") })?;
        let name = format!("embedded-postgres-binaries-{build}");
        let base = base.trim_end_matches('/');
        Ok(Self {
            url: format!("{base}/io/zonky/test/postgres/{name}/{VERSION}/{name}-{VERSION}.jar"),
            sha256: (*sha256).to_owned(),
        })
    }

    /// Downloads, checks and unpacks to `target`, which exists afterwards only as a whole.
    pub async fn fetch(&self, target: &Path, progress: &Progress) -> Result<(), EmbeddedError> {
        let beside = |ending: &str| target.with_file_name(format!("{}{ending}", name_of(target)));
        let (jar, unpacked) = (beside(".jar"), beside(".new"));
        self.download(&jar, progress).await?;
        let (from, to) = (jar.clone(), unpacked.clone());
        let unpack = tokio::task::spawn_blocking(move || unpack(&from, &to));
        progress
            .during(|| "Unpacking PostgreSQL".to_owned(), unpack)
            .await
            .unwrap_or_else(|stopped| Err(EmbeddedError::NoPrograms { why: stopped.to_string() }))?;
        // Left by an unpacking of before that had no `bin/postgres` in it, or it would have been used.
        remove(target)?;
        fs::rename(&unpacked, target).map_err(EmbeddedError::io("moving what was fetched", target))?;
        fs::remove_file(&jar).map_err(EmbeddedError::io("removing the archive", &jar))
    }

    async fn download(&self, jar: &Path, progress: &Progress) -> Result<(), EmbeddedError> {
        let failed = |error: reqwest::Error| EmbeddedError::NoPrograms { why: causes(&error) };
        // Somebody else may have chosen the provider already; then theirs is used.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_MAX)
            .read_timeout(SILENCE_MAX)
            .build()
            .map_err(failed)?;
        let request = client.get(&self.url).send();
        let mut response = progress
            .during(|| format!("Connecting to {}", self.url), request)
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(failed)?;

        let total = response.content_length();
        let got = AtomicU64::new(0);
        let state = || {
            let megabytes = |bytes: u64| bytes as f64 / 1e6;
            let of = total.map(|total| format!(" of {:.1}", megabytes(total))).unwrap_or_default();
            format!("Fetching PostgreSQL {VERSION}: {:.1}{of} MB", megabytes(got.load(Ordering::Relaxed)))
        };
        let receive = async {
            let mut file = File::create(jar).map_err(EmbeddedError::io("creating the archive", jar))?;
            let mut hash = Sha256::new();
            while let Some(chunk) = response.chunk().await.map_err(failed)? {
                if got.fetch_add(chunk.len() as u64, Ordering::Relaxed) + chunk.len() as u64 > ARCHIVE_BYTES_MAX {
                    return Err(EmbeddedError::NoPrograms { why: format!("{} is far too large", self.url) });
                }
                hash.update(&chunk);
                file.write_all(&chunk).map_err(EmbeddedError::io("writing the archive", jar))?;
            }
            Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        };
        let sha256 = progress.during(state, receive).await?;
        if sha256 == self.sha256 {
            return Ok(());
        }
        // Not kept: it is not what it should be.
        remove(jar)?;
        Err(EmbeddedError::NoPrograms {
            why: format!("{} has another content than expected (SHA-256 {sha256}, not {})", self.url, self.sha256),
        })
    }
}

/// Unpacks the tar in the `.txz` in the zip `jar`.
fn unpack(jar: &Path, target: &Path) -> Result<(), EmbeddedError> {
    let broken =
        |why: &dyn std::fmt::Display| EmbeddedError::NoPrograms { why: format!("the archive is broken: {why}") };
    remove(target)?;
    fs::create_dir_all(target).map_err(EmbeddedError::io("creating a folder", target))?;
    let file = File::open(jar).map_err(EmbeddedError::io("opening the archive", jar))?;
    let mut zip = zip::ZipArchive::new(file).map_err(|error| broken(&error))?;
    let name = zip.file_names().flatten().find(|name| name.ends_with(".txz")).map(std::borrow::Cow::into_owned);
    let name = name.ok_or_else(|| broken(&"it holds no .txz"))?;
    let txz = zip.by_name(&name).map_err(|error| broken(&error))?;
    let tar = liblzma::read::XzDecoder::new(txz).take(UNPACKED_BYTES_MAX);
    let mut tar = tar::Archive::new(tar);
    // Owned by us, readable by whoever PostgreSQL runs as. Paths that lead out of the target are refused by the crate.
    tar.set_preserve_ownerships(false);
    tar.unpack(target).map_err(EmbeddedError::io("unpacking", target))?;
    if target.join("bin/postgres").is_file() { Ok(()) } else { Err(broken(&"it holds no bin/postgres")) }
}

fn remove(path: &Path) -> Result<(), EmbeddedError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(EmbeddedError::io("removing what is left of before", path)(error))
        }
        _ => Ok(()),
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// An error with what caused it; reqwest's own text leaves that out.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
