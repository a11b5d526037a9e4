//! Every change that takes something away, at every surface: what was seen before is not seen after, before the worker hears of
//! it, and what came between pages is not on the next one. And what is changed is seen as it is now.

use std::collections::HashMap;

use kernel::{ContentId, ContentKind, Cursor, PageSize, UserId};
use schemas::content::Content;

use crate::ranked::Theatre;
use crate::with_each_store;
use crate::world::{Store, World};

with_each_store! {
    what_is_taken_away_is_gone_from_every_surface_at_once,
    who_follows_sees_what_was_there_at_every_surface_of_those_followed,
}

/// Where content is seen.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Surface {
    FollowingPushed,
    FollowingPulled,
    Ranked,
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
    EditText,
    EditAudience,
    AccountPrivate,
    AccountGone,
    Expiry,
}

const CHANGES: [Change; 10] = [
    Change::Unfollow,
    Change::Block,
    Change::BlockedBy,
    Change::Mute,
    Change::Delete,
    Change::EditText,
    Change::EditAudience,
    Change::AccountPrivate,
    Change::AccountGone,
    Change::Expiry,
];
const PLACE: (f64, f64) = (52.52, 13.405);
const EDITED: &str = "Tea at one";

impl Surface {
    /// Those that are made of what the store has.
    const fn on(store: Store) -> &'static [Self] {
        const ALL: &[Surface] = &[
            Surface::FollowingPushed,
            Surface::FollowingPulled,
            Surface::Ranked,
            Surface::Tray,
            Surface::Reels,
            Surface::ListingsNear,
            Surface::ListingsFollowed,
        ];
        match store {
            Store::Postgres => ALL,
            Store::Cassandra => ALL.first_chunk::<3>().unwrap(),
        }
    }

    const fn kind(self) -> ContentKind {
        match self {
            Self::FollowingPushed | Self::FollowingPulled | Self::Ranked => ContentKind::Post,
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
            Change::Unfollow => !matches!(self, Self::Ranked | Self::Reels | Self::ListingsNear),
            // Followers go on seeing it.
            Change::EditText | Change::AccountPrivate => false,
            Change::Expiry => matches!(self, Self::Tray),
        }
    }

    /// Whether it takes it away from the pages of an order that was begun before.
    fn loses_on_later_pages_by(self, change: Change) -> bool {
        // It was there for being followed. A new order may find another reason.
        self.loses_by(change) || (self == Self::Ranked && change == Change::Unfollow)
    }

    /// One page, one thing long, from a cursor.
    async fn page(self, theatre: &Theatre, viewer: UserId, cursor: Option<&Cursor>) -> (Vec<Content>, Option<Cursor>) {
        let world = &theatre.world;
        let (ctx, one) = (world.ctx(viewer), PageSize::try_from(1).unwrap());
        match self {
            Self::FollowingPushed | Self::FollowingPulled => {
                let page = world.feed.following(&ctx, cursor, one).await.unwrap();
                (page.items.into_iter().map(|item| item.content).collect(), page.next)
            }
            Self::Ranked => {
                let page = theatre.ranked.page(&ctx, Default::default(), cursor, one).await.unwrap();
                (page.items.into_iter().map(|item| item.content).collect(), page.next)
            }
            Self::Tray => {
                let tray = world.feed.stories(&ctx, PageSize::DEFAULT).await.unwrap();
                (tray.items.into_iter().flat_map(|entry| entry.stories).collect(), None)
            }
            Self::Reels => {
                let page = world.feed.reels(&ctx, cursor, one).await.unwrap();
                (page.items, page.next)
            }
            Self::ListingsNear => {
                let area = feed::Area { latitude: PLACE.0, longitude: PLACE.1, radius_m: 1_000.0 };
                let page = world.feed.listings_near(&ctx, area, cursor, one).await.unwrap();
                (page.items, page.next)
            }
            Self::ListingsFollowed => {
                let page = world.feed.listings_followed(&ctx, cursor, one).await.unwrap();
                (page.items, page.next)
            }
        }
    }

    /// The first page, as for somebody who was shown nothing lately.
    async fn first(self, theatre: &Theatre, viewer: UserId) -> (Vec<Content>, Option<Cursor>) {
        if self == Self::Ranked {
            theatre.sql("DELETE FROM feed_served").await;
        }
        self.page(theatre, viewer, None).await
    }

    /// Texts by content, page after page.
    async fn rest(self, theatre: &Theatre, viewer: UserId, mut next: Option<Cursor>) -> HashMap<ContentId, String> {
        let mut seen = HashMap::new();
        while let Some(cursor) = next {
            let (page, further) = self.page(theatre, viewer, Some(&cursor)).await;
            add(&mut seen, page);
            next = further;
        }
        seen
    }

    async fn all(self, theatre: &Theatre, viewer: UserId) -> HashMap<ContentId, String> {
        let (first, next) = self.first(theatre, viewer).await;
        let mut seen = self.rest(theatre, viewer, next).await;
        add(&mut seen, first);
        seen
    }
}

fn add(seen: &mut HashMap<ContentId, String>, page: Vec<Content>) {
    for content in page {
        assert_eq!(seen.insert(content.id, content.text), None, "nothing comes twice");
    }
}

async fn happens(world: &World, change: Change, content: ContentId, author: UserId, viewer: UserId) {
    match change {
        Change::Unfollow => world.unfollow(viewer, author).await,
        Change::Block => world.block(viewer, author).await,
        Change::BlockedBy => world.block(author, viewer).await,
        Change::Mute => world.mute(viewer, author, true),
        Change::Delete => world.delete(author, content).await,
        Change::EditText => world.edit(content, author, EDITED).await,
        Change::EditAudience => world.hide(content, author).await,
        Change::AccountPrivate => {
            world.society.change(|known| known.private.insert(author));
        }
        Change::AccountGone => {
            world.society.change(|known| known.people.remove(&author));
        }
        Change::Expiry => world.clock.advance(feed::STORY_LIFE),
    }
}

async fn what_is_taken_away_is_gone_from_every_surface_at_once(store: Store) {
    let theatre = Theatre::of(World::ruled(store).await).await;
    let world = &theatre.world;
    for surface in Surface::on(store).iter().copied() {
        for change in CHANGES {
            let case = format!("{change:?} at {surface:?}");
            // What earlier cases published is recommended to nobody.
            theatre.sql("DELETE FROM feed_items").await;
            let [ada, ben, dana] = world.people();
            for author in [ada, dana] {
                world.follow(ben, author).await;
            }
            theatre.drain().await;
            if surface == Surface::FollowingPushed {
                world.open(ben, 30).await;
            }
            let kind = surface.kind();
            let mut published = HashMap::new();
            for author in [ada, dana] {
                published.insert(world.publish_at(author, kind, Some(PLACE)).await, author);
            }
            theatre.drain().await;
            // Time for a new pool of reels.
            world.clock.advance(feed::POOL_EVERY);
            if matches!(surface, Surface::FollowingPushed | Surface::FollowingPulled) {
                let pushed = surface == Surface::FollowingPushed;
                assert_eq!(world.timeline(ben).await.len(), if pushed { 2 } else { 0 }, "{case}");
            }
            let before = surface.all(&theatre, ben).await;
            assert!(published.keys().all(|id| before.contains_key(id)), "{case}: {before:?}");

            // The first page shows what stays, the next would show the other.
            let (first, next) = surface.first(&theatre, ben).await;
            let stays = first.iter().map(|content| content.id).find(|id| published.contains_key(id));
            let Some(stays) = stays else { panic!("{case}: nothing on the first page") };
            let (doomed, author) = published.iter().find(|(id, _)| **id != stays).map(|(id, by)| (*id, *by)).unwrap();
            happens(world, change, doomed, author, ben).await;
            // After a day, what the cursor is of has gone as well.
            if surface != Surface::Tray && change != Change::Expiry {
                let rest = surface.rest(&theatre, ben, next).await;
                let lost = surface.loses_on_later_pages_by(change);
                assert_eq!(rest.contains_key(&doomed), !lost, "{case}, on the pages that follow");
                assert!(lost || (rest[&doomed] == EDITED) == (change == Change::EditText), "{case}: {rest:?}");
            }
            let after = surface.all(&theatre, ben).await;
            let lost = surface.loses_by(change);
            assert_eq!(after.contains_key(&doomed), !lost, "{case}");
            assert!(lost || (after[&doomed] == EDITED) == (change == Change::EditText), "{case}: {after:?}");
            assert!(after.contains_key(&stays) || change == Change::Expiry, "{case}: the other one stays");
            // And it does not come back when the worker has heard of it.
            theatre.drain().await;
            assert_eq!(surface.all(&theatre, ben).await, after, "{case}, later");
        }
    }
}

#[tokio::test]
async fn an_account_that_becomes_private_is_seen_by_followers_alone() {
    let theatre = Theatre::of(World::ruled(Store::Postgres).await).await;
    let world = &theatre.world;
    for surface in [Surface::Ranked, Surface::Reels, Surface::ListingsNear] {
        let [ada, stranger] = world.people();
        let content = world.publish_at(ada, surface.kind(), Some(PLACE)).await;
        theatre.drain().await;
        world.clock.advance(feed::POOL_EVERY);
        assert!(surface.all(&theatre, stranger).await.contains_key(&content), "{surface:?}");
        happens(world, Change::AccountPrivate, content, ada, stranger).await;
        assert!(!surface.all(&theatre, stranger).await.contains_key(&content), "{surface:?}");
    }
}

async fn who_follows_sees_what_was_there_at_every_surface_of_those_followed(store: Store) {
    let theatre = Theatre::of(World::ruled(store).await).await;
    let world = &theatre.world;
    for surface in Surface::on(store).iter().copied() {
        let [ada, ben] = world.people();
        let content = world.publish_at(ada, surface.kind(), Some(PLACE)).await;
        theatre.drain().await;
        world.clock.advance(feed::POOL_EVERY);
        let everybody = matches!(surface, Surface::Ranked | Surface::Reels | Surface::ListingsNear);
        assert_eq!(surface.all(&theatre, ben).await.contains_key(&content), everybody, "{surface:?}");
        world.follow(ben, ada).await;
        theatre.drain().await;
        assert!(surface.all(&theatre, ben).await.contains_key(&content), "{surface:?}");
        // A mute and a block that are taken back leave nothing behind.
        world.mute(ben, ada, true);
        assert!(!surface.all(&theatre, ben).await.contains_key(&content), "{surface:?}");
        world.mute(ben, ada, false);
        assert!(surface.all(&theatre, ben).await.contains_key(&content), "{surface:?}");
        world.block(ada, ben).await;
        theatre.drain().await;
        world.unblock(ada, ben);
        world.follow(ben, ada).await;
        theatre.drain().await;
        assert!(surface.all(&theatre, ben).await.contains_key(&content), "{surface:?}");
    }
}
