//! Who reacted, who shared, what I saved.

use engagement::{ROUNDS_MAX, What};
use kernel::{ContentId, ContentKind, Cursor, PageSize, UserId};
use schemas::engagement::Reaction;

use crate::world::World;

const SMALL: fn() -> PageSize = || PageSize::try_from(2).unwrap();

async fn saved(world: &World, user: UserId, size: PageSize) -> Vec<Vec<ContentId>> {
    let (mut pages, mut cursor): (Vec<Vec<ContentId>>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = world.engagement.saved(&world.ctx(user), cursor.as_ref(), size).await.unwrap();
        pages.push(page.items.iter().map(|item| item.content.id).collect());
        cursor = page.next;
        if cursor.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn what_i_saved_comes_last_first_and_what_i_may_not_see_falls_out() {
    let world = World::new().await;
    let [ada, ben] = world.people();
    let all: Vec<ContentId> = ContentKind::ALL.iter().map(|kind| world.publish(ada, *kind)).collect();
    for content in &all {
        world.engagement.save(&world.ctx(ben), *content).await.unwrap();
    }
    let newest_first: Vec<ContentId> = all.iter().rev().copied().collect();
    assert_eq!(saved(&world, ben, SMALL()).await.concat(), newest_first);
    world.hide(ben, all[3]);
    world.withdraw(all[1]);
    world.engagement.take_back(&world.ctx(ben), all[5], What::Save).await.unwrap();
    assert_eq!(saved(&world, ben, SMALL()).await.concat(), [all[4], all[2], all[0]]);
    assert!(saved(&world, ada, SMALL()).await.concat().is_empty());
}

#[tokio::test]
async fn saving_more_while_paging_moves_nothing() {
    let world = World::new().await;
    let [ada, ben] = world.people();
    let publish = || world.publish(ada, ContentKind::Post);
    let all: Vec<ContentId> = (0..4).map(|_| publish()).collect();
    for content in &all {
        world.engagement.save(&world.ctx(ben), *content).await.unwrap();
    }
    let first = world.engagement.saved(&world.ctx(ben), None, SMALL()).await.unwrap();
    world.engagement.save(&world.ctx(ben), publish()).await.unwrap();
    world.engagement.save(&world.ctx(ben), all[3]).await.unwrap();
    let second = world.engagement.saved(&world.ctx(ben), first.next.as_ref(), SMALL()).await.unwrap();
    assert_eq!(second.items.iter().map(|it| it.content.id).collect::<Vec<_>>(), [all[1], all[0]]);
}

#[tokio::test]
async fn a_long_run_of_hidden_things_ends_a_page_not_the_list() {
    let world = World::new().await;
    let [ada, ben] = world.people();
    let bottom = world.publish(ada, ContentKind::Post);
    world.engagement.save(&world.ctx(ben), bottom).await.unwrap();
    for _ in 0..(ROUNDS_MAX + 1) * 3 {
        let content = world.publish(ada, ContentKind::Post);
        world.engagement.save(&world.ctx(ben), content).await.unwrap();
        world.hide(ben, content);
    }
    let pages = saved(&world, ben, SMALL()).await;
    assert!(pages.len() > 1, "{pages:?}");
    assert_eq!(pages.concat(), [bottom]);
}

#[tokio::test]
async fn who_reacted_is_listed_without_those_whom_a_block_hides() {
    let world = World::new().await;
    let [ada, ben, cleo, dana] = world.people();
    let content = world.publish(ada, ContentKind::Livestream);
    for (user, reaction) in [(ben, Reaction::Like), (cleo, Reaction::Wow), (dana, Reaction::Like)] {
        world.engagement.react(&world.ctx(user), content, reaction).await.unwrap();
    }
    let list = async |viewer, reaction, size| {
        let (mut people, mut cursor) = (Vec::new(), None::<Cursor>);
        loop {
            let ctx = world.ctx(viewer);
            let page = world.engagement.reactions(&ctx, content, reaction, cursor.as_ref(), size).await.unwrap();
            people.extend(page.items.iter().map(|it| (it.person.id, it.reaction)));
            cursor = page.next;
            if cursor.is_none() {
                return people;
            }
        }
    };
    let one = PageSize::try_from(1).unwrap();
    let all = [(dana, Reaction::Like), (cleo, Reaction::Wow), (ben, Reaction::Like)];
    assert_eq!(list(ada, None, one).await, all);
    assert_eq!(list(ada, Some(Reaction::Like), one).await, [all[0], all[2]]);
    assert!(list(ada, Some(Reaction::Angry), one).await.is_empty());
    world.block(dana, cleo);
    assert_eq!(list(cleo, None, SMALL()).await, [all[1], all[2]]);
    assert_eq!(list(dana, None, SMALL()).await, [all[0], all[2]]);
    assert_eq!(world.of(dana, content).await.counts.reactions[&Reaction::Wow], 1, "counts are of all");
}

#[tokio::test]
async fn what_is_said_when_sharing_is_read_by_whom_it_is_open_to() {
    let world = World::new().await;
    let [ada, ben, cleo] = world.people();
    let content = world.publish(ada, ContentKind::Listing);
    world.engagement.share(&world.ctx(ben), content, Some(" Cheap! ")).await.unwrap();
    world.engagement.share(&world.ctx(cleo), content, None).await.unwrap();
    let texts = async |viewer| {
        let page = world.engagement.shares(&world.ctx(viewer), content, None, SMALL()).await.unwrap();
        page.items.into_iter().map(|it| (it.person.id, it.text)).collect::<Vec<_>>()
    };
    let bens = (ben, Some("Cheap!".to_owned()));
    assert_eq!(texts(ada).await, [(cleo, None), bens.clone()]);
    world.private(ben);
    assert_eq!(texts(ada).await, [(cleo, None)]);
    assert_eq!(texts(ben).await, [(cleo, None), bens]);
}
