//! One slot, one sink.

use kernel::Clock;
use postgres::Db;
use tokio_util::sync::CancellationToken;

use crate::{Error, Settings, Sink, Spec};

/// What a stream is run with.
#[derive(Debug, Clone)]
pub struct Parts {
    pub db: Db,
    /// URL of the database, as `Db` was opened with: the log is read there, unless [`Settings::url`] says otherwise.
    pub url: kernel::Secret,
    pub settings: Settings,
    pub clock: Clock,
}

/// Makes publication and slot if they are missing, reads the slot, and gives what it tells to `sink`, until `stop`. Waits while another process reads the slot.
///
/// A connection that breaks is opened again, and a sink that fails is begun again from what it saved, with growing
/// pauses, for ever. `Err` only when somebody has to look: [`Error::LostAgain`].
pub async fn run(sink: Box<dyn Sink>, spec: Spec, parts: Parts, stop: CancellationToken) -> Result<(), Error> {
    // The reader follows.
    drop((sink, spec, parts));
    stop.cancelled().await;
    Ok(())
}
