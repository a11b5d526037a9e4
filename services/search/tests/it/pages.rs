//! Pages, and the cursors between them.

use kernel::{ContentKind, Cursor, Fail as _};
use search::ROUNDS_MAX;
use search::model::{Asked, of_content};

use crate::world::{World, tally};

fn tea() -> Asked<'static> {
    Asked { q: Some("tea"), ..Asked::default() }
}

#[tokio::test]
async fn every_hit_comes_once_in_one_order_whatever_the_size_of_the_page() {
    let world = World::new().await;
    let ada = world.person("ada", "Ada Tea").await;
    for n in 0..12 {
        world.post(ada, &format!("tea {}", "and more ".repeat(n))).await;
        world.person(&format!("tea_{n}"), "Somebody").await;
        world.hashtag(&format!("tea{n}"), n as u64).await;
    }
    for asked in [tea(), Asked { order: Some("newest"), ..tea() }, Asked { kinds: Some("post"), ..tea() }] {
        let whole = world.all(ada, asked.clone(), 100).await;
        assert!(whole.len() >= 12 && tally(&whole).values().all(|times| *times == 1), "{whole:?}");
        for size in [1, 3, 10] {
            assert_eq!(world.all(ada, asked.clone(), size).await, whole, "pages of {size}");
        }
    }
}

#[tokio::test]
async fn what_is_written_meanwhile_neither_repeats_nor_hides_what_was_there() {
    let world = World::new().await;
    let ada = world.person("ada", "Ada").await;
    let mut wanted = Vec::new();
    for n in 0..20 {
        let text = format!("tea {n}");
        world.post(ada, &text).await;
        wanted.insert(0, text);
    }
    let asked = Asked { order: Some("newest"), kinds: Some("post"), ..tea() };
    let (mut seen, mut cursor, mut pages) = (Vec::new(), None::<Cursor>, 0);
    loop {
        let page = world.page(ada, asked.clone(), cursor.as_ref(), 3).await.unwrap();
        seen.extend(page.items.iter().map(crate::world::name));
        world.post(ada, "tea meanwhile").await;
        pages += 1;
        let Some(next) = page.next else { break };
        cursor = Some(next);
    }
    assert_eq!(seen, wanted);
    assert_eq!(pages, 7);
}

#[tokio::test]
async fn hits_that_are_not_shown_are_made_up_for() {
    let world = World::new().await;
    let [ada, ben] = [world.person("ada", "Ada").await, world.person("ben", "Ben").await];
    let mut documents = Vec::new();
    for n in 0..120 {
        let author = if n % 3 == 0 { ada } else { ben };
        documents.push((of_content(ContentKind::Post), world.write(author, &format!("tea {n}"), None).1));
    }
    world.index(documents).await;
    world.change(|known| known.town.blocks.insert((ada, ben)));
    let asked = Asked { order: Some("newest"), kinds: Some("post"), ..tea() };
    let page = world.page(ada, asked.clone(), None, 20).await.unwrap();
    assert_eq!(page.items.len(), 20, "a full page, though two of three are dropped");
    let wanted: Vec<String> = (0..120).rev().filter(|n| n % 3 == 0).map(|n| format!("tea {n}")).collect();
    for size in [1, 7, 20, 100] {
        assert_eq!(world.all(ada, asked.clone(), size).await, wanted, "pages of {size}");
    }
}

#[tokio::test]
async fn a_page_that_dropping_empties_is_bounded_and_not_the_end() {
    let world = World::new().await;
    let [ada, noisy] = [world.person("ada", "Ada").await, world.person("noisy", "Noisy").await];
    world.post(ada, "tea at last").await;
    let written = (0..ROUNDS_MAX * 20)
        .map(|n| (of_content(ContentKind::Post), world.write(noisy, &format!("tea {n}"), None).1))
        .collect();
    world.index(written).await;
    world.change(|known| known.town.blocks.insert((noisy, ada)));
    let asked = Asked { order: Some("newest"), kinds: Some("post"), ..tea() };
    world.society.take_asked();
    let first = world.page(ada, asked.clone(), None, 1).await.unwrap();
    assert!(first.items.is_empty() && first.next.is_some(), "bounded work, and a way on");
    assert_eq!(world.society.take_asked(), ROUNDS_MAX as u64);
    assert_eq!(world.all(ada, asked.clone(), 1).await, ["tea at last"]);
    assert_eq!(world.all(ada, asked, 100).await, ["tea at last"]);
}

#[tokio::test]
async fn a_cursor_is_of_one_viewer_and_one_search() {
    let world = World::new().await;
    let [ada, ben] = [world.person("ada", "Ada").await, world.person("ben", "Ben").await];
    for n in 0..5 {
        world.post(ada, &format!("tea {n}")).await;
    }
    let next = world.page(ada, tea(), None, 2).await.unwrap().next.unwrap();
    assert_eq!(world.page(ada, tea(), Some(&next), 100).await.unwrap().items.len(), 3, "the size may change");
    let refused = [
        (ben, tea(), next.clone()),
        (ada, Asked { q: Some("teas"), ..Asked::default() }, next.clone()),
        (ada, Asked { order: Some("newest"), ..tea() }, next.clone()),
        (ada, Asked { kinds: Some("post"), ..tea() }, next.clone()),
        (ada, Asked { language: Some("en"), ..tea() }, next.clone()),
        (ada, tea(), Cursor::from(format!("{}A", next.as_str()))),
        (ada, tea(), Cursor::encode(&7)),
    ];
    for (viewer, asked, cursor) in refused {
        let error = world.page(viewer, asked.clone(), Some(&cursor), 2).await.unwrap_err();
        assert_eq!(error.code(), "invalid_cursor", "{asked:?}");
    }
    // Another node has the same key.
    let sources = crate::world::KINDS.map(|kind| (kind, world.society.clone() as _)).into_iter().collect();
    let node = search::Service::start(world.db.clone(), world.engine.clone(), sources, world.society.clone());
    let size = kernel::PageSize::DEFAULT;
    assert!(node.await.unwrap().search(&world.ctx(ada), tea(), None, Some(&next), size).await.is_ok());
}
