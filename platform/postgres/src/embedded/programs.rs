//! PostgreSQL's programs: which are on this machine, and which to use.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::fetch::{self, VERSION};
use super::{Account, EmbeddedError, Options, Progress};

/// The oldest PostgreSQL that Plaza runs on.
pub const MAJOR_MIN: u32 = 15;

/// Folders of programs in the usual installations: before and after the part that varies with the version.
const PLACES: [(&str, &str); 10] = [
    ("/usr/lib/postgresql/", "/bin"),
    ("/usr/pgsql-", "/bin"),
    ("/usr/libexec/postgresql", ""),
    ("/usr/lib64/pgsql", "/bin"),
    ("/usr/local/pgsql", "/bin"),
    ("/opt/postgresql/", "/bin"),
    ("/opt/homebrew/opt/postgresql", "/bin"),
    ("/usr/local/opt/postgresql", "/bin"),
    ("/Library/PostgreSQL/", "/bin"),
    ("/Applications/Postgres.app/Contents/Versions/", "/bin"),
];

/// A folder with `postgres` and `initdb` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    pub bin: PathBuf,
    pub major: u32,
    /// As PostgreSQL prints it: `15.18`.
    pub version: String,
    /// Whether they are those that Plaza fetched.
    pub fetched: bool,
}

impl Programs {
    /// The programs to run the cluster in `folder` with: of the version that it was made by, if there is one already.
    pub(super) async fn choose(
        folder: &Path,
        made_by: Option<u32>,
        account: &Account,
        options: &Options,
        progress: &Progress,
    ) -> Result<Self, EmbeddedError> {
        if let Some(found) = Self::find(folder, made_by, account, options).await? {
            return Ok(found);
        }
        let dist = fetch::place(folder);
        progress.say(&format!("No PostgreSQL {MAJOR_MIN} or newer on this machine: fetching {VERSION}, once"));
        let base = options.download_url.as_deref().unwrap_or(fetch::DOWNLOAD_URL_DEFAULT);
        fetch::Archive::pinned(base)?.fetch(&dist, progress).await?;
        let fetched = Self::inspect(&dist.join("bin"), account)
            .await
            .map_err(|why| EmbeddedError::NoPrograms { why: format!("what was fetched does not run here ({why})") })?;
        Ok(Self { fetched: true, ..fetched })
    }

    /// The programs on this machine that fit; `None` when there are none, but some can be fetched.
    pub(super) async fn find(
        folder: &Path,
        made_by: Option<u32>,
        account: &Account,
        options: &Options,
    ) -> Result<Option<Self>, EmbeddedError> {
        if let Some(bin) = &options.bin {
            let found = Self::inspect(bin, account)
                .await
                .map_err(|why| EmbeddedError::BadPrograms { path: bin.clone(), why: format!(" ({why})") })?;
            return found.fitting(made_by, folder).map(Some);
        }
        let dist = fetch::place(folder);
        let mut found = Vec::new();
        for bin in candidates(&dist) {
            if let Ok(programs) = Self::inspect(&bin, account).await {
                found.push(Self { fetched: bin.starts_with(&dist), ..programs });
            }
        }
        let fits = |programs: &&Self| made_by.is_none_or(|major| programs.major == major);
        // The newest; of equals the one that the machine's owner put first.
        if let Some(best) = found.iter().rev().filter(fits).max_by_key(|programs| programs.major) {
            return Ok(Some(best.clone()));
        }
        if let Some(needed) = made_by.filter(|major| *major != fetch::MAJOR) {
            return Err(EmbeddedError::OtherMajor { cluster: folder.join("cluster"), needed, found: list(&found) });
        }
        Ok(None)
    }

    fn fitting(self, made_by: Option<u32>, folder: &Path) -> Result<Self, EmbeddedError> {
        match made_by {
            Some(needed) if needed != self.major => Err(EmbeddedError::OtherMajor {
                cluster: folder.join("cluster"),
                needed,
                found: list(std::slice::from_ref(&self)),
            }),
            _ => Ok(self),
        }
    }

    /// What `bin` holds, if `account` can run it.
    async fn inspect(bin: &Path, account: &Account) -> Result<Self, String> {
        if !bin.join("initdb").is_file() {
            return Err("no initdb there".to_owned());
        }
        let mut command = account.command(&bin.join("postgres"));
        let output =
            command.arg("--version").stderr(Stdio::null()).output().await.map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (major, version) = parse_version(&text).ok_or("`postgres --version` does not answer as PostgreSQL does")?;
        if major < MAJOR_MIN {
            return Err(format!("it is version {version}"));
        }
        Ok(Self { bin: bin.to_owned(), major, version, fetched: false })
    }
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` → 15, `15.18`.
fn parse_version(text: &str) -> Option<(u32, String)> {
    let version = text.strip_prefix("postgres (PostgreSQL) ")?.split_whitespace().next()?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    Some((digits.parse().ok()?, version.to_owned()))
}

fn list(found: &[Programs]) -> String {
    if found.is_empty() {
        return "none".to_owned();
    }
    found
        .iter()
        .map(|programs| format!("{} in {}", programs.version, programs.bin.display()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Folders worth a look, those that the machine's owner chose first.
fn candidates(dist: &Path) -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    for (before, after) in PLACES {
        folders.extend(expand(before, after));
    }
    folders.push(dist.join("bin"));
    folders.retain(|folder| folder.join("postgres").is_file());
    folders.dedup();
    folders
}

/// The existing folders called `before`, anything, `after`.
fn expand(before: &str, after: &str) -> Vec<PathBuf> {
    let (parent, start) = before.rsplit_once('/').unwrap_or(("", before));
    let Ok(entries) = fs::read_dir(Path::new(parent).join("")) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut found: Vec<_> = names
        .filter(|name| name.starts_with(start))
        .map(|name| Path::new(parent).join(format!("{name}{after}")))
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_every_distribution_prints_them() {
        let parsed = |text| parse_version(text).map(|(major, _)| major);
        assert_eq!(parsed("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(parsed("postgres (PostgreSQL) 18.4\n"), Some(18));
        assert_eq!(parsed("postgres (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(parsed("initdb (PostgreSQL) 18.4\n"), None);
    }

    #[test]
    fn a_place_is_expanded_over_versions() {
        let root = tempfile::tempdir().unwrap();
        for name in ["pgsql-15", "pgsql-16", "other"] {
            fs::create_dir_all(root.path().join(name).join("bin")).unwrap();
        }
        let before = format!("{}/pgsql-", root.path().display());
        assert_eq!(expand(&before, "/bin"), [root.path().join("pgsql-15/bin"), root.path().join("pgsql-16/bin")]);
        assert!(expand("/nonexistent/pgsql-", "/bin").is_empty());
    }
}
