//! The stages, in their order.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::try_join_all;
use kernel::{ContentId, Ctx, Timestamp};
use postgres::Db;
use rank::mix::Rules;
use rank::{Candidate, Dice, Profile, Ranked, Scorer, Viewer, features};
use schemas::content::Content;
use schemas::feed::Why;

use super::hydration::{self, Hydrated};
use super::log::METRICS;
use super::models::{Current, Models};
use super::query::{self, Asked, Query};
use super::slates::{Slate, Slates, Slot};
use super::sources::{Followed, Liked, Near, Newcomers, Proposal, Source, Topics, Trending};
use super::stage::Stage;
use crate::neighbours::{Contents, Graph};
use crate::{Error, Service};

/// Candidates of a page at most: what comes later in the order of the sources is left out.
const CANDIDATES_MAX: usize = 400;
/// One page in so many is ranked by the model that does not serve as well.
const SHADOWED: usize = 16;
const SHADOW_DEPTH: usize = 20;

/// What the ranked feed is made of.
pub struct Parts {
    pub db: Db,
    pub following: Arc<Service>,
    pub contents: Arc<dyn Contents>,
    pub graph: Arc<dyn Graph>,
    pub models: Arc<Models>,
    /// How many times its deadline a stage may take: 1, but for tests on machines that do much else.
    pub patience: u32,
    pub rules: Rules,
}

pub struct Pipeline {
    query: query::Hydrator,
    sources: Vec<Box<dyn Source>>,
    hydration: hydration::Hydrator,
    models: Arc<Models>,
    patience: u32,
    rules: Rules,
    slates: Slates,
}

impl Pipeline {
    /// Without it there is no next page.
    const KEEP: Stage = Stage::closed("feed.slate.keep", std::time::Duration::from_millis(1_000));

    pub fn new(parts: &Parts) -> Self {
        let db = || parts.db.clone();
        let (contents, graph) = (parts.contents.clone(), parts.graph.clone());
        Self {
            // Who asks: profile, wishes for less, people whom they follow.
            query: query::Hydrator { db: db(), graph: graph.clone(), patience: parts.patience },
            // Who proposes, the preferred reason first.
            sources: vec![
                Box::new(Followed(parts.following.clone())),
                Box::new(Liked(db())),
                Box::new(Topics(db())),
                Box::new(Near(db())),
                Box::new(Trending(db())),
                Box::new(Newcomers(db())),
            ],
            // What is proposed: content as the viewer may read it, edges to authors, what was seen, what came of it so far.
            hydration: hydration::Hydrator { db: db(), contents, graph, patience: parts.patience },
            // Filters, scorers and selection are `rank::slate`: pure, by this model and these rules.
            models: parts.models.clone(),
            patience: parts.patience,
            rules: parts.rules.clone(),
            // Side effects: the order is kept.
            slates: Slates(db()),
        }
    }

    /// The order of a viewer's feed, kept, and the content that was read for it. What was served after `served_since` is left
    /// out, unless nothing else is there.
    pub async fn slate(&self, ctx: &Ctx, asked: Asked, served_since: Timestamp, seed: u64) -> Result<Made, Error> {
        let query = self.query.hydrate(ctx, asked).await?;
        let proposals = self.propose(&query).await?;
        METRICS.candidates.observe(proposals.len() as f64);
        let current = self.models.current();
        let mut dice = Dice::new(seed);
        let mut hydrated = self.hydration.hydrate(&query, &proposals, served_since).await?;
        let mut ranked = self.rank(&query, &hydrated.candidates, &current, &mut dice);
        if ranked.is_empty() && !proposals.is_empty() {
            hydrated = self.hydration.hydrate(&query, &proposals, ctx.now).await?;
            ranked = self.rank(&query, &hydrated.candidates, &current, &mut dice);
        }
        let slots = ranked.into_iter().map(|ranked| slot(&query, ranked, &hydrated)).collect();
        let slate = Slate { version: current.version(), slots };
        let id = Self::KEEP.run(self.patience, async { Ok(Some(self.slates.keep(ctx, &slate).await?)) }).await?;
        Ok(Made { id: id.unwrap_or_default(), slate, contents: hydrated.contents.into_iter().collect() })
    }

    async fn propose(&self, query: &Query) -> Result<Vec<Proposal>, Error> {
        let within = self.patience;
        let stages =
            self.sources.iter().map(|source| async { source.stage().run(within, source.propose(query)).await });
        let mut all: Vec<Proposal> = Vec::new();
        let mut places: BTreeMap<ContentId, usize> = BTreeMap::new();
        for proposal in try_join_all(stages).await?.into_iter().flatten() {
            match places.get(&proposal.id) {
                Some(place) => all[*place].proof = all[*place].proof.max(proposal.proof),
                None if all.len() < CANDIDATES_MAX => {
                    places.insert(proposal.id, all.len());
                    all.push(proposal);
                }
                None => {}
            }
        }
        Ok(all)
    }

    fn rank(&self, query: &Query, candidates: &[Candidate], current: &Current, dice: &mut Dice) -> Vec<Ranked> {
        let viewer = Viewer { id: query.viewer(), now: query.now(), profile: &query.profile };
        let (ranked, dropped) = rank::slate(&viewer, candidates, current.scorer(), &self.rules, dice);
        tracing::debug!(viewer = %viewer.id, ranked = ranked.len(), ?dropped, "a feed was ranked");
        if dice.below(SHADOWED) == 0
            && let Some(shadow) = current.shadow()
        {
            self.compare(&viewer, candidates, &ranked, shadow);
        }
        ranked
    }

    /// How far the model that does not serve agrees with the one that does.
    fn compare(&self, viewer: &Viewer<'_>, candidates: &[Candidate], ranked: &[Ranked], shadow: Scorer<'_>) {
        let rules = Rules { length: SHADOW_DEPTH, explore: 0.0, ..self.rules.clone() };
        let (other, _) = rank::slate(viewer, candidates, shadow, &rules, &mut Dice::new(0));
        let shown: Vec<usize> = ranked.iter().take(SHADOW_DEPTH).map(|it| it.index).collect();
        METRICS.shadow_agrees.observe(other.iter().filter(|it| shown.contains(&it.index)).count() as f64);
    }
}

/// An order that was made.
pub struct Made {
    pub id: uuid::Uuid,
    pub slate: Slate,
    pub contents: Vec<(ContentId, Content)>,
}

fn slot(query: &Query, ranked: Ranked, hydrated: &Hydrated) -> Slot {
    let candidate = &hydrated.candidates[ranked.index];
    Slot {
        id: candidate.id,
        author: candidate.author,
        why: why(&query.profile, candidate, hydrated.contents.get(&candidate.id)),
        propensity: ranked.placed.propensity,
        features: ranked.features.to_bytes(),
    }
}

/// What the viewer is told: the reason for which the item was found, as far as it can be said.
fn why(profile: &Profile, candidate: &Candidate, content: Option<&Content>) -> Why {
    if candidate.followed {
        return Why::Followed;
    }
    match candidate.source {
        rank::Source::Followed => Why::Followed,
        rank::Source::LikedByFollowed => Why::LikedByFollowed { people: u32::from(candidate.proof.max(1)) },
        rank::Source::NewAuthor => Why::NewAuthor,
        rank::Source::Trending => Why::Trending,
        rank::Source::Near => candidate.metres.map_or(Why::Trending, |metres| Why::Near { distance_m: metres as u32 }),
        rank::Source::Topic => {
            let liking = |tag: &str| profile.tags(&[features::tag_key(tag)]);
            let tags = content.into_iter().flat_map(|content| &content.hashtags).map(|span| span.tag.as_str());
            let best = tags.max_by(|a, b| liking(a).total_cmp(&liking(b)));
            best.map_or(Why::Trending, |tag| Why::Topic { hashtag: tag.to_owned() })
        }
    }
}
