//! What content shows of what was uploaded.

use std::collections::HashSet;

use kernel::MediaId;
use postgres::fault;

use crate::{Error, Service};

impl Service {
    /// Those of `ids` that something shows which is not deleted. What is over and not buried yet counts still.
    pub async fn showing(&self, ids: &[MediaId]) -> Result<HashSet<MediaId>, Error> {
        let shown = sqlx::query_scalar::<_, MediaId>(
            "SELECT DISTINCT shown FROM contents CROSS JOIN LATERAL unnest(media) shown
             WHERE media && $1 AND media <> '{}' AND deleted_at IS NULL AND shown = ANY($1)",
        )
        .bind(ids)
        .fetch_all(self.store.db.pool());
        let shown = telemetry::timed("postgres", "content.showing", shown).await;
        Ok(shown.map_err(fault)?.into_iter().collect())
    }
}
