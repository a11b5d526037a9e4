//! Keys that Plaza makes once and all nodes share.

use crate::{Db, StoreResult, fault};

impl Db {
    /// The secret called `name`; made from `fresh` bytes by whoever asks first.
    pub async fn secret(&self, name: &str, fresh: &[u8]) -> StoreResult<Vec<u8>> {
        sqlx::query("INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(fresh)
            .execute(self.pool())
            .await
            .map_err(fault)?;
        sqlx::query_scalar("SELECT value FROM secrets WHERE name = $1")
            .bind(name)
            .fetch_one(self.pool())
            .await
            .map_err(fault)
    }
}
