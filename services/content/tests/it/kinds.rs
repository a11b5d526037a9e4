//! What each kind has, what of it may be edited, and where it is listed.

use content::{Error, PRICE_AMOUNT_MAX, TITLE_LENGTH_MAX, kinds};
use kernel::{ContentId, ContentKind, Fail as _, MediaId, PageSize, UserId};
use schemas::content::{
    Audience, Availability, Content, ContentCreate, ContentEdit, ListingCreate, LivestreamCreate, LivestreamState,
    PlaceGiven, PostCreate, PriceGiven, ReelCreate, StoryCreate,
};

use crate::world::World;

fn euro(amount: u64) -> PriceGiven {
    PriceGiven { amount, currency: "EUR".to_owned() }
}

fn listing(title: &str) -> ListingCreate {
    ListingCreate {
        title: title.to_owned(),
        price: euro(1_250),
        text: None,
        audience: None,
        place: None,
        media: vec![],
    }
}

fn livestream(title: &str) -> LivestreamCreate {
    LivestreamCreate { title: title.to_owned(), ..LivestreamCreate::default() }
}

async fn create(world: &World, author: UserId, wish: impl Into<ContentCreate>) -> Result<Content, Error> {
    world.contents.create(&world.ctx(author), wish.into()).await
}

/// One of every kind by `author`, the comment on the post.
pub async fn one_of_each(world: &World, author: UserId) -> Vec<Content> {
    let post = world.post(author, "A post #tea").await;
    let comment = world.comment(author, post.id, "A comment").await;
    let reel = ReelCreate { media: world.video(author), text: None, audience: None, place: None };
    let story = StoryCreate { media: world.picture(author), text: None, audience: None };
    let reel = create(world, author, reel).await.unwrap();
    let story = create(world, author, story).await.unwrap();
    let live = create(world, author, livestream("Tea, live")).await.unwrap();
    let listing = create(world, author, listing("A teapot")).await.unwrap();
    vec![post, reel, story, comment, live, listing]
}

#[tokio::test]
async fn every_kind_is_read_as_it_was_published() {
    let world = World::new().await;
    let [ada, ben] = world.people(["ada", "ben"]);
    let all = one_of_each(&world, ada).await;
    let kinds: Vec<ContentKind> = all.iter().map(|content| content.kind).collect();
    assert_eq!(kinds, ContentKind::ALL);
    let ids: Vec<ContentId> = all.iter().map(|content| content.id).collect();
    assert_eq!(world.contents.visible(ben, &ids).await.unwrap().contents, all);
    for content in &all {
        assert_eq!(content.id.kind(), content.kind);
        let other = ContentKind::ALL.iter().find(|kind| **kind != content.kind).unwrap();
        let mistaken = ContentId::from_parts(*other, content.id.uuid());
        assert!(!world.sees(ben, mistaken).await, "an id of another kind names nothing");
        assert!(world.contents.delete(&world.ctx(ada), mistaken).await.is_err());
    }
    let [_, reel, story, comment, live, listing] = &all[..] else { panic!("six") };
    assert_eq!((reel.media.len(), story.media.len()), (1, 1));
    assert_eq!(story.expires_at, Some(story.created_at.plus(kinds::STORY_LIFETIME)));
    assert_eq!((comment.parent, comment.root), (Some(all[0].id), Some(all[0].id)));
    assert_eq!((live.title.as_deref(), live.state), (Some("Tea, live"), Some(LivestreamState::Live)));
    assert_eq!(
        (listing.price.as_ref().map(|it| it.amount), listing.availability),
        (Some(1_250), Some(Availability::Available))
    );
}

#[tokio::test]
async fn each_kind_is_edited_in_its_own_parts_and_no_others() {
    let world = World::new().await;
    let ada = world.person("ada");
    let all = one_of_each(&world, ada).await;
    let place = PlaceGiven { latitude: 1.0, longitude: 2.0, name: None };
    let edits = [
        ("text", ContentEdit { text: Some("Other words".to_owned()), ..ContentEdit::default() }),
        ("audience", ContentEdit { audience: Some(Audience::Followers), ..ContentEdit::default() }),
        ("place", ContentEdit { place: Some(place), ..ContentEdit::default() }),
        ("title", ContentEdit { title: Some(" Another ".to_owned()), ..ContentEdit::default() }),
        ("state", ContentEdit { state: Some(LivestreamState::Ended), ..ContentEdit::default() }),
        ("price", ContentEdit { price: Some(euro(0)), ..ContentEdit::default() }),
        ("availability", ContentEdit { availability: Some(Availability::Sold), ..ContentEdit::default() }),
    ];
    for content in &all {
        let mut version = 1;
        for (part, edit) in &edits {
            let edited = world.contents.edit(&world.ctx(ada), content.id, edit.clone()).await;
            if kinds::rules(content.kind).edits.iter().any(|may| may.name() == *part) {
                version += 1;
                let edited = edited.unwrap();
                assert_eq!(edited.version, version, "{} {part}", content.kind);
                assert_eq!(world.contents.read(&world.ctx(ada), content.id).await.unwrap(), edited);
            } else {
                let refused = edited.unwrap_err();
                assert_eq!(refused.code(), "edit_not_of_kind", "{} {part}", content.kind);
                assert_eq!(refused.pointer().as_deref(), Some(&*format!("/{part}")));
            }
        }
    }
    let back = ContentEdit { state: Some(LivestreamState::Live), ..ContentEdit::default() };
    let refused = world.contents.edit(&world.ctx(ada), all[4].id, back).await.unwrap_err();
    assert_eq!(refused.code(), "state_backwards");
}

#[tokio::test]
async fn what_is_unfit_for_its_kind_is_refused_at_the_limit() {
    let world = World::new().await;
    let [ada, ben] = world.people(["ada", "ben"]);
    let longest = "é".repeat(TITLE_LENGTH_MAX);
    assert!(create(&world, ada, livestream(&longest)).await.is_ok());
    let priced = |price| ListingCreate { price, ..listing("A teapot") };
    assert!(create(&world, ada, priced(euro(PRICE_AMOUNT_MAX))).await.is_ok());
    let currency = |currency: &str| priced(PriceGiven { amount: 1, currency: currency.to_owned() });
    let pictures = |count: usize| PostCreate {
        text: "Look".to_owned(),
        media: (0..count).map(|_| world.picture(ada)).collect(),
        ..PostCreate::default()
    };
    assert_eq!(create(&world, ada, pictures(kinds::MEDIA_MAX)).await.unwrap().media.len(), kinds::MEDIA_MAX);
    let one = world.picture(ada);
    let twice = PostCreate { text: "Look".to_owned(), media: vec![one, one], ..PostCreate::default() };
    let reel = |media| ReelCreate { media, text: None, audience: None, place: None };
    let refused: [(ContentCreate, &str, &str); 11] = [
        (livestream(&format!("{longest}é")).into(), "invalid_title", "/title"),
        (livestream(" ").into(), "invalid_title", "/title"),
        (livestream("two\nlines").into(), "invalid_title", "/title"),
        (priced(euro(PRICE_AMOUNT_MAX + 1)).into(), "invalid_price", "/price"),
        (currency("eur").into(), "invalid_price", "/price"),
        (currency("EURO").into(), "invalid_price", "/price"),
        (pictures(kinds::MEDIA_MAX + 1).into(), "too_many_media", "/media"),
        (twice.into(), "too_many_media", "/media"),
        (reel(MediaId::new(world.now())).into(), "media_not_found", "/media"),
        (reel(world.video(ben)).into(), "media_not_found", "/media"),
        (reel(world.picture(ada)).into(), "video_required", "/media"),
    ];
    let before = world.events().await.len();
    for (wish, code, pointer) in refused {
        let error = create(&world, ada, wish).await.unwrap_err();
        assert_eq!((error.code(), error.pointer().as_deref()), (code, Some(pointer)));
    }
    assert_eq!(world.events().await.len(), before);
}

#[tokio::test]
async fn a_list_has_what_is_listed_and_any_kind_that_is_asked_for() {
    let world = World::new().await;
    let [ada, ben] = world.people(["ada", "ben"]);
    let all = one_of_each(&world, ada).await;
    let list = async |kind| {
        let page = world.contents.by_author(&world.ctx(ben), "ada", kind, None, PageSize::DEFAULT).await.unwrap();
        page.items.into_iter().map(|content| content.kind).collect::<Vec<_>>()
    };
    let listed = list(None).await;
    assert_eq!(listed.len(), kinds::listed().len());
    assert!(kinds::listed().iter().all(|kind| listed.contains(kind)));
    for kind in ContentKind::ALL {
        assert_eq!(list(Some(*kind)).await, [*kind]);
    }

    for content in &all {
        world.contents.delete(&world.ctx(ada), content.id).await.unwrap();
        assert!(!world.sees(ada, content.id).await);
    }
    for kind in ContentKind::ALL {
        assert!(list(Some(*kind)).await.is_empty());
    }
    let ids: Vec<ContentId> = all.iter().map(|content| content.id).collect();
    assert_eq!(world.contents.visible(ada, &ids).await.unwrap().gone, ids);
}
