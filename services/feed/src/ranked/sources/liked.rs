//! What those react to, share, save or comment on whom the viewer follows.

use std::time::Duration;

use async_trait::async_trait;
use postgres::{Db, fault};
use rank::Source as Reason;
use uuid::Uuid;

use super::{Proposal, Source, proposals};
use crate::Error;
use crate::ranked::query::Query;
use crate::ranked::stage::Stage;

const PROPOSED_MAX: i64 = 60;
/// How long what somebody did speaks for an item.
const ACT_AGE_MAX: Duration = Duration::from_secs(48 * 3600);
/// Acts that are looked at, the latest first.
const ACTS_MAX: i64 = 2_000;

pub struct Liked(pub Db);

#[async_trait]
impl Source for Liked {
    fn stage(&self) -> Stage {
        Stage::open("feed.source.liked", Duration::from_millis(300))
    }

    async fn propose(&self, query: &Query) -> Result<Vec<Proposal>, Error> {
        if query.followed.is_empty() {
            return Ok(Vec::new());
        }
        // Saving is private: it does not speak to others.
        let rows: Vec<(Uuid, i16, kernel::UserId, i64)> = sqlx::query_as(
            "WITH acts AS (
                 SELECT a.content, a.person FROM feed_acts a
                 WHERE a.person = ANY($1) AND a.at > $2 AND a.what <> $3 ORDER BY a.at DESC LIMIT $4)
             SELECT i.id, i.kind, i.author, count(DISTINCT acts.person) AS people
             FROM acts JOIN feed_items i ON i.id = acts.content
             GROUP BY i.id ORDER BY people DESC, i.id DESC LIMIT $5",
        )
        .bind(&query.followed)
        .bind(query.now().minus(ACT_AGE_MAX))
        .bind(rank::Action::Save.index() as i16)
        .bind(ACTS_MAX)
        .bind(PROPOSED_MAX)
        .fetch_all(self.0.pool())
        .await
        .map_err(fault)?;
        let found = rows.into_iter().flat_map(|(id, kind, author, people)| {
            let proof = u16::try_from(people).unwrap_or(u16::MAX);
            let found = proposals(vec![(id, kind, author)], Reason::LikedByFollowed);
            found.into_iter().map(move |proposal| Proposal { proof, ..proposal })
        });
        Ok(found.collect())
    }
}
