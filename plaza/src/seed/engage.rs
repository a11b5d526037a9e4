//! Lets people do with what was published what the plan says.

use std::time::Duration;

use engagement::{Error, VIEWS_MAX};
use graph::model::Act;
use schemas::engagement::{View, ViewBatch};

use super::community::Community;
use super::engaged::{Deed, Done};
use super::fill::{Count, FillError, Filled, Filling, Written, refused};

/// What is older in an inbox has been read.
const READ_AGO: Duration = Duration::from_secs(20 * 60 * 60);

impl Filling<'_> {
    pub(super) async fn befriend(&self, plan: &Community) -> Result<(), FillError> {
        for (one, other) in &plan.engaged.close_friends {
            let (me, friend) = (&self.members[*one], &self.members[*other].handle);
            let added = self.slices.graph.change(&me.at(self.joined), friend, Act::AddCloseFriend).await;
            added.map_err(refused("a close friend"))?;
        }
        Ok(())
    }

    /// What somebody was not let in on, they do nothing with.
    pub(super) async fn engage(
        &self,
        plan: &Community,
        written: &Written,
        filled: &mut Filled,
    ) -> Result<(), FillError> {
        let engagement = &self.slices.engagement;
        let mut deeds = Count::of("Reactions, saves and shares", plan.engaged.done.len(), self.progress);
        for Done { by, with, deed, ago } in &plan.engaged.done {
            deeds.next();
            let Some(content) = written.get(with).copied() else { continue };
            let ctx = self.members[*by].at(self.ago(*ago));
            let (done, count) = match deed {
                Deed::React(reaction) => (engagement.react(&ctx, content, *reaction).await, &mut filled.reactions),
                Deed::Save => (engagement.save(&ctx, content).await, &mut filled.saves),
                Deed::Share(text) => (engagement.share(&ctx, content, *text).await, &mut filled.shares),
            };
            match done {
                Ok(_) => *count += 1,
                Err(Error::NotFound) => {}
                Err(error) => return Err(refused("an engagement")(error)),
            }
        }
        self.look(plan, written).await
    }

    /// Impressions. Those that one may not see are passed over.
    async fn look(&self, plan: &Community, written: &Written) -> Result<(), FillError> {
        for (by, looks) in &plan.engaged.looks {
            for (nth, looks) in looks.chunks(VIEWS_MAX).enumerate() {
                // The answer that showed them: the same one each time, so that nothing is seen twice.
                let request = format!("seed-{by}-{nth}");
                let views = looks.iter().enumerate().filter_map(|(position, look)| {
                    let (content, position) = (*written.get(&look.at)?, u16::try_from(position).ok());
                    Some(View { content, request: request.clone(), position, dwell_ms: look.dwell_ms })
                });
                let views: Vec<View> = views.collect();
                if !views.is_empty() {
                    let seen = self.slices.engagement.view(&self.members[*by].at(self.now), ViewBatch { views }).await;
                    seen.map_err(refused("impressions"))?;
                }
            }
        }
        Ok(())
    }

    /// Inboxes that were looked at yesterday.
    pub(super) async fn catch_up(&self) -> Result<(), FillError> {
        for member in &self.members {
            let read = self.slices.inbox.read(&member.at(self.now), self.ago(READ_AGO)).await;
            read.map_err(refused("an inbox"))?;
        }
        Ok(())
    }
}
