//! Posts of a person, and with a hashtag.

use content::{Error, Source, Window};
use kernel::{ContentId, ContentKind, Cursor, PageSize, UserId};
use schemas::content::{Audience, ContentEdit};

use crate::world::World;

/// All pages of a list, and how many there were.
async fn by_hashtag(world: &World, reader: UserId, tag: &str, size: u32) -> (Vec<ContentId>, usize) {
    let size = PageSize::try_from(size).unwrap();
    let (mut seen, mut cursor, mut pages) = (Vec::new(), None::<Cursor>, 0);
    loop {
        let page = world.contents.by_hashtag(&world.ctx(reader), tag, cursor.as_ref(), size).await.unwrap();
        assert!(page.items.len() <= size.get());
        seen.extend(page.items.iter().map(|post| post.id));
        pages += 1;
        match page.next {
            Some(next) => cursor = Some(next),
            None => return (seen, pages),
        }
    }
}

#[tokio::test]
async fn a_persons_posts_come_in_pages_that_stay_true_while_more_are_written() {
    let world = World::new().await;
    let [ada, ben] = world.people(["ada", "ben"]);
    let mut wanted = Vec::new();
    for n in 0..7 {
        wanted.insert(0, world.post(ada, &format!("Post {n}")).await.id);
    }
    let size = PageSize::try_from(3).unwrap();
    let (mut seen, mut cursor) = (Vec::new(), None::<Cursor>);
    loop {
        let page = world.contents.by_author(&world.ctx(ben), "ada", None, cursor.as_ref(), size).await.unwrap();
        seen.extend(page.items.iter().map(|post| post.id));
        world.post(ada, "Later").await;
        let Some(next) = page.next else { break };
        cursor = Some(next);
    }
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn a_persons_list_shows_each_reader_their_part() {
    let world = World::new().await;
    let [ada, ben, cleo] = world.people(["ada", "ben", "cleo"]);
    world.follow(ben, ada);
    world.post(ada, "For all").await;
    world.post_to(ada, "For followers", Audience::Followers).await;
    let count = async |reader, who: &str| {
        let page = world.contents.by_author(&world.ctx(reader), who, None, None, PageSize::DEFAULT).await;
        page.map(|page| page.items.len())
    };
    let by_id = ada.to_string();
    assert_eq!(count(ben, &by_id).await.unwrap(), 2);
    assert_eq!(count(cleo, "ada").await.unwrap(), 1);
    world.private(ada);
    assert_eq!(count(cleo, "ada").await.unwrap(), 0);
    assert_eq!(count(ada, "ada").await.unwrap(), 2);
    world.block(ada, cleo);
    assert!(matches!(count(cleo, "ada").await, Err(Error::PersonNotFound)));
    assert!(matches!(count(cleo, "nobody").await, Err(Error::PersonNotFound)));
}

#[tokio::test]
async fn a_hashtag_lists_public_posts_in_any_spelling() {
    let world = World::new().await;
    let [ada, ben] = world.people(["ada", "ben"]);
    let first = world.post(ada, "#Straße").await.id;
    world.post_to(ada, "#strasse", Audience::Followers).await;
    world.follow(ben, ada);
    let second = world.post(ada, "again #STRASSE, #strasse").await.id;
    for spelling in ["straße", "STRASSE", "Strasse"] {
        assert_eq!(by_hashtag(&world, ben, spelling, 1).await.0, [second, first]);
    }
    let narrowed = ContentEdit { audience: Some(Audience::Followers), ..ContentEdit::default() };
    world.contents.edit(&world.ctx(ada), second, narrowed).await.unwrap();
    assert_eq!(by_hashtag(&world, ben, "strasse", 50).await.0, [first]);
    let other = ContentEdit { text: Some("#elsewhere".to_owned()), ..ContentEdit::default() };
    world.contents.edit(&world.ctx(ada), first, other).await.unwrap();
    assert_eq!(by_hashtag(&world, ben, "strasse", 50).await.0, [first; 0]);
    assert_eq!(by_hashtag(&world, ben, "elsewhere", 50).await.0, [first]);
    let error = world.contents.by_hashtag(&world.ctx(ben), "not a tag", None, PageSize::DEFAULT).await;
    assert!(matches!(error, Err(Error::NotAHashtag)));
    let forged = Cursor::from("xyz".to_owned());
    let error = world.contents.by_hashtag(&world.ctx(ben), "tag", Some(&forged), PageSize::DEFAULT).await;
    assert!(matches!(error, Err(Error::Cursor)));
}

#[tokio::test]
async fn many_posts_that_the_reader_may_not_see_are_not_the_end_of_a_list() {
    let world = World::new().await;
    let [ada, ben, cleo] = world.people(["ada", "ben", "cleo"]);
    let hidden = world.person("hidden");
    world.block(hidden, ben);
    let oldest = world.post(ada, "#tea").await.id;
    for _ in 0..19 {
        world.post(hidden, "#tea").await;
    }
    let newest = world.post(cleo, "#tea").await.id;
    let (seen, pages) = by_hashtag(&world, ben, "tea", 1).await;
    assert_eq!(seen, [newest, oldest]);
    assert!(pages > 2, "some pages had to be empty");
}

#[tokio::test]
async fn the_latest_of_several_authors_come_in_one_order() {
    let world = World::new().await;
    let [ada, ben, cleo] = world.people(["ada", "ben", "cleo"]);
    let mut wanted = Vec::new();
    for n in 0..8 {
        let author = [ada, ben][n % 2];
        wanted.insert(0, (world.post(author, "x").await.id, author));
        world.post(cleo, "not asked for").await;
    }
    let gone = wanted.remove(3);
    world.contents.delete(&world.ctx(gone.1), gone.0).await.unwrap();
    let of = |authors: &[UserId]| {
        authors.iter().map(|author| Source { author: *author, kind: ContentKind::Post }).collect::<Vec<_>>()
    };
    let all = Window::default();
    assert_eq!(world.contents.latest(&of(&[ada, ben]), all, 100).await.unwrap(), wanted);
    let part = Window { before: Some(wanted[1].0), from: Some(wanted[4].0) };
    assert_eq!(world.contents.latest(&of(&[ben, ada]), part, 3).await.unwrap(), wanted[2..5]);
    assert_eq!(world.contents.latest(&of(&[ben, ada]), part, 9).await.unwrap(), wanted[2..5]);
    assert_eq!(world.contents.latest(&[], all, 3).await.unwrap(), []);

    let asked: Vec<ContentId> = wanted.iter().rev().map(|(id, _)| *id).chain([gone.0]).collect();
    let visible = world.contents.visible(cleo, &asked).await.unwrap();
    assert_eq!(visible.contents.iter().map(|post| post.id).collect::<Vec<_>>(), asked[..7]);
    assert_eq!(visible.gone, [gone.0]);
}
