//! The cluster on disk: made once, and the address of the server that runs it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use kernel::Secret;

use super::{Account, EmbeddedError, Programs, Progress};

/// The superuser, and the database, that Plaza uses.
pub const ROLE: &str = "plaza";
/// Names the socket's file; nothing listens on it.
const SOCKET_PORT: u16 = 5432;
/// Longest path of a Unix socket, in bytes: `sun_path` on Linux less its final zero.
const SOCKET_PATH_LENGTH_MAX: usize = 107;
/// Bytes of PostgreSQL's log after which a new file is begun. One older file is kept.
const LOG_BYTES_MAX: u64 = 8 << 20;

/// Less than this, and a failure is put down to the disk: a new cluster takes about 60 MB.
const FREE_BYTES_LOW: u64 = 64 << 20;

/// Where an embedded server's things lie.
#[derive(Debug, Clone)]
pub struct Layout {
    pub folder: PathBuf,
}

/// How the server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Socket(PathBuf),
    Loopback(u16),
}

impl Layout {
    pub fn cluster(&self) -> PathBuf {
        self.folder.join("cluster")
    }

    pub fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    fn run(&self) -> PathBuf {
        self.folder.join("run")
    }

    fn password_file(&self) -> PathBuf {
        self.folder.join("password")
    }

    /// The version that the cluster was made by; `None` when there is no cluster yet.
    pub fn made_by(&self) -> Result<Option<u32>, EmbeddedError> {
        let file = self.cluster().join("PG_VERSION");
        match fs::read_to_string(&file) {
            Ok(text) => Ok(text.trim().parse().ok()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(EmbeddedError::io("reading the cluster's version", file)(error)),
        }
    }

    /// Creates the folders, and sees to it that `account` can use its own.
    pub async fn prepare(&self, account: &Account) -> Result<(), EmbeddedError> {
        for (path, mode) in [(self.folder.clone(), 0o755), (self.run(), 0o700)] {
            fs::create_dir_all(&path).map_err(EmbeddedError::io("creating a folder", &path))?;
            let permissions = fs::Permissions::from_mode(mode);
            fs::set_permissions(&path, permissions).map_err(EmbeddedError::io("setting permissions", &path))?;
        }
        account.own(&self.run())?;
        account.check_reach(&self.run()).await
    }

    /// Makes the cluster. It gets its name only when it is complete and on disk.
    pub async fn init(&self, programs: &Programs, account: &Account, progress: &Progress) -> Result<(), EmbeddedError> {
        // What a killed run left half made. Its initdb may still be at work there; then the next start clears it away.
        for entry in fs::read_dir(&self.folder).map_err(EmbeddedError::io("reading", &self.folder))?.flatten() {
            if entry.file_name().as_bytes().starts_with(b"cluster.new-")
                && let Err(error) = fs::remove_dir_all(entry.path())
            {
                tracing::debug!(%error, "half a cluster is left lying");
            }
        }
        let new = self.folder.join(format!("cluster.new-{:08x}", rand::random::<u32>()));
        fs::create_dir(&new).map_err(EmbeddedError::io("creating a folder", &new))?;
        account.own(&new)?;

        let password = format!("{:032x}", rand::random::<u128>());
        self.write_private(&self.password_file(), &password)?;
        let handed = self.run().join("initial-password");
        self.write_private(&handed, &password)?;
        account.own(&handed)?;

        let mut command = account.command(&programs.bin.join("initdb"));
        command.arg("-D").arg(&new).args(["-U", ROLE, "-E", "UTF8", "--no-instructions"]);
        command.args(["--auth=scram-sha-256", "--locale=C"]);
        // Case folding beyond ASCII; the order of texts stays that of their bytes, on every machine.
        command.arg(if cfg!(target_os = "macos") { "--lc-ctype=en_US.UTF-8" } else { "--lc-ctype=C.UTF-8" });
        let mut pwfile = std::ffi::OsString::from("--pwfile=");
        pwfile.push(&handed);
        command.arg(pwfile).env("HOME", &new).kill_on_drop(true).stdout(Stdio::piped()).stderr(Stdio::piped());
        let ran = progress.during(|| "Creating the database cluster".to_owned(), command.output()).await;
        let output = ran.map_err(EmbeddedError::io("starting initdb", &programs.bin))?;
        fs::remove_file(&handed).map_err(EmbeddedError::io("removing", &handed))?;
        if !output.status.success() {
            let words = [output.stdout, output.stderr].concat();
            fs::write(self.log(), &words).map_err(EmbeddedError::io("writing", self.log()))?;
            return Err(self.failure("initdb", &String::from_utf8_lossy(&words)));
        }
        fs::rename(&new, self.cluster()).map_err(EmbeddedError::io("naming the cluster", self.cluster()))?;
        let folder = fs::File::open(&self.folder).and_then(|folder| folder.sync_all());
        folder.map_err(EmbeddedError::io("writing to disk", &self.folder))
    }

    /// What a program's last words mean.
    pub fn failure(&self, step: &'static str, words: &str) -> EmbeddedError {
        let said = ["No space left on device", "Disk quota exceeded"].iter().any(|said| words.contains(said));
        // Some of its programs only say that they were aborted.
        if said || free_bytes(&self.folder).is_some_and(|free| free < FREE_BYTES_LOW) {
            return EmbeddedError::DiskFull { path: self.folder.clone() };
        }
        let last: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let from = last.len().saturating_sub(3);
        EmbeddedError::Failed { step, words: last[from..].join(" / "), log: self.log() }
    }

    /// The socket in our private folder, if its path fits; else a loopback port that is free now.
    pub fn address(&self) -> Result<Address, EmbeddedError> {
        let socket = self.run().join(format!(".s.PGSQL.{SOCKET_PORT}"));
        if socket.as_os_str().len() <= SOCKET_PATH_LENGTH_MAX {
            return Ok(Address::Socket(self.run()));
        }
        let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
        free.map(|address| Address::Loopback(address.port())).map_err(EmbeddedError::io("finding a port", "127.0.0.1"))
    }

    pub fn url(&self, address: &Address, database: &str) -> Result<Secret, EmbeddedError> {
        let file = self.password_file();
        let password = fs::read_to_string(&file).map_err(EmbeddedError::io("reading the password", file))?;
        let at = format!("postgres://{ROLE}:{}@", password.trim());
        Ok(Secret::new(match address {
            Address::Socket(folder) => format!("{at}localhost:{SOCKET_PORT}/{database}?host={}", escape(folder)),
            Address::Loopback(port) => format!("{at}127.0.0.1:{port}/{database}"),
        }))
    }

    /// What `postgres` is started with.
    pub fn arguments(&self, address: &Address) -> Vec<std::ffi::OsString> {
        let mut arguments = vec!["-D".into(), self.cluster().into()];
        let (listen, port, sockets) = match address {
            Address::Socket(folder) => ("", SOCKET_PORT, folder.to_string_lossy().into_owned()),
            Address::Loopback(port) => ("127.0.0.1", *port, String::new()),
        };
        for setting in [
            format!("listen_addresses={listen}"),
            format!("port={port}"),
            // A list separated by commas, unless quoted.
            format!("unix_socket_directories={}", if sockets.is_empty() { sockets } else { format!("\"{sockets}\"") }),
            "unix_socket_permissions=0700".to_owned(),
            "max_connections=100".to_owned(),
            "shared_buffers=128MB".to_owned(),
            // Said aloud, because this is what an acknowledgement rests on.
            "fsync=on".to_owned(),
            "full_page_writes=on".to_owned(),
            "synchronous_commit=on".to_owned(),
            // The change stream reads the log; a reader that is gone must not fill the disk.
            "wal_level=logical".to_owned(),
            "max_slot_wal_keep_size=4GB".to_owned(),
            // Its own start, stop and end. What statements run into, Plaza logs.
            "log_min_messages=log".to_owned(),
            "log_checkpoints=off".to_owned(),
            "log_timezone=UTC".to_owned(),
            "timezone=UTC".to_owned(),
            // Worth its start-up time for long reports only; Plaza has none.
            "jit=off".to_owned(),
        ] {
            arguments.extend(["-c".into(), setting.into()]);
        }
        arguments
    }

    /// The log, opened for a server to append to.
    pub fn open_log(&self) -> Result<fs::File, EmbeddedError> {
        let path = self.log();
        if fs::metadata(&path).is_ok_and(|found| found.len() > LOG_BYTES_MAX) {
            fs::rename(&path, path.with_extension("log.old")).map_err(EmbeddedError::io("renaming the log", &path))?;
        }
        let opened = fs::OpenOptions::new().create(true).append(true).mode(0o640).open(&path);
        opened.map_err(EmbeddedError::io("opening the log", path))
    }

    fn write_private(&self, path: &Path, text: &str) -> Result<(), EmbeddedError> {
        // A leftover may belong to another user, or be readable by one.
        drop(fs::remove_file(path));
        let written =
            fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).and_then(|mut file| {
                std::io::Write::write_all(&mut file, text.as_bytes()).and_then(|()| file.sync_all())
            });
        written.map_err(EmbeddedError::io("writing", path))
    }
}

fn free_bytes(path: &Path) -> Option<u64> {
    rustix::fs::statvfs(path).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// A path as a URL's query carries it.
fn escape(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => text.push(char::from(*byte)),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(length: usize) -> Layout {
        // `/…/run/.s.PGSQL.5432` adds 18 bytes to the folder's path.
        Layout { folder: PathBuf::from(format!("/{}", "x".repeat(length - 1 - 18))) }
    }

    #[test]
    fn a_socket_is_used_up_to_the_longest_path_that_fits_and_a_port_past_it() {
        assert!(matches!(layout(107).address(), Ok(Address::Socket(_))));
        assert!(matches!(layout(108).address(), Ok(Address::Loopback(_))));
    }

    #[test]
    fn a_path_with_strange_characters_survives_the_url() {
        assert_eq!(escape(Path::new("/srv/my data+100%/é")), "/srv/my%20data%2B100%25/%C3%A9");
    }

    #[test]
    fn a_full_disk_is_told_apart_from_other_failures() {
        let layout = layout(50);
        let full = layout.failure("initdb", "FATAL: could not write: No space left on device");
        assert!(matches!(full, EmbeddedError::DiskFull { .. }));
        assert!(layout.failure("initdb", "one\ntwo\n").to_string().contains("one / two"));
    }
}
