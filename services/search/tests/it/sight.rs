//! What is found, and what of it is shown to whom.

use kernel::{ErrorKind, Fail as _, PageSize, RoomId};
use schemas::search::Hit;
use search::Thing;
use search::model::Asked;

use crate::world::{World, name, sorted};

#[tokio::test]
async fn people_hashtags_and_posts_are_found_together_with_what_their_slices_show() {
    let world = World::new().await;
    let ada = world.person("ada", "Ada of the Garden").await;
    let ben = world.person("ben", "Ben").await;
    world.hashtag("garden", 12).await;
    world.post(ben, "My gardens in the morning, and what grows in them").await;
    world.post(ben, "Nothing of the sort").await;
    let page = world.page(ada, Asked { q: Some("garden"), ..Asked::default() }, None, 50).await.unwrap();
    assert_eq!(
        sorted(page.items.iter().map(name).collect()),
        ["#garden", "@ada", "My gardens in the morning, and what grows in them"]
    );
    assert_eq!(page.next, None);
    for hit in &page.items {
        match hit {
            Hit::Person(it) => assert_eq!((it.highlights[0].start, it.highlights[0].end), (11, 17)),
            Hit::Hashtag(it) => assert_eq!(it.posts, 12),
            Hit::Content(it) => {
                assert_eq!((it.highlights.len(), it.highlights[0].start, it.highlights[0].end), (1, 3, 10));
                assert_eq!(it.distance_m, None);
            }
            Hit::Message(_) => panic!("messages were not asked for"),
        }
    }
    let people = Asked { q: Some("garden"), kinds: Some("person"), ..Asked::default() };
    assert_eq!(world.all(ben, people, 10).await, ["@ada"]);
}

#[tokio::test]
async fn what_is_shown_is_what_the_slice_has_now() {
    let world = World::new().await;
    let [ada, ben] = [world.person("ada", "Ada").await, world.person("ben", "Ben").await];
    let post = world.post(ada, "tea with the secret word").await;
    world.change(|known| {
        let Some(Thing::Content(post)) = known.things.get_mut(&post.to_string()) else { panic!("a post") };
        post.text = "tea without it".to_owned();
    });
    let page = world.page(ben, Asked { q: Some("secret"), ..Asked::default() }, None, 50).await.unwrap();
    let Hit::Content(found) = &page.items[0] else { panic!("a post") };
    assert_eq!(found.content.text, "tea without it");
    assert!(found.highlights.is_empty(), "nothing of an earlier text is told");
}

#[tokio::test]
async fn blocks_either_way_deletions_and_doubts_are_left_out() {
    let world = World::new().await;
    let [ada, ben, cleo] =
        [world.person("ada", "Ada Tea").await, world.person("ben", "Ben").await, world.person("cleo", "Cleo").await];
    let post = world.post(ada, "tea").await;
    let other = world.post(cleo, "tea too").await;
    assert_eq!(sorted(world.found(ben, "tea").await), ["@ada", "tea", "tea too"]);
    for block in [(ada, ben), (ben, ada)] {
        world.change(|known| known.town.blocks.insert(block));
        assert_eq!(world.found(ben, "tea").await, ["tea too"]);
        let of_ada = Asked { author: Some("ada"), ..Asked::default() };
        assert_eq!(world.page(ben, of_ada, None, 10).await.unwrap_err().code(), "person_not_found");
        world.change(|known| known.town.blocks.clear());
    }
    world.change(|known| known.hidden.insert(other.to_string()));
    world.change(|known| known.things.remove(&post.to_string()));
    assert_eq!(world.found(ben, "tea").await, ["@ada"]);
    world.society.set_away(true);
    let error = world.page(ben, Asked { q: Some("tea"), ..Asked::default() }, None, 10).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "nothing is shown that nobody vouches for");
}

#[tokio::test]
async fn messages_are_found_by_members_of_their_room_when_asked_for() {
    let world = World::new().await;
    let [ada, ben, cleo] =
        [world.person("ada", "Ada").await, world.person("ben", "Ben").await, world.person("cleo", "Cleo").await];
    let [one, other] = [RoomId::new(world.now()), RoomId::new(world.now())];
    world.change(|known| {
        known.rooms.insert(ada, vec![one, other]);
        known.rooms.insert(ben, vec![one]);
    });
    world.message(one, 1, ada, "tea in one").await;
    world.message(other, 1, ada, "tea in other").await;
    let messages = Asked { q: Some("tea"), kinds: Some("message"), ..Asked::default() };
    assert_eq!(world.found(ada, "tea").await, [""; 0], "only when asked for");
    assert_eq!(sorted(world.all(ada, messages.clone(), 1).await), ["tea in one", "tea in other"]);
    assert_eq!(world.all(ben, messages.clone(), 10).await, ["tea in one"]);
    assert_eq!(world.all(cleo, messages.clone(), 10).await, [""; 0]);
    let in_room = |room| Asked { room: Some(room), ..Asked::default() };
    assert_eq!(world.all(ada, in_room(other), 10).await, ["tea in other"]);
    for (who, room) in [(ben, other), (cleo, one), (ada, RoomId::new(world.now()))] {
        assert_eq!(world.page(who, in_room(room), None, 10).await.unwrap_err().code(), "room_not_found");
    }
    let by_ada = Asked { author: Some("ada"), ..messages.clone() };
    assert_eq!(world.all(ben, by_ada, 10).await, ["tea in one"]);
    world.change(|known| known.rooms.remove(&ben));
    assert_eq!(world.all(ben, messages, 10).await, [""; 0], "a departure takes effect at once");
}

#[tokio::test]
async fn filters_narrow_down() {
    let world = World::new().await;
    let [ada, ben] = [world.person("ada", "Ada").await, world.person("ben", "Ben").await];
    world.post(ada, "Les enfants couraient encore dans les vieux #garden de la ville").await;
    let between = world.now().to_string();
    world.post(ben, "Die Kinder liefen wieder durch die alten Gärten der #garden Stadt").await;
    let french = "Les enfants couraient encore dans les vieux #garden de la ville";
    let german = "Die Kinder liefen wieder durch die alten Gärten der #garden Stadt";
    let q = Some("garden");
    let found = async |asked: Asked<'_>| world.all(ada, asked, 10).await;
    assert_eq!(found(Asked { author: Some("ben"), ..Asked::default() }).await, [german]);
    assert_eq!(found(Asked { q, language: Some("fr"), ..Asked::default() }).await, [french]);
    assert_eq!(found(Asked { q, since: Some(&between), ..Asked::default() }).await, [german]);
    assert_eq!(found(Asked { q, until: Some(&between), ..Asked::default() }).await, [french]);
    assert_eq!(found(Asked { q, order: Some("newest"), ..Asked::default() }).await, [german, french]);
    let tagged =
        async |tag| world.search.search(&world.ctx(ada), Asked::default(), Some(tag), None, PageSize::DEFAULT).await;
    let page = tagged("GARDEN").await.unwrap();
    assert_eq!(page.items.iter().map(name).collect::<Vec<_>>(), [german, french]);
    assert_eq!(tagged("not one").await.unwrap_err().code(), "invalid_hashtag");
    assert_eq!(tagged("other").await.unwrap().items.len(), 0);
}
