//! A look at an embedded server from outside, without touching it.

use std::fs;
use std::path::Path;

use kernel::Secret;

use super::cluster::{Address, Layout, ROLE};
use super::{Account, EmbeddedError, Options, Programs};

/// What there is.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The version that the cluster was made by; `None` when there is no cluster yet.
    pub made_by: Option<u32>,
    /// The programs that would run it; `None` when they would have to be fetched.
    pub programs: Option<Programs>,
}

/// What a start would find in `folder`.
pub async fn survey(folder: &Path, options: &Options) -> Result<Survey, EmbeddedError> {
    let layout = Layout { folder: folder.to_owned() };
    let account = Account::choose(&layout.cluster(), options.user.as_deref())?;
    let made_by = layout.made_by()?;
    let programs = Programs::find(folder, made_by, &account, options).await?;
    Ok(Survey { made_by, programs })
}

/// Where to connect to the server that another process runs in `folder`, if one does and says that it is ready.
#[must_use]
pub fn running(folder: &Path) -> Option<Secret> {
    let layout = Layout { folder: folder.to_owned() };
    let text = fs::read_to_string(layout.cluster().join("postmaster.pid")).ok()?;
    // Process, data folder, start, port, socket's folder, listen address, shared memory, state.
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let [_, _, _, port, sockets, _, _, "ready", ..] = lines[..] else { return None };
    let address =
        if sockets.is_empty() { Address::Loopback(port.parse().ok()?) } else { Address::Socket(sockets.into()) };
    layout.url(&address, ROLE).ok()
}
