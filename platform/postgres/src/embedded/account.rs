//! Whom PostgreSQL runs as.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::process::Stdio;

use rustix::process::geteuid;
use tokio::process::Command;

use super::EmbeddedError;

const USER_DEFAULT: &str = "nobody";

/// The user and group that PostgreSQL's processes run as: ours, or another when we are root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `None`: as we do.
    other: Option<Other>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Other {
    name: String,
    uid: u32,
    gid: u32,
}

impl Account {
    /// Who runs a cluster in `cluster`: we, unless we are root; then its owner, if it exists, else `wanted`.
    pub fn choose(cluster: &Path, wanted: Option<&str>) -> Result<Self, EmbeddedError> {
        if !geteuid().is_root() {
            return Ok(Self { other: None });
        }
        if let Ok(owned) = fs::metadata(cluster)
            && owned.uid() != 0
        {
            let name = name_of(owned.uid()).unwrap_or_else(|| owned.uid().to_string());
            return Ok(Self { other: Some(Other { name, uid: owned.uid(), gid: owned.gid() }) });
        }
        let name = wanted.unwrap_or(USER_DEFAULT);
        let other = numeric(name).or_else(|| by_name(name)).filter(|other| other.uid != 0);
        other.map(|other| Self { other: Some(other) }).ok_or_else(|| EmbeddedError::UnknownUser(name.to_owned()))
    }

    pub fn name(&self) -> &str {
        self.other.as_ref().map_or("this user", |other| &other.name)
    }

    /// `program`, to be run as this account, in a process group of its own, so that a Ctrl-C at the terminal is ours
    /// to handle. Nothing of our environment leaks into it: PGHOST and its like would change what it does.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
        command.current_dir("/").process_group(0).stdin(Stdio::null());
        if let Some(other) = &self.other {
            command.uid(other.uid).gid(other.gid);
        }
        command
    }

    /// Gives a file or folder to this account.
    pub fn own(&self, path: &Path) -> Result<(), EmbeddedError> {
        match &self.other {
            None => Ok(()),
            Some(other) => {
                chown(path, Some(other.uid), Some(other.gid)).map_err(EmbeddedError::io("changing the owner", path))
            }
        }
    }

    /// Whether this account can get to `path` and write there.
    pub async fn check_reach(&self, path: &Path) -> Result<(), EmbeddedError> {
        let Some(other) = &self.other else { return Ok(()) };
        let mut look = self.command("/bin/sh".as_ref());
        look.args(["-c", "test -w \"$1\" && cd \"$1\"", "sh"]).arg(path).stdout(Stdio::null()).stderr(Stdio::null());
        match look.status().await {
            Ok(status) if !status.success() => {
                Err(EmbeddedError::Unreachable { path: path.to_owned(), user: other.name.clone() })
            }
            // Without a shell there is no telling; PostgreSQL itself will complain.
            _ => Ok(()),
        }
    }
}

fn numeric(text: &str) -> Option<Other> {
    let (uid, gid) = text.split_once(':')?;
    Some(Other { name: text.to_owned(), uid: uid.parse().ok()?, gid: gid.parse().ok()? })
}

fn by_name(name: &str) -> Option<Other> {
    accounts().into_iter().find(|account| account.name == name)
}

fn name_of(uid: u32) -> Option<String> {
    accounts().into_iter().find(|account| account.uid == uid).map(|account| account.name)
}

fn accounts() -> Vec<Other> {
    let text = fs::read_to_string("/etc/passwd").unwrap_or_default();
    text.lines().filter_map(account).collect()
}

/// A line of /etc/passwd: `name:password:uid:gid:…`.
fn account(line: &str) -> Option<Other> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(Other { name, uid, gid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_by_name_and_by_number() {
        let ada = Other { name: "ada".to_owned(), uid: 1001, gid: 1002 };
        assert_eq!(account("ada:x:1001:1002:Ada,,,:/home/ada:/bin/sh"), Some(ada));
        assert_eq!(account("# nonsense"), None);
        assert_eq!(numeric("7:8"), Some(Other { name: "7:8".to_owned(), uid: 7, gid: 8 }));
        assert_eq!(numeric("nobody"), None);
    }
}
