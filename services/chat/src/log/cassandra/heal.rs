//! Finishing what others left undone, and reading a room back when the sequencer has forgotten it.

use futures_util::{TryStreamExt as _, stream};
use kernel::RoomId;

use super::{Cassandra, HEALERS, PENDING_MAX, read};
use crate::log::LogError;
use crate::sequencer::{STALLED_AFTER, Standing};

/// Statements of one seeding that run at once.
const WRITES_AT_ONCE: usize = 16;

impl Cassandra {
    /// Finishes the room's stalled messages, or seeds it when the sequencer does not know it. Idempotent.
    pub(super) async fn heal(&self, room: RoomId) -> Result<(), LogError> {
        let _alone = self.healers[usize::from(room.uuid().as_bytes()[15]) % HEALERS].lock().await;
        match self.sequencer.standing(room).await? {
            Standing::Known { pending, .. } => {
                for (reservation, age) in pending {
                    if age > STALLED_AFTER {
                        tracing::info!(%room, seq = reservation.seq, "finishing a message that its writer left");
                        self.finish(&reservation).await?;
                    }
                }
                Ok(())
            }
            Standing::Unseeded => self.read_back(room).await,
            Standing::Resting(wait) => Err(LogError::Resting(wait)),
        }
    }

    /// For who goes on with what is there.
    pub(super) async fn heal_or_warn(&self, room: RoomId) {
        if let Err(error) = self.heal(room).await {
            tracing::warn!(%error, %room, "a room cannot be healed now");
        }
    }

    /// Tells the sequencer where the room stands. Called when no writer can still acknowledge under the memory before.
    async fn read_back(&self, room: RoomId) -> Result<(), LogError> {
        let head = self.stored_head(room).await?;
        self.fill(room, head.seq).await?;
        let first = (head.seq + 1).saturating_sub(PENDING_MAX).max(1);
        if head.seq > 0 {
            // A row may have been written and its key not; its sender's repeat must find it.
            let rows = self.read_range(room, first, head.seq).await?;
            stream::iter(rows.values().map(Ok))
                .try_for_each_concurrent(WRITES_AT_ONCE, |message| self.restore_key(message))
                .await?;
        }
        Ok(self.sequencer.seed(room, head).await?)
    }

    /// Gives up what is missing among the last numbers up to `head`, none of which is pending.
    async fn fill(&self, room: RoomId, head: u64) -> Result<(), LogError> {
        if head == 0 {
            return Ok(());
        }
        let first = (head + 1).saturating_sub(PENDING_MAX).max(1);
        let found = self.read_range(room, first, head).await?;
        if read::hole(&found, first).is_none() && found.contains_key(&head) {
            return Ok(());
        }
        let missing = (first..=head).filter(|seq| !found.contains_key(seq));
        stream::iter(missing.map(Ok::<_, LogError>))
            .try_for_each_concurrent(WRITES_AT_ONCE, |seq| async move {
                if self.give_up(room, seq).await? {
                    tracing::warn!(%room, seq, "a number was given up: nobody wrote its message");
                }
                Ok(())
            })
            .await
    }
}
