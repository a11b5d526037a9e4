//! Candidate hydration: proposals become candidates, with all that ranking and showing need.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use kernel::{ContentId, StoreError, Timestamp, UserId};
use postgres::{Db, fault};
use rank::features::tag_key;
use rank::{Candidate, Tally};
use schemas::content::Content;
use uuid::Uuid;

use super::learner::TALLY_HALF_LIFE;
use super::query::Query;
use super::sources::{Proposal, near};
use super::stage::Stage;
use crate::Error;
use crate::neighbours::{Contents, Edge, Graph};

pub struct Hydrator {
    pub db: Db,
    pub contents: Arc<dyn Contents>,
    pub graph: Arc<dyn Graph>,
    pub patience: u32,
}

/// Candidates, and the content of those that the viewer may read.
#[derive(Default)]
pub struct Hydrated {
    pub candidates: Vec<Candidate>,
    pub contents: HashMap<ContentId, Content>,
}

/// What the viewer has seen, and what came of showing things.
#[derive(Default)]
struct Counted {
    seen: HashSet<Uuid>,
    tallies: HashMap<Uuid, Tally>,
    /// Those whose language is known, and whether it is the viewer's.
    languages: HashMap<Uuid, bool>,
}

impl Hydrator {
    /// Whether the viewer may read it is not guessed.
    const READABLE: Stage = Stage::closed("feed.hydrate.readable", Duration::from_millis(1_500));
    /// Nor is whether the viewer muted its author.
    const EDGES: Stage = Stage::closed("feed.hydrate.edges", Duration::from_millis(1_000));
    const COUNTED: Stage = Stage::open("feed.hydrate.counted", Duration::from_millis(500));

    /// Candidates out of `proposals`. Those that were served after `served_since` count as seen.
    pub async fn hydrate(
        &self,
        query: &Query,
        proposals: &[Proposal],
        served_since: Timestamp,
    ) -> Result<Hydrated, Error> {
        let ids: Vec<ContentId> = proposals.iter().map(|it| it.id).collect();
        let authors: HashSet<UserId> = proposals.iter().map(|it| it.author).collect();
        let authors: Vec<UserId> = authors.into_iter().collect();
        let edges = async { Ok(self.graph.edges(query.viewer(), &authors).await?) };
        let (contents, edges, counted) = tokio::try_join!(
            Self::READABLE.run(self.patience, self.readable(query.viewer(), &ids)),
            Self::EDGES.run(self.patience, edges),
            Self::COUNTED.run(self.patience, self.counted(query, &ids, &authors, served_since)),
        )?;
        let candidate = |it: &Proposal| candidate(query, it, contents.get(&it.id), &edges, &counted);
        Ok(Hydrated { candidates: proposals.iter().map(candidate).collect(), contents })
    }

    async fn readable(&self, viewer: UserId, ids: &[ContentId]) -> Result<HashMap<ContentId, Content>, Error> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let shown = self.contents.shown(viewer, ids).await?;
        Ok(shown.contents.into_iter().map(|content| (content.id, content)).collect())
    }

    async fn counted(
        &self,
        query: &Query,
        ids: &[ContentId],
        authors: &[UserId],
        served_since: Timestamp,
    ) -> Result<Counted, Error> {
        let all: Vec<Uuid> = ids.iter().map(|id| id.uuid()).chain(authors.iter().map(|id| id.uuid())).collect();
        let seen = async {
            let rows = sqlx::query_scalar(
                "SELECT content FROM feed_seen WHERE viewer = $1 AND content = ANY($2)
                 UNION SELECT content FROM feed_less WHERE viewer = $1 AND content = ANY($2)
                 UNION SELECT content FROM feed_served WHERE viewer = $1 AND content = ANY($2) AND at > $3",
            )
            .bind(query.viewer())
            .bind(ids)
            .bind(served_since)
            .fetch_all(self.db.pool());
            rows.await.map_err(fault)
        };
        let tallies = async {
            let rows = sqlx::query_as("SELECT id, shown, acted, at FROM feed_tallies WHERE id = ANY($1)")
                .bind(all)
                .fetch_all(self.db.pool());
            rows.await.map_err(fault)
        };
        type Rows = (Vec<Uuid>, Vec<(Uuid, f32, Vec<f32>, Timestamp)>, HashMap<Uuid, bool>);
        let languages = self.languages(query, ids);
        let (seen, tallies, languages): Rows = tokio::try_join!(seen, tallies, languages)?;
        let tally = |(id, shown, acted, at): (Uuid, f32, Vec<f32>, Timestamp)| {
            let acted = acted.try_into().ok()?;
            Some((id, Tally { shown, acted }.faded(query.now().since(at), TALLY_HALF_LIFE)))
        };
        let tallies = tallies.into_iter().filter_map(tally).collect();
        Ok(Counted { seen: seen.into_iter().collect(), tallies, languages })
    }

    async fn languages(&self, query: &Query, ids: &[ContentId]) -> Result<HashMap<Uuid, bool>, StoreError> {
        let Some(language) = query.asked.language.as_deref() else { return Ok(HashMap::new()) };
        let rows =
            sqlx::query_as("SELECT id, language = $2 FROM feed_items WHERE id = ANY($1) AND language IS NOT NULL")
                .bind(ids)
                .bind(language)
                .fetch_all(self.db.pool());
        let rows: Vec<(Uuid, bool)> = rows.await.map_err(fault)?;
        Ok(rows.into_iter().collect())
    }
}

fn candidate(
    query: &Query,
    proposal: &Proposal,
    content: Option<&Content>,
    edges: &HashMap<UserId, Edge>,
    counted: &Counted,
) -> Candidate {
    let edge = edges.get(&proposal.author).copied().unwrap_or_default();
    let tally = |id: Uuid| counted.tallies.get(&id).copied().unwrap_or_default();
    let mut it = Candidate {
        followed: edge.follows,
        readable: Some(content.is_some() && !edge.hidden),
        seen: counted.seen.contains(&proposal.id.uuid()),
        language: counted.languages.get(&proposal.id.uuid()).copied(),
        proof: proposal.proof,
        item: tally(proposal.id.uuid()),
        author_tally: tally(proposal.author.uuid()),
        ..Candidate::new(proposal.id, proposal.author, proposal.reason)
    };
    if let Some(content) = content {
        it.created_at = content.created_at;
        it.conversation = content.root.unwrap_or(content.id);
        it.tags = content.hashtags.iter().map(|span| tag_key(&span.tag)).collect();
        let distance = |area| content.place.as_ref().map(|at| near::metres(area, at.latitude, at.longitude) as f32);
        it.metres = query.asked.near.as_ref().and_then(distance);
    }
    it
}
