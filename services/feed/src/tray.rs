//! The stories of those whom I follow.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use kernel::{ContentId, Ctx, PageSize, UserId};
use rank::Profile;
use schemas::content::Content;
use schemas::feed::{StoryTray, TrayEntry};

use crate::ranked::query::known;
use crate::{Error, Service};

/// How long a story lives.
pub const STORY_LIFE: Duration = Duration::from_hours(24);
/// A person's stories in a tray: the latest so many.
pub const STORIES_OF_ONE_MAX: usize = 10;
/// People who are looked at beyond those that a tray has room for, in case not all may be seen.
const SPARE: usize = 16;

impl Service {
    /// Live stories by person: the caller's own first, then by whether something is unseen, then by how much the caller likes to
    /// see of them, then by who told last. Seven round trips, however many are followed.
    pub async fn stories(&self, ctx: &Ctx, size: PageSize) -> Result<StoryTray, Error> {
        let followed = async { Ok::<_, Error>(self.graph.followed(ctx.user).await?) };
        let (followed, liking) = tokio::join!(followed, self.liking(ctx.user));
        let mut authors = followed?;
        authors.push(ctx.user);
        let found = self.contents.stories(&authors, ctx.now.minus(STORY_LIFE), STORIES_OF_ONE_MAX).await?;
        let ids: Vec<ContentId> = found.iter().map(|entry| entry.id).collect();
        let seen = self.seen(ctx.user, &ids).await;

        let mut by_author: HashMap<UserId, Vec<ContentId>> = HashMap::new();
        for entry in found {
            by_author.entry(entry.author).or_default().push(entry.id);
        }
        let mut people: Vec<(UserId, Vec<ContentId>)> = by_author.into_iter().collect();
        let place = |(author, ids): &(UserId, Vec<ContentId>)| {
            let unseen = *author == ctx.user || ids.iter().any(|id| !seen.contains(id));
            (*author == ctx.user, unseen, liking.author(*author), ids.iter().max().copied())
        };
        people.sort_by(|a, b| {
            let (a, b) = (place(a), place(b));
            (b.0, b.1).cmp(&(a.0, a.1)).then(b.2.total_cmp(&a.2)).then(b.3.cmp(&a.3))
        });
        people.truncate(size.get() + SPARE);

        let ids: Vec<ContentId> = people.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
        let shown = if ids.is_empty() { Vec::new() } else { self.contents.shown(ctx.user, &ids).await?.contents };
        let mut shown_of: HashMap<UserId, Vec<Content>> = HashMap::new();
        for story in shown {
            shown_of.entry(story.author.id).or_default().push(story);
        }
        let entry = |(author, _): (UserId, Vec<ContentId>)| {
            let mut stories = shown_of.remove(&author)?;
            stories.sort_unstable_by_key(|story| story.id);
            let unseen = stories.iter().filter(|story| !seen.contains(&story.id)).count() as u32;
            Some(TrayEntry { person: stories.first()?.author.clone(), stories, unseen })
        };
        let mut items: Vec<TrayEntry> = people.into_iter().filter_map(entry).collect();
        // What may not be seen may have been all that was unseen of somebody.
        items.sort_by_key(|entry| {
            Reverse((entry.person.id == ctx.user, entry.person.id == ctx.user || entry.unseen > 0))
        });
        items.truncate(size.get());
        Ok(StoryTray { items })
    }

    /// Whom the viewer likes to see; nobody in particular, when there is no answer.
    async fn liking(&self, viewer: UserId) -> Profile {
        known(&self.db, viewer).await.unwrap_or_else(|error| {
            tracing::debug!(%viewer, %error, "a tray by time alone");
            Profile::default()
        })
    }

    /// What of `ids` the viewer has seen; nothing, when nobody knows.
    async fn seen(&self, viewer: UserId, ids: &[ContentId]) -> HashSet<ContentId> {
        if ids.is_empty() {
            return HashSet::new();
        }
        self.receptions.seen(viewer, ids).await.unwrap_or_else(|problem| {
            tracing::debug!(%viewer, code = problem.code, "a tray without what was seen");
            HashSet::new()
        })
    }
}
