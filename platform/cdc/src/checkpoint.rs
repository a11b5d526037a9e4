//! How far a sink is, bound to the slot that told it.

use postgres::{StoreResult, fault};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::Lsn;

/// What makes a slot this slot. A position that another one gave means nothing: a slot that was made anew begins later,
/// and on another server or timeline the same numbers name other bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotIdentity {
    pub slot: String,
    /// PostgreSQL's number for its cluster, as it prints it.
    pub system: String,
    pub timeline: u32,
    /// Where the slot began when it was made.
    pub made: Lsn,
}

/// A position that is durable, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    #[serde(flatten)]
    pub slot: SlotIdentity,
    /// Every transaction committed before this is done.
    pub position: Lsn,
}

/// Another process has moved the checkpoint: it holds the slot now, and this one must let go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("another process goes on from where {consumer} was")]
pub struct Overtaken {
    pub consumer: String,
}

/// How [`Checkpoint::advance`] fails.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    #[error(transparent)]
    Overtaken(#[from] Overtaken),
    #[error(transparent)]
    Store(#[from] kernel::StoreError),
}

impl Checkpoint {
    /// The checkpoint that is kept in PostgreSQL under the name `consumer`.
    pub async fn load(at: &mut PgConnection, consumer: &str) -> StoreResult<Option<Self>> {
        let row: Option<(String, String, i32, i64, i64)> =
            sqlx::query_as("SELECT slot, system, timeline, made, position FROM cdc_checkpoints WHERE consumer = $1")
                .bind(consumer)
                .fetch_optional(at)
                .await
                .map_err(fault)?;
        Ok(row.map(|(slot, system, timeline, made, position)| Self {
            slot: SlotIdentity { slot, system, timeline: timeline.cast_unsigned(), made: Lsn::from_i64(made) },
            position: Lsn::from_i64(position),
        }))
    }

    /// Keeps this checkpoint under the name `consumer`, if `before` is what is kept now; to be called in the
    /// transaction of the writes that it speaks of. Locks the row until the end of the transaction.
    pub async fn advance(
        &self,
        at: &mut PgConnection,
        consumer: &str,
        before: Option<&Self>,
    ) -> Result<(), AdvanceError> {
        let moved = match before {
            None => {
                sqlx::query(
                    "INSERT INTO cdc_checkpoints (consumer, slot, system, timeline, made, position)
                     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (consumer) DO NOTHING",
                )
                .bind(consumer)
                .bind(&self.slot.slot)
                .bind(&self.slot.system)
                .bind(self.slot.timeline.cast_signed())
                .bind(self.slot.made.as_i64())
                .bind(self.position.as_i64())
                .execute(at)
                .await
            }
            Some(before) => {
                sqlx::query(
                    "UPDATE cdc_checkpoints SET slot = $2, system = $3, timeline = $4, made = $5, position = $6
                     WHERE consumer = $1 AND slot = $7 AND system = $8 AND timeline = $9 AND made = $10 AND position = $11",
                )
                .bind(consumer)
                .bind(&self.slot.slot)
                .bind(&self.slot.system)
                .bind(self.slot.timeline.cast_signed())
                .bind(self.slot.made.as_i64())
                .bind(self.position.as_i64())
                .bind(&before.slot.slot)
                .bind(&before.slot.system)
                .bind(before.slot.timeline.cast_signed())
                .bind(before.slot.made.as_i64())
                .bind(before.position.as_i64())
                .execute(at)
                .await
            }
        };
        if moved.map_err(fault)?.rows_affected() == 1 {
            return Ok(());
        }
        Err(Overtaken { consumer: consumer.to_owned() }.into())
    }

    /// Forgets what is kept under the name `consumer`: the next start is [`crate::Start::Anew`].
    pub async fn forget(at: &mut PgConnection, consumer: &str) -> StoreResult<()> {
        let forgotten = sqlx::query("DELETE FROM cdc_checkpoints WHERE consumer = $1").bind(consumer).execute(at).await;
        forgotten.map(drop).map_err(fault)
    }
}
