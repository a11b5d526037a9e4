//! Publishes what the plan has besides posts.

use kernel::{ContentId, ContentKind, PageSize};
use schemas::content::{
    Availability, CommentCreate, Content, ContentEdit, ListingCreate, LivestreamCreate, LivestreamState, PlaceGiven,
    PriceGiven,
};

use super::community::Community;
use super::engaged::Spot;
use super::fill::{FillError, Filling, Written, refused};
use super::published::{Listing, Livestream};

const CURRENCY: &str = "EUR";

impl Filling<'_> {
    /// Says what is said about posts, each once, however often this runs. Returns how much.
    pub(super) async fn comment(&self, plan: &Community, written: &Written) -> Result<usize, FillError> {
        let mut last: Option<(usize, ContentId)> = None;
        let mut there: (Option<ContentId>, Vec<Content>) = (None, Vec::new());
        for comment in &plan.published.comments {
            let Some(root) = written.get(&Spot::Post(comment.post)).copied() else { continue };
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

    pub(super) async fn stream(&self, plan: &Community, written: &mut Written) -> Result<usize, FillError> {
        for (place, stream) in plan.published.livestreams.iter().enumerate() {
            let known = self.known_by_title(stream.by, ContentKind::Livestream, stream.title).await?;
            let id = match known {
                Some(id) => id,
                None => self.broadcast(stream).await?,
            };
            written.insert(Spot::Livestream(place), id);
        }
        Ok(plan.published.livestreams.len())
    }

    async fn broadcast(&self, stream: &Livestream) -> Result<ContentId, FillError> {
        let Livestream { by, title, ended, ago } = stream;
        let wish = LivestreamCreate { title: (*title).to_owned(), ..LivestreamCreate::default() };
        let made = self.slices.content.create(&self.members[*by].at(self.ago(*ago)), wish.into()).await;
        let made = made.map_err(refused("a livestream"))?;
        if *ended {
            let edit = ContentEdit { state: Some(LivestreamState::Ended), ..ContentEdit::default() };
            self.change(*by, &made, edit).await?;
        }
        Ok(made.id)
    }

    pub(super) async fn offer(&self, plan: &Community, written: &mut Written) -> Result<usize, FillError> {
        for (place, listing) in plan.published.listings.iter().enumerate() {
            let known = self.known_by_title(listing.by, ContentKind::Listing, listing.title).await?;
            let id = match known {
                Some(id) => id,
                None => self.list(listing).await?,
            };
            written.insert(Spot::Listing(place), id);
        }
        Ok(plan.published.listings.len())
    }

    async fn list(&self, listing: &Listing) -> Result<ContentId, FillError> {
        let Listing { by, good, title, text, cents, place: (latitude, longitude), sold, ago } = *listing;
        let wish = ListingCreate {
            title: title.to_owned(),
            price: PriceGiven { amount: cents, currency: CURRENCY.to_owned() },
            text: Some(text.to_owned()),
            audience: None,
            place: Some(PlaceGiven { latitude, longitude, name: None }),
            media: vec![self.poster(by, good).await?],
        };
        let made = self.slices.content.create(&self.members[by].at(self.ago(ago)), wish.into()).await;
        let made = made.map_err(refused("a listing"))?;
        if sold {
            let edit = ContentEdit { availability: Some(Availability::Sold), ..ContentEdit::default() };
            self.change(by, &made, edit).await?;
        }
        Ok(made.id)
    }

    async fn change(&self, by: usize, content: &Content, edit: ContentEdit) -> Result<(), FillError> {
        let changed = self.slices.content.edit(&self.members[by].at(self.now), content.id, edit).await;
        changed.map(drop).map_err(refused("a change"))
    }

    /// What somebody has published under this title already, in an earlier run.
    async fn known_by_title(&self, by: usize, kind: ContentKind, title: &str) -> Result<Option<ContentId>, FillError> {
        let there = self.published(by, Some(kind)).await?;
        Ok(there.into_iter().find(|it| it.title.as_deref() == Some(title)).map(|it| it.id))
    }
}
