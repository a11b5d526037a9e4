//! Calls the sink: a batch, a step of its own work, a batch, …

use std::future::pending;

use kernel::Clock;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::metrics::{METRICS, of};
use crate::{Batch, Error, Lsn, Next, Sink, SinkError};

/// Until the queue ends or `stop`. `told` becomes true with the first batch.
#[expect(clippy::too_many_arguments, reason = "one caller, which has them all at hand")]
pub async fn drive(
    sink: &mut dyn Sink,
    slot: &str,
    (consumer, clock): (&'static str, Clock),
    mut queue: mpsc::Receiver<Batch>,
    confirm: &watch::Sender<Lsn>,
    from: Lsn,
    told_any: &mut bool,
    stop: &CancellationToken,
) -> Result<(), Error> {
    let failed = |why: SinkError| Error::Sink { slot: slot.to_owned(), why };
    let mut told = from;
    let durable = |said: Lsn, told: Lsn| {
        if said > told {
            return Err(Error::Ahead { slot: slot.to_owned(), said, told });
        }
        // Never lower than before: a sink may say an old position again.
        confirm.send_if_modified(|confirmed| {
            said > *confirmed && {
                *confirmed = said;
                true
            }
        });
        Ok(())
    };
    let label = of(consumer);
    let mut next = Next::AtOnce;
    loop {
        let batch = tokio::select! {
            biased;
            () = stop.cancelled() => {
                return durable(sink.close().await.map_err(failed)?, told);
            }
            batch = queue.recv() => match batch {
                // The reader says why.
                None => return Ok(()),
                Some(batch) => Some(batch),
            },
            () = wait(next) => None,
        };
        if let Some(batch) = batch {
            told = batch.end;
            let (changes, bytes, committed_at) = (batch.changes.len(), batch.bytes, batch.committed_at);
            durable(sink.apply(batch).await.map_err(failed)?, told)?;
            *told_any = true;
            METRICS.batches.get_or_create(&label).inc();
            METRICS.changes.get_or_create(&label).inc_by(changes as u64);
            METRICS.bytes.get_or_create(&label).inc_by(bytes as u64);
            if let Some(committed_at) = committed_at {
                METRICS.delay.get_or_create(&label).observe(clock.now().since(committed_at).as_secs_f64());
            }
        }
        let worked = sink.work().await.map_err(failed)?;
        durable(worked.durable, told)?;
        next = worked.next;
    }
}

async fn wait(next: Next) {
    match next {
        Next::AtOnce => {}
        Next::Within(time) => sleep(time).await,
        Next::AfterBatch => pending().await,
    }
}
