//! Reads ahead while the sink works.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::assemble::Assembler;
use crate::pgoutput::DecodeError;
use crate::source::{ChangeSource, SourceError};
use crate::{Batch, Error, Lsn};

/// Why reading ended.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl ReadError {
    pub fn of(self, slot: &str) -> Error {
        match self {
            Self::Source(error) => Error::Connection { slot: slot.to_owned(), why: error.0 },
            Self::Decode(error) => Error::Decode(error),
        }
    }
}

/// Puts batches into `out` until `done`. While the sink is at work, the next batch grows to its limit; then reading
/// stops, and with it the server. A position that moved without changes is told every `idle`.
pub async fn read(
    mut source: Box<dyn ChangeSource>,
    mut assembler: Assembler,
    out: mpsc::Sender<Batch>,
    mut confirmed: watch::Receiver<Lsn>,
    idle: Duration,
    done: CancellationToken,
) -> Result<(), ReadError> {
    let mut still_at = Instant::now() + idle;
    let mut ended = Ok(());
    while ended.is_ok() {
        tokio::select! {
            biased;
            () = done.cancelled() => break,
            Ok(()) = confirmed.changed() => source.confirm(*confirmed.borrow_and_update()),
            Ok(place) = out.reserve(), if assembler.is_ready() => {
                place.send(assembler.take());
                still_at = Instant::now() + idle;
            }
            () = sleep_until(still_at), if assembler.has_moved() && !assembler.is_ready() => {
                still_at = Instant::now() + idle;
                // The sink has enough to do if there is no room.
                if let Ok(place) = out.try_reserve() {
                    place.send(assembler.take());
                }
            }
            event = source.next(), if !assembler.is_full() => {
                ended = event.map_err(ReadError::from).and_then(|event| assembler.push(event).map_err(ReadError::from));
            }
        }
    }
    // What was confirmed last must not be forgotten with the connection.
    source.confirm(*confirmed.borrow());
    drop(out);
    source.close().await;
    ended
}
