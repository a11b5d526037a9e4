//! Every change that takes something away, at every surface: what was seen before is not seen after, before the worker hears of
//! it, and what came between pages is not on the next one.

use kernel::{ContentId, ContentKind, Cursor, PageSize, UserId};

use crate::world::{Store, World};

/// Where content is seen.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Surface {
    FollowingPushed,
    FollowingPulled,
    Tray,
    Reels,
    ListingsNear,
    ListingsFollowed,
}

/// What happens to a piece of content, its author or its reader.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    Unfollow,
    Block,
    BlockedBy,
    Mute,
    Delete,
    EditAudience,
    AccountPrivate,
    AccountGone,
    Expiry,
}

const SURFACES: [Surface; 6] = [
    Surface::FollowingPushed,
    Surface::FollowingPulled,
    Surface::Tray,
    Surface::Reels,
    Surface::ListingsNear,
    Surface::ListingsFollowed,
];
const CHANGES: [Change; 9] = [
    Change::Unfollow,
    Change::Block,
    Change::BlockedBy,
    Change::Mute,
    Change::Delete,
    Change::EditAudience,
    Change::AccountPrivate,
    Change::AccountGone,
    Change::Expiry,
];
const PLACE: (f64, f64) = (52.52, 13.405);

impl Surface {
    const fn kind(self) -> ContentKind {
        match self {
            Self::FollowingPushed | Self::FollowingPulled => ContentKind::Post,
            Self::Tray => ContentKind::Story,
            Self::Reels => ContentKind::Reel,
            Self::ListingsNear | Self::ListingsFollowed => ContentKind::Listing,
        }
    }

    /// Whether a change takes the content away from a follower here.
    const fn loses_by(self, change: Change) -> bool {
        match change {
            Change::Block
            | Change::BlockedBy
            | Change::Mute
            | Change::Delete
            | Change::EditAudience
            | Change::AccountGone => true,
            // What everybody sees, a stranger sees.
            Change::Unfollow => !matches!(self, Self::Reels | Self::ListingsNear),
            // Followers go on seeing it.
            Change::AccountPrivate => false,
            Change::Expiry => matches!(self, Self::Tray),
        }
    }

    /// One page, one thing long, from a cursor.
    async fn page(self, world: &World, viewer: UserId, cursor: Option<&Cursor>) -> (Vec<ContentId>, Option<Cursor>) {
        let (ctx, one) = (world.ctx(viewer), PageSize::try_from(1).unwrap());
        let ids = |page: kernel::Page<schemas::content::Content>| {
            (page.items.iter().map(|content| content.id).collect(), page.next)
        };
        match self {
            Self::FollowingPushed | Self::FollowingPulled => {
                let page = world.feed.following(&ctx, cursor, one).await.unwrap();
                (page.items.iter().map(|item| item.content.id).collect(), page.next)
            }
            Self::Tray => {
                let tray = world.feed.stories(&ctx, PageSize::DEFAULT).await.unwrap();
                (tray.items.iter().flat_map(|entry| entry.stories.iter().map(|story| story.id)).collect(), None)
            }
            Self::Reels => ids(world.feed.reels(&ctx, cursor, one).await.unwrap()),
            Self::ListingsNear => {
                let area = feed::Area { latitude: PLACE.0, longitude: PLACE.1, radius_m: 1_000.0 };
                ids(world.feed.listings_near(&ctx, area, cursor, one).await.unwrap())
            }
            Self::ListingsFollowed => ids(world.feed.listings_followed(&ctx, cursor, one).await.unwrap()),
        }
    }

    async fn all(self, world: &World, viewer: UserId, mut cursor: Option<Cursor>) -> Vec<ContentId> {
        let mut seen = Vec::new();
        loop {
            let (ids, next) = self.page(world, viewer, cursor.as_ref()).await;
            seen.extend(ids);
            match next {
                Some(next) => cursor = Some(next),
                None => return seen,
            }
        }
    }
}

async fn happens(world: &World, change: Change, content: ContentId, author: UserId, viewer: UserId) {
    match change {
        Change::Unfollow => world.unfollow(viewer, author).await,
        Change::Block => world.block(viewer, author).await,
        Change::BlockedBy => world.block(author, viewer).await,
        Change::Mute => world.mute(viewer, author, true),
        Change::Delete => world.delete(author, content).await,
        Change::EditAudience => world.hide(content).await,
        Change::AccountPrivate => {
            world.society.change(|known| known.private.insert(author));
        }
        Change::AccountGone => {
            world.society.change(|known| known.people.remove(&author));
        }
        Change::Expiry => world.clock.advance(feed::STORY_LIFE),
    }
}

#[tokio::test]
async fn what_is_taken_away_is_gone_from_every_surface_at_once() {
    let world = World::ruled(Store::Postgres).await;
    for surface in SURFACES {
        for change in CHANGES {
            let case = format!("{change:?} at {surface:?}");
            let [ada, ben, dana] = world.people();
            for author in [ada, dana] {
                world.follow(ben, author).await;
            }
            world.drain().await;
            if surface == Surface::FollowingPushed {
                world.open(ben, 30).await;
            }
            // The newest first: one page shows what stays, the next would show the other.
            let kind = surface.kind();
            let doomed = world.publish_at(ada, kind, Some(PLACE)).await;
            let stays = world.publish_at(dana, kind, Some(PLACE)).await;
            world.drain().await;
            // Time for a new pool of reels.
            world.clock.advance(feed::POOL_EVERY);
            if matches!(surface, Surface::FollowingPushed | Surface::FollowingPulled) {
                let pushed = surface == Surface::FollowingPushed;
                assert_eq!(world.timeline(ben).await.contains(&doomed), pushed, "{case}");
            }
            let before = surface.all(&world, ben, None).await;
            assert!(before.contains(&doomed) && before.contains(&stays), "{case}: {before:?}");

            let (first, next) = surface.page(&world, ben, None).await;
            assert!(!first.is_empty(), "{case}");
            happens(&world, change, doomed, ada, ben).await;
            let after = surface.all(&world, ben, None).await;
            let lost = surface.loses_by(change);
            assert_eq!(after.contains(&doomed), !lost, "{case}");
            // After a day, the pool of reels that the cursor is of has gone as well.
            if next.is_some() && !first.contains(&doomed) && change != Change::Expiry {
                let rest = surface.all(&world, ben, next).await;
                assert_eq!(rest.contains(&doomed), !lost, "{case}, on the pages that follow");
            }
            assert!(after.contains(&stays) || change == Change::Expiry, "{case}: the other one stays");
            // And it does not come back when the worker has heard of it.
            world.drain().await;
            assert_eq!(surface.all(&world, ben, None).await, after, "{case}, later");
        }
    }
}

#[tokio::test]
async fn an_account_that_becomes_private_is_seen_by_followers_alone() {
    let world = World::ruled(Store::Postgres).await;
    for surface in [Surface::Reels, Surface::ListingsNear] {
        let [ada, stranger] = world.people();
        let content = world.publish_at(ada, surface.kind(), Some(PLACE)).await;
        world.clock.advance(feed::POOL_EVERY);
        assert!(surface.all(&world, stranger, None).await.contains(&content), "{surface:?}");
        happens(&world, Change::AccountPrivate, content, ada, stranger).await;
        assert!(!surface.all(&world, stranger, None).await.contains(&content), "{surface:?}");
    }
}

#[tokio::test]
async fn who_follows_sees_what_was_there_at_every_surface_of_those_followed() {
    let world = World::ruled(Store::Postgres).await;
    for surface in SURFACES {
        let [ada, ben] = world.people();
        let content = world.publish_at(ada, surface.kind(), Some(PLACE)).await;
        world.drain().await;
        world.clock.advance(feed::POOL_EVERY);
        let everybody = matches!(surface, Surface::Reels | Surface::ListingsNear);
        assert_eq!(surface.all(&world, ben, None).await.contains(&content), everybody, "{surface:?}");
        world.follow(ben, ada).await;
        world.drain().await;
        assert!(surface.all(&world, ben, None).await.contains(&content), "{surface:?}");
    }
}
