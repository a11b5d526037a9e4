//! The tray of stories, the pool of reels, and listings.

use std::sync::atomic::Ordering;
use std::time::Duration;

use feed::{Area, POOL_AGE_MAX, POOL_EVERY, RADIUS_M_MAX, Reception, STORIES_OF_ONE_MAX, STORY_LIFE};
use kernel::{ContentId, ContentKind, Cursor, Fail as _, PageSize, UserId};

use crate::world::{Store, World};

const TEA_HOUSE: (f64, f64) = (52.52, 13.405);

async fn tray(world: &World, viewer: UserId) -> Vec<(UserId, Vec<ContentId>, u32)> {
    let tray = world.feed.stories(&world.ctx(viewer), PageSize::DEFAULT).await.unwrap();
    let entry =
        |it: schemas::feed::TrayEntry| (it.person.id, it.stories.iter().map(|story| story.id).collect(), it.unseen);
    tray.items.into_iter().map(entry).collect()
}

fn people(tray: &[(UserId, Vec<ContentId>, u32)]) -> Vec<UserId> {
    tray.iter().map(|(person, ..)| *person).collect()
}

#[tokio::test]
async fn a_tray_has_the_unseen_first_and_then_who_told_last() {
    let world = World::new(Store::Postgres).await;
    let [ada, ben, cleo, dana, stranger] = world.people();
    for author in [ben, cleo, dana] {
        world.follow(ada, author).await;
    }
    let first = world.publish(ben, ContentKind::Story).await;
    world.publish(stranger, ContentKind::Story).await;
    let by_cleo = world.publish(cleo, ContentKind::Story).await;
    let second = world.publish(ben, ContentKind::Story).await;
    let by_dana = world.publish(dana, ContentKind::Story).await;
    assert_eq!(
        tray(&world, ada).await,
        [(dana, vec![by_dana], 1), (ben, vec![first, second], 2), (cleo, vec![by_cleo], 1)]
    );
    world.spectators.seen.lock().extend([(ada, by_dana), (ada, first)]);
    assert_eq!(
        tray(&world, ada).await,
        [(ben, vec![first, second], 1), (cleo, vec![by_cleo], 1), (dana, vec![by_dana], 0)]
    );
    let own = world.publish(ada, ContentKind::Story).await;
    world.spectators.seen.lock().insert((ada, own));
    assert_eq!(people(&tray(&world, ada).await), [ada, ben, cleo, dana], "one's own come first");
    world.spectators.away.store(true, Ordering::Relaxed);
    assert_eq!(people(&tray(&world, ada).await), [ada, dana, ben, cleo], "without an answer, nothing was seen");
    // None of it was written for anybody.
    world.drain().await;
    assert_eq!(world.timeline(ada).await, []);
    assert_eq!(world.feed(ada).await, []);
}

#[tokio::test]
async fn a_story_is_in_the_tray_for_a_day_and_a_person_with_ten_at_most() {
    let world = World::new(Store::Postgres).await;
    let [ada, ben] = world.people();
    world.follow(ada, ben).await;
    let mut stories = Vec::new();
    for _ in 0..=STORIES_OF_ONE_MAX {
        stories.push(world.publish(ben, ContentKind::Story).await);
    }
    assert_eq!(tray(&world, ada).await, [(ben, stories[1..].to_vec(), STORIES_OF_ONE_MAX as u32)]);
    let last = stories.last().unwrap().created_at();
    world.clock.advance(last.plus(STORY_LIFE - Duration::from_millis(2)).since(world.clock.now()));
    assert_eq!(tray(&world, ada).await.len(), 1, "for a day");
    world.clock.advance(Duration::from_millis(2));
    assert_eq!(tray(&world, ada).await, []);
}

async fn reels(world: &World, viewer: UserId, size: u32) -> Vec<ContentId> {
    let size = PageSize::try_from(size).unwrap();
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = world.feed.reels(&world.ctx(viewer), cursor.as_ref(), size).await.unwrap();
        assert!(page.items.len() <= size.get());
        seen.extend(page.items.iter().map(|reel| reel.id));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return seen,
        }
    }
}

#[tokio::test]
async fn reels_are_in_the_order_of_their_reception_and_pages_stay_in_it() {
    let world = World::new(Store::Postgres).await;
    let [ada, ben] = world.people();
    let mut published = Vec::new();
    for _ in 0..30 {
        published.push(world.publish(ben, ContentKind::Reel).await);
    }
    world.publish(ben, ContentKind::Post).await;
    world.spectators.received.lock().insert(published[3], Reception { views: 100, acts: 40 });
    let order = reels(&world, ada, 7).await;
    assert_eq!(order[0], published[3]);
    let mut all = order.clone();
    all.sort_unstable();
    assert_eq!(all, published, "each once");

    let size = PageSize::try_from(10).unwrap();
    let first = world.feed.reels(&world.ctx(ada), None, size).await.unwrap();
    // Everything changes, and the rest of the page does not.
    world.spectators.received.lock().extend(published.iter().map(|id| (*id, Reception { views: 9, acts: 9 })));
    world.clock.advance(POOL_EVERY);
    let newest = world.publish(ben, ContentKind::Reel).await;
    let second = world.feed.reels(&world.ctx(ada), first.next.as_ref(), size).await.unwrap();
    let ids: Vec<ContentId> = first.items.iter().chain(&second.items).map(|reel| reel.id).collect();
    assert_eq!(ids, order[..20]);
    assert!(reels(&world, ada, 50).await.contains(&newest), "a new pool has what is new");
    world.clock.advance(POOL_AGE_MAX + POOL_EVERY);
    reels(&world, ada, 50).await;
    let old = world.feed.reels(&world.ctx(ada), second.next.as_ref(), size).await.unwrap_err();
    assert_eq!(old.code(), "invalid_cursor", "half an hour is over");
    let forged = world.feed.reels(&world.ctx(ada), Some(&Cursor::encode(&ada)), size).await.unwrap_err();
    assert_eq!(forged.code(), "invalid_cursor");
}

async fn near(world: &World, viewer: UserId, place: (f64, f64), radius_m: f64) -> Vec<ContentId> {
    let area = Area { latitude: place.0, longitude: place.1, radius_m };
    let size = PageSize::try_from(2).unwrap();
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = world.feed.listings_near(&world.ctx(viewer), area, cursor.as_ref(), size).await.unwrap();
        seen.extend(page.items.iter().map(|listing| listing.id));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return seen,
        }
    }
}

#[tokio::test]
async fn listings_are_found_near_a_place_and_by_seller() {
    let world = World::new(Store::Postgres).await;
    let [ada, ben, cleo] = world.people();
    world.follow(ada, ben).await;
    let mut wanted = Vec::new();
    for n in 0..5 {
        let seller = if n % 2 == 0 { ben } else { cleo };
        wanted.insert(0, world.publish_at(seller, ContentKind::Listing, Some(TEA_HOUSE)).await);
    }
    // 11 km to the north, elsewhere, nowhere, and not for sale.
    let north = world.publish_at(ben, ContentKind::Listing, Some((52.62, 13.405))).await;
    let far = world.publish_at(ben, ContentKind::Listing, Some((-33.0, 151.0))).await;
    let nowhere = world.publish(ben, ContentKind::Listing).await;
    world.publish_at(ben, ContentKind::Post, Some(TEA_HOUSE)).await;
    assert_eq!(near(&world, ada, TEA_HOUSE, 10_000.0).await, wanted);
    assert_eq!(near(&world, ada, TEA_HOUSE, 12_000.0).await, [vec![north], wanted.clone()].concat());
    assert_eq!(near(&world, ada, (-33.0, 150.9), RADIUS_M_MAX).await, [far]);
    let across = world.publish_at(cleo, ContentKind::Listing, Some((0.0, 179.95))).await;
    let polar = world.publish_at(cleo, ContentKind::Listing, Some((89.9, 90.0))).await;
    assert_eq!(near(&world, ada, (0.0, -179.95), 20_000.0).await, [across], "across the date line");
    assert_eq!(near(&world, ada, (89.9, -90.0), 30_000.0).await, [polar], "across the pole");

    let followed = world.feed.listings_followed(&world.ctx(ada), None, PageSize::DEFAULT).await.unwrap();
    let followed: Vec<ContentId> = followed.items.iter().map(|listing| listing.id).collect();
    assert_eq!(followed, [nowhere, far, north, wanted[0], wanted[2], wanted[4]]);
    for cursor in [Cursor::encode(&7), Cursor::encode(&ada)] {
        let error = world.feed.listings_followed(&world.ctx(ada), Some(&cursor), PageSize::DEFAULT).await;
        assert_eq!(error.unwrap_err().code(), "invalid_cursor");
    }
}
