//! What is to be deleted.

use kernel::{MediaId, Timestamp, UserId};
use postgres::{StoreResult, fault};

use super::Store;

impl Store {
    /// Files whose parts are still there although nobody needs them any more.
    pub(crate) async fn with_surplus_parts(&self, limit: i64) -> StoreResult<Vec<MediaId>> {
        sqlx::query_scalar(
            "SELECT DISTINCT media_parts.media FROM media_parts JOIN media ON media.id = media_parts.media
             WHERE state NOT IN (1, 2) LIMIT $1",
        )
        .bind(limit)
        .fetch_all(self.db.pool())
        .await
        .map_err(fault)
    }

    /// Gives up uploads that took too long, and forgets what was refused long ago. Whether there may be more.
    pub(crate) async fn give_up(&self, now: Timestamp, limit: i64) -> StoreResult<u64> {
        let gone = sqlx::query(
            "UPDATE media SET state = 5 WHERE id = ANY (ARRAY(
                 SELECT id FROM media WHERE state IN (1, 4) AND due_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
        )
        .bind(now)
        .bind(limit)
        .execute(self.db.pool())
        .await
        .map_err(fault)?;
        Ok(gone.rows_affected())
    }

    /// Ready files of which it is time to ask whether anything shows them.
    pub(crate) async fn perhaps_unused(&self, now: Timestamp, limit: i64) -> StoreResult<Vec<MediaId>> {
        sqlx::query_scalar("SELECT id FROM media WHERE state = 3 AND due_at <= $1 ORDER BY due_at LIMIT $2")
            .bind(now)
            .bind(limit)
            .fetch_all(self.db.pool())
            .await
            .map_err(fault)
    }

    /// Lets go of `unused`, unless somebody asked for them by name meanwhile; looks at `used` again at `next`.
    pub(crate) async fn sort(
        &self,
        used: &[MediaId],
        unused: &[MediaId],
        now: Timestamp,
        next: Timestamp,
    ) -> StoreResult<()> {
        sqlx::query(
            "UPDATE media SET state = CASE WHEN id = ANY($1) THEN 3 ELSE 5 END, due_at = $4
             WHERE (id = ANY($1) OR id = ANY($2)) AND state = 3 AND due_at <= $3",
        )
        .bind(used)
        .bind(unused)
        .bind(now)
        .bind(next)
        .execute(self.db.pool())
        .await
        .map(drop)
        .map_err(fault)
    }

    /// Lets go of one of a person's files: of one that is ready, once nothing shows it, which is not asked before `due_at`. Whether there
    /// was one.
    pub(crate) async fn let_go(&self, owner: UserId, id: MediaId, due_at: Timestamp) -> StoreResult<bool> {
        let gone = sqlx::query(
            "UPDATE media SET let_go = true,
                              state = CASE WHEN state = 3 THEN 3 ELSE 5 END,
                              due_at = CASE WHEN state = 3 THEN $3 ELSE due_at END
             WHERE id = $1 AND owner = $2 AND state <> 5 AND NOT let_go",
        )
        .bind(id)
        .bind(owner)
        .bind(due_at)
        .execute(self.db.pool());
        Ok(telemetry::timed("postgres", "media.let_go", gone).await.map_err(fault)?.rows_affected() == 1)
    }

    /// Lets go of a person's files. How many.
    pub(crate) async fn let_go_of(&self, owner: UserId) -> StoreResult<u64> {
        let gone = sqlx::query("UPDATE media SET state = 5 WHERE owner = $1 AND state <> 5");
        Ok(gone.bind(owner).execute(self.db.pool()).await.map_err(fault)?.rows_affected())
    }

    pub(crate) async fn going(&self, limit: i64) -> StoreResult<Vec<MediaId>> {
        sqlx::query_scalar("SELECT id FROM media WHERE state = 5 ORDER BY due_at LIMIT $1")
            .bind(limit)
            .fetch_all(self.db.pool())
            .await
            .map_err(fault)
    }

    pub(crate) async fn forget(&self, id: MediaId) -> StoreResult<()> {
        self.forget_parts(id).await?;
        let delete = sqlx::query("DELETE FROM media WHERE id = $1 AND state = 5").bind(id);
        delete.execute(self.db.pool()).await.map(drop).map_err(fault)
    }
}
