//! Publishes what the plan has besides posts.

use std::collections::HashMap;

use kernel::{ContentId, ContentKind, PageSize};
use schemas::content::{
    Availability, CommentCreate, Content, ContentEdit, ListingCreate, LivestreamCreate, LivestreamState, PlaceGiven,
    PriceGiven,
};

use super::community::Community;
use super::fill::{FillError, Filling, refused};
use super::published::{Listing, Livestream};

const CURRENCY: &str = "EUR";

impl Filling<'_> {
    /// Says what is said about posts, each once, however often this runs. Returns how much.
    pub(super) async fn comment(
        &self,
        plan: &Community,
        posts: &HashMap<usize, ContentId>,
    ) -> Result<usize, FillError> {
        let mut last: Option<(usize, ContentId)> = None;
        let mut there: (Option<ContentId>, Vec<Content>) = (None, Vec::new());
        for comment in &plan.published.comments {
            let Some(root) = posts.get(&comment.post).copied() else { continue };
            let by = &self.members[comment.by];
            if there.0 != Some(root) {
                let reader = by.at(self.now);
                let page = self.slices.content.comments(&reader, root, true, None, PageSize::MAX).await;
                there = (Some(root), page.map_err(refused("comments"))?.items);
            }
            let same = |it: &&Content| it.author.id == by.user && it.text == comment.text;
            let id = match there.1.iter().find(same) {
                Some(old) => old.id,
                None => {
                    let before = last.filter(|(post, _)| comment.answers && *post == comment.post);
                    let parent = before.map_or(root, |(_, id)| id);
                    let wish = CommentCreate { parent, text: comment.text.to_owned() };
                    let at = self.ago(plan.posts[comment.post].ago.saturating_sub(comment.later));
                    let made = self.slices.content.create(&by.at(at), wish.into()).await;
                    made.map_err(refused("a comment"))?.id
                }
            };
            last = Some((comment.post, id));
        }
        Ok(plan.published.comments.len())
    }

    pub(super) async fn stream(&self, plan: &Community) -> Result<usize, FillError> {
        for Livestream { by, title, ended, ago } in &plan.published.livestreams {
            if self.has(*by, ContentKind::Livestream, title).await? {
                continue;
            }
            let wish = LivestreamCreate { title: (*title).to_owned(), ..LivestreamCreate::default() };
            let made = self.slices.content.create(&self.members[*by].at(self.ago(*ago)), wish.into()).await;
            let made = made.map_err(refused("a livestream"))?;
            if *ended {
                let edit = ContentEdit { state: Some(LivestreamState::Ended), ..ContentEdit::default() };
                self.change(*by, &made, edit).await?;
            }
        }
        Ok(plan.published.livestreams.len())
    }

    pub(super) async fn offer(&self, plan: &Community) -> Result<usize, FillError> {
        for Listing { by, title, cents, place, sold, ago } in &plan.published.listings {
            if self.has(*by, ContentKind::Listing, title).await? {
                continue;
            }
            let (latitude, longitude) = *place;
            let wish = ListingCreate {
                title: (*title).to_owned(),
                price: PriceGiven { amount: *cents, currency: CURRENCY.to_owned() },
                text: None,
                audience: None,
                place: Some(PlaceGiven { latitude, longitude, name: None }),
                media: Vec::new(),
            };
            let made = self.slices.content.create(&self.members[*by].at(self.ago(*ago)), wish.into()).await;
            let made = made.map_err(refused("a listing"))?;
            if *sold {
                let edit = ContentEdit { availability: Some(Availability::Sold), ..ContentEdit::default() };
                self.change(*by, &made, edit).await?;
            }
        }
        Ok(plan.published.listings.len())
    }

    async fn change(&self, by: usize, content: &Content, edit: ContentEdit) -> Result<(), FillError> {
        let changed = self.slices.content.edit(&self.members[by].at(self.now), content.id, edit).await;
        changed.map(drop).map_err(refused("a change"))
    }

    /// Whether somebody has published this already, in an earlier run.
    async fn has(&self, by: usize, kind: ContentKind, title: &str) -> Result<bool, FillError> {
        let member = &self.members[by];
        let ctx = member.at(self.now);
        let there = self.slices.content.by_author(&ctx, &member.handle, Some(kind), None, PageSize::MAX).await;
        Ok(there.map_err(refused("content"))?.items.iter().any(|it| it.title.as_deref() == Some(title)))
    }
}
