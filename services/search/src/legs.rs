//! One search, as the queries that answer it.
//!
//! Age counts for posts and messages and not for people and hashtags, so that a search by relevance for both runs on two
//! legs, whose hits are merged by their scores. Every other search has one.

use std::sync::Arc;

use futures_util::future::try_join_all;
use index::{After, Engine, Hit, Kind, Query};

use crate::Error;
use crate::cursor::At;
use crate::model::{HASHTAG, PERSON};

/// Kinds whose things do not age.
#[must_use]
pub fn is_timeless(kind: Kind) -> bool {
    kind == PERSON || kind == HASHTAG
}

/// Queries, and how far each has been read.
pub struct Legs {
    queries: Vec<Query>,
    at: Vec<At>,
}

/// A hit, and where all legs stand after it.
pub struct Found {
    pub hit: Hit,
    pub at: Vec<At>,
}

impl Legs {
    /// `None`, when `at` is of another search.
    #[must_use]
    pub fn resume(queries: Vec<Query>, at: Vec<At>) -> Option<Self> {
        (queries.len() == at.len()).then_some(Self { queries, at })
    }

    #[must_use]
    pub fn start(queries: Vec<Query>) -> Self {
        let at = vec![At::Start; queries.len()];
        Self { queries, at }
    }

    #[must_use]
    pub fn ended(&self) -> bool {
        self.at.iter().all(|at| *at == At::End)
    }

    #[must_use]
    pub fn at(&self) -> Vec<At> {
        self.at.clone()
    }

    /// The next up to `wanted` hits of all legs in one order.
    pub async fn next(&mut self, engine: &Arc<dyn Engine>, wanted: usize) -> Result<Vec<Found>, Error> {
        let asked = self.queries.iter().zip(&self.at).map(|(query, at)| async move {
            let after = match at {
                At::End => return Ok::<_, Error>(None),
                At::Start => None,
                At::After(after) => Some(after.clone()),
            };
            Ok(Some(engine.search(&Query { after, limit: wanted, ..query.clone() }).await?))
        });
        let pages = try_join_all(asked).await?;
        let mut open: Vec<(std::collections::VecDeque<Hit>, Option<After>)> = pages
            .into_iter()
            .map(|page| page.map_or_else(Default::default, |page| (page.hits.into(), page.next)))
            .collect();
        // A leg that answered with nothing has nothing more.
        for (leg, (hits, _)) in open.iter().enumerate() {
            if hits.is_empty() {
                self.at[leg] = At::End;
            }
        }
        let mut found = Vec::with_capacity(wanted);
        while found.len() < wanted {
            let Some(leg) = best(open.iter().map(|(hits, _)| hits.front())) else { break };
            let (hits, next) = &mut open[leg];
            let Some(hit) = hits.pop_front() else { break };
            self.at[leg] = if hits.is_empty() && next.is_none() {
                At::End
            } else {
                At::After(hit.after(&self.queries[leg].order))
            };
            let emptied = hits.is_empty() && next.is_some();
            found.push(Found { hit, at: self.at.clone() });
            // What this leg has next is not known, so nothing of another leg may come before it.
            if emptied {
                break;
            }
        }
        Ok(found)
    }
}

/// Which leg has the best next hit: the highest score. With one leg, that is the one.
fn best<'a>(fronts: impl Iterator<Item = Option<&'a Hit>>) -> Option<usize> {
    let mut best: Option<(usize, &Hit)> = None;
    for (leg, front) in fronts.enumerate() {
        let Some(front) = front else { continue };
        if best.is_none_or(|(_, other)| front.value > other.value) {
            best = Some((leg, front));
        }
    }
    best.map(|(leg, _)| leg)
}
