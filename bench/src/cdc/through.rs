//! The whole way, as fast as it goes: a slot that is behind is caught up with.

use tokio::time::Instant;

use super::stage::{Stage, cpu};
use super::{Error, Rate, floors};

const BARE_SLOT: &str = "plaza_bench";

/// The bare reader's rate and Plaza's, over the same changes.
pub async fn changes(stage: &Stage, changes: u32) -> Result<(Rate, Rate), Error> {
    // The slot is made by the pipeline's first run, which finds nothing to build.
    stage.follow().await?.stop().await?;
    let database: i64 = sqlx::query_scalar("SELECT oid::bigint FROM pg_database WHERE datname = current_database()")
        .fetch_one(stage.db.pool())
        .await?;
    let bare = format!("{BARE_SLOT}_{database}");
    floors::slot(stage, &bare).await?;
    stage.change(changes).await?;
    let end = stage.log_end().await?;
    let read = floors::drain(stage, &bare, end, changes).await?;

    let (started, used) = (Instant::now(), cpu()?);
    let following = stage.follow().await?;
    stage.caught_up().await?;
    let ours = Rate::of(changes, started.elapsed(), cpu()?.saturating_sub(used));
    following.stop().await?;
    Ok((read, ours))
}
