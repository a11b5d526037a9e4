//! Finding people, hashtags, posts and messages: soon after they were written, and never what one may not see.

use std::time::Duration;

use plaza_client::Session;
use schemas::accounts::AccountPatch;
use schemas::content::{
    Audience, CommentCreate, Content, ContentEdit, ListingCreate, LivestreamCreate, PlaceGiven, PostCreate, PriceGiven,
};
use schemas::engagement::Reaction;
use schemas::search::Hit;
use system_tests::wait::{SOON, until, within};
use system_tests::{Deployment, Person};

crate::on_both_stores![
    a_post_is_found_by_words_until_it_is_deleted,
    an_edit_changes_what_a_post_is_found_by,
    every_kind_is_found_until_it_is_hidden_or_deleted,
    nobody_finds_across_a_block_or_past_an_audience,
    near_me_comes_nearest_first,
    what_more_people_like_or_follow_comes_first,
    messages_are_found_by_the_members_of_their_room,
    names_are_completed,
    pages_end_and_neither_repeat_nor_skip,
    what_is_no_search_is_told_so,
    what_many_use_of_late_trends,
];

/// Longer than trends are remembered.
const TRENDS_WITHIN: Duration = Duration::from_secs(120);

/// A word that no other test says.
fn word() -> String {
    let letters = format!("{:016x}", rand::random::<u64>());
    letters.chars().map(|digit| char::from(b'a' + digit.to_digit(16).unwrap() as u8)).collect()
}

async fn say(person: &Person, text: &str) -> Content {
    person.session.publish(PostCreate { text: text.to_owned(), ..PostCreate::default() }).await.unwrap()
}

fn name(hit: &Hit) -> String {
    match hit {
        Hit::Person(it) => format!("@{}", it.person.handle),
        Hit::Hashtag(it) => format!("#{}", it.tag),
        Hit::Content(it) => it.content.text.clone(),
        Hit::Message(it) => it.message.text.clone(),
    }
}

async fn found(session: &Session, parts: &[(&'static str, &str)]) -> Vec<String> {
    session.search(parts, None, 100).await.unwrap().items.iter().map(name).collect()
}

/// Waits until a search finds exactly `wanted`: the index follows soon, not at once.
async fn finds(person: &Person, parts: &[(&'static str, &str)], wanted: &[&str]) {
    let mut last = Vec::new();
    let came = within(SOON, async || {
        last = found(&person.session, parts).await;
        (last == wanted).then_some(())
    });
    assert!(came.await.is_some(), "{parts:?} finds {last:?}, not {wanted:?}");
}

async fn a_post_is_found_by_words_until_it_is_deleted(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let word = word();
    let text = format!("The engine weaves {word} patterns");
    let post = say(&ada, &text).await;
    finds(&ben, &[("q", &word)], &[&text]).await;
    finds(&ben, &[("q", &format!("{} ENGINE", word.to_uppercase()))], &[&text]).await;
    let page = ben.session.search(&[("q", &word), ("kinds", "post")], None, 10).await.unwrap();
    let Hit::Content(hit) = &page.items[0] else { panic!("a post was asked for") };
    assert_eq!(hit.content, post);
    assert_eq!((hit.highlights[0].start, hit.highlights[0].end), (18, 34));

    ada.session.delete_content(post.id).await.unwrap();
    assert_eq!(found(&ben.session, &[("q", &word)]).await, [""; 0], "a deleted post is gone at once");
    for person in [ada, ben] {
        person.contract.assert_kept();
    }
}

async fn an_edit_changes_what_a_post_is_found_by(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let (before, after) = (word(), word());
    let post = say(&ada, &before).await;
    finds(&ben, &[("q", &before)], &[&before]).await;
    let edit = ContentEdit { text: Some(after.clone()), ..ContentEdit::default() };
    ada.session.edit_content(post.id, &edit).await.unwrap();
    finds(&ben, &[("q", &after)], &[&after]).await;
    finds(&ben, &[("q", &before)], &[]).await;
}

async fn every_kind_is_found_until_it_is_hidden_or_deleted(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let word = word();
    let text = |what: &str| format!("{word} {what}");
    let post = say(&ada, &text("post")).await;
    let comment = CommentCreate { parent: post.id, text: text("comment") };
    let comment = ben.session.publish(comment).await.unwrap();
    let live = LivestreamCreate { title: text("stream"), text: Some(text("live")), ..LivestreamCreate::default() };
    let live = ada.session.publish(live).await.unwrap();
    let listing = ListingCreate {
        title: text("pot"),
        price: PriceGiven { amount: 1_250, currency: "EUR".to_owned() },
        text: Some(text("listing")),
        audience: None,
        place: None,
        media: Vec::new(),
    };
    let listing = ada.session.publish(listing).await.unwrap();
    for (kind, content) in [("post", &post), ("comment", &comment), ("livestream", &live), ("listing", &listing)] {
        finds(&ben, &[("q", &word), ("kinds", kind)], &[&content.text]).await;
    }
    let newest = [("q", word.as_str()), ("order", "newest")];
    assert_eq!(
        found(&ben.session, &newest).await,
        [text("listing"), text("live"), text("post")],
        "comments if asked for"
    );
    finds(&ben, &[("q", "pot"), ("author", &ada.session.me().handle), ("kinds", "listing")], &[&listing.text]).await;

    let hidden = ContentEdit { audience: Some(Audience::OnlyMe), ..ContentEdit::default() };
    ada.session.edit_content(listing.id, &hidden).await.unwrap();
    ada.session.delete_content(post.id).await.unwrap();
    let all = [("q", word.as_str()), ("kinds", "post,comment,livestream,listing")];
    assert_eq!(found(&ben.session, &all).await, [text("live")], "and a comment goes with what it is about");
    assert_eq!(ben.session.content(comment.id).await.unwrap_err().status(), Some(404));
    ben.contract.assert_kept();
    ada.contract.assert_kept();
}

async fn nobody_finds_across_a_block_or_past_an_audience(plaza: &Deployment) {
    let (ada, ben, cleo) = (plaza.person("ada").await, plaza.person("ben").await, plaza.person("cleo").await);
    let word = word();
    ben.session.follow(ada.id()).await.unwrap();
    let close = PostCreate {
        text: format!("{word} for followers"),
        audience: Some(Audience::Followers),
        ..PostCreate::default()
    };
    ada.session.publish(close.clone()).await.unwrap();
    let q = [("q", word.as_str())];
    finds(&ben, &q, &[&close.text]).await;
    assert_eq!(found(&cleo.session, &q).await, [""; 0]);
    let handle = ada.session.me().handle.clone();
    let by_ada = [("author", handle.as_str())];
    finds(&ben, &by_ada, &[&close.text]).await;

    ada.session.block(ben.id()).await.unwrap();
    assert_eq!(found(&ben.session, &q).await, [""; 0], "a block takes effect at once");
    assert_eq!(found(&ben.session, &[("q", &handle)]).await, [""; 0]);
    let author = ben.session.search(&by_ada, None, 10).await.unwrap_err();
    assert_eq!((author.status(), author.code()), (Some(404), Some("person_not_found")));
    let bens = ben.session.me().handle.clone();
    assert_eq!(found(&ada.session, &[("q", &bens)]).await, [""; 0], "and both ways");
    ben.contract.assert_kept();
}

async fn near_me_comes_nearest_first(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let word = word();
    // On the antimeridian, where it is easiest to be wrong.
    let at = async |text: &str, longitude| {
        let place = PlaceGiven { latitude: -16.5, longitude, name: Some("Taveuni".to_owned()) };
        let post = PostCreate { text: format!("{word} {text}"), place: Some(place), ..PostCreate::default() };
        ada.session.publish(post).await.unwrap()
    };
    let (far, near, nearer) = (at("far", 179.9).await, at("near", -179.99).await, at("nearer", 179.999).await);
    let here = [("q", word.as_str()), ("near", "-16.5,180"), ("radius_m", "50000"), ("order", "nearest")];
    finds(&ben, &here, &[&nearer.text, &near.text, &far.text]).await;
    let page = ben.session.search(&here, None, 10).await.unwrap();
    let Hit::Content(hit) = &page.items[0] else { panic!("only posts have places") };
    assert!(hit.distance_m.is_some_and(|metres| (metres - 106.6).abs() < 1.0), "{:?}", hit.distance_m);
    let map = [("q", word.as_str()), ("box", "-17,179.99,-16,-179"), ("order", "newest")];
    finds(&ben, &map, &[&nearer.text, &near.text]).await;

    let removed = ContentEdit { remove_place: Some(true), ..ContentEdit::default() };
    ada.session.edit_content(nearer.id, &removed).await.unwrap();
    assert_eq!(found(&ben.session, &map).await, [near.text], "nobody is near a place that was taken away");
    ada.contract.assert_kept();
    ben.contract.assert_kept();
}

/// Waits until a search finds exactly those, in this order.
async fn ordered(person: &Person, parts: &[(&'static str, &str)], wanted: &[String]) {
    until("they are in order", SOON, async || (ids(person, parts).await == wanted).then_some(())).await;
}

async fn ids(person: &Person, parts: &[(&'static str, &str)]) -> Vec<String> {
    let id = |hit: &Hit| match hit {
        Hit::Person(it) => it.person.id.to_string(),
        Hit::Content(it) => it.content.id.to_string(),
        other => panic!("{other:?} was not asked for"),
    };
    person.session.search(parts, None, 100).await.unwrap().items.iter().map(id).collect()
}

async fn what_more_people_like_or_follow_comes_first(plaza: &Deployment) {
    let (ada, ben, cleo) = (plaza.person("ada").await, plaza.person("ben").await, plaza.person("cleo").await);
    let word = word();
    let (one, other) = (say(&ada, &word).await.id, say(&ada, &word).await.id);
    let posts = [("q", word.as_str()), ("kinds", "post")];
    let (first, last) = ([one.to_string(), other.to_string()], [other.to_string(), one.to_string()]);
    ben.session.react(other, Reaction::Love).await.unwrap();
    ordered(&ben, &posts, &last).await;
    // Either may have been first by chance.
    ben.session.react(one, Reaction::Like).await.unwrap();
    cleo.session.react(one, Reaction::Like).await.unwrap();
    ordered(&ben, &posts, &first).await;

    for person in [&ada, &ben] {
        person.session.update(&AccountPatch { bio: Some(word.clone()), ..AccountPatch::default() }).await.unwrap();
    }
    let people = [("q", word.as_str()), ("kinds", "person")];
    let (first, last) = ([ada.id().to_string(), ben.id().to_string()], [ben.id().to_string(), ada.id().to_string()]);
    cleo.session.follow(ben.id()).await.unwrap();
    ordered(&cleo, &people, &last).await;
    cleo.session.follow(ada.id()).await.unwrap();
    ben.session.follow(ada.id()).await.unwrap();
    ordered(&cleo, &people, &first).await;
    for person in [ada, ben, cleo] {
        person.contract.assert_kept();
    }
}

async fn messages_are_found_by_the_members_of_their_room(plaza: &Deployment) {
    let (ada, ben, cleo) = (plaza.person("ada").await, plaza.person("ben").await, plaza.person("cleo").await);
    let word = word();
    let room = ada.session.group("Tea", &[ben.id()]).await.unwrap().id;
    let on_ada = ada.device().await;
    let text = format!("{word} at noon");
    let sent = on_ada.socket.send_message(room, text.clone()).await.unwrap();
    let messages = [("q", word.as_str()), ("kinds", "message")];
    finds(&ben, &messages, &[&text]).await;
    assert_eq!(found(&ben.session, &[("q", &word)]).await, [""; 0], "only when asked for");
    assert_eq!(found(&cleo.session, &messages).await, [""; 0]);
    let in_room = room.to_string();
    finds(&ada, &[("room", &in_room)], &[&text]).await;
    let error = cleo.session.search(&[("room", &in_room)], None, 10).await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(404), Some("room_not_found")));

    let edited = format!("{word} at one");
    on_ada.socket.edit_message(room, sent.message.seq, edited.clone()).await.unwrap();
    finds(&ben, &messages, &[&edited]).await;
    ada.session.remove_member(room, ben.id()).await.unwrap();
    assert_eq!(found(&ben.session, &messages).await, [""; 0], "who is removed finds nothing from then on");
    on_ada.socket.delete_message(room, sent.message.seq).await.unwrap();
    assert_eq!(found(&ada.session, &messages).await, [""; 0]);
    for person in [ada, ben, cleo] {
        person.contract.assert_kept();
    }
}

async fn names_are_completed(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let tag = word();
    let post = say(&ada, &format!("Tea #{tag}")).await;
    let complete =
        async |q: &str| -> Vec<String> { ben.session.complete(q).await.unwrap().items.iter().map(name).collect() };
    let handle = ada.session.me().handle.clone();
    let wanted = format!("@{handle}");
    until("a handle is completed", SOON, async || (complete(&handle[..9]).await == [wanted.as_str()]).then_some(()))
        .await;
    let wanted = format!("#{tag}");
    let prefix = format!("#{}", &tag[..8]);
    until("a hashtag is completed", SOON, async || (complete(&prefix).await == [wanted.as_str()]).then_some(())).await;
    ada.session.delete_content(post.id).await.unwrap();
    assert_eq!(complete(&prefix).await, [""; 0], "a hashtag without posts is none");
    ben.contract.assert_kept();
}

async fn pages_end_and_neither_repeat_nor_skip(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let word = word();
    let mut wanted = Vec::new();
    for n in 0..12 {
        wanted.insert(0, say(&ada, &format!("{word} {n}")).await.text);
    }
    let parts = [("q", word.as_str()), ("order", "newest")];
    until("all are found", SOON, async || (found(&ben.session, &parts).await == wanted).then_some(())).await;
    let (mut read, mut cursor) = (Vec::new(), None);
    loop {
        let page = ben.session.search(&parts, cursor.as_ref(), 5).await.unwrap();
        read.extend(page.items.iter().map(name));
        say(&ada, &format!("{word} meanwhile")).await;
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(read, wanted);
    let next = ben.session.search(&parts, None, 5).await.unwrap().next;
    let error = ada.session.search(&parts, next.as_ref(), 5).await.unwrap_err();
    assert_eq!(error.code(), Some("invalid_cursor"), "a cursor is its viewer's");
    ben.contract.assert_kept();
}

async fn what_is_no_search_is_told_so(plaza: &Deployment) {
    let ada = plaza.person("ada").await;
    let (long, words) = ("a".repeat(201), "a ".repeat(17));
    for (parts, code) in [
        (vec![], "search_empty"),
        (vec![("q", "")], "invalid_search_text"),
        (vec![("q", long.as_str())], "invalid_search_text"),
        (vec![("q", words.as_str())], "invalid_search_text"),
        (vec![("q", "tea"), ("kinds", "posts")], "invalid_search_kinds"),
        (vec![("q", "tea"), ("language", "xx")], "invalid_search_language"),
        (vec![("q", "tea"), ("since", "yesterday")], "invalid_search_period"),
        (vec![("near", "91,0")], "invalid_search_area"),
        (vec![("near", "0,0"), ("radius_m", "20037509")], "invalid_search_area"),
        (vec![("box", "1,0,0,1")], "invalid_search_area"),
        (vec![("q", "tea"), ("order", "nearest")], "invalid_search_order"),
        (vec![("tag", "not a tag")], "invalid_hashtag"),
        (vec![("q", "tea"), ("colour", "red")], "invalid_query"),
        (vec![("q", "tea"), ("cursor", "x")], "invalid_cursor"),
    ] {
        let error = ada.session.search(&parts, None, 10).await.unwrap_err();
        assert_eq!((error.status(), error.code()), (Some(422), Some(code)), "{parts:?}");
    }
    assert_eq!(ada.session.complete("#").await.unwrap_err().code(), Some("invalid_search_text"));
    ada.contract.assert_kept();
}

async fn what_many_use_of_late_trends(plaza: &Deployment) {
    let (ada, tag) = (plaza.person("ada").await, word());
    for _ in 0..3 {
        let person = plaza.person("fan").await;
        say(&person, &format!("Everybody says #{tag}")).await;
    }
    let trend = until("it trends", TRENDS_WITHIN, async || {
        let trends = match ada.session.trending_hashtags().await {
            // What trends is worked out anew every 30 s; whoever asks as often as this test is held back meanwhile.
            Err(error) if error.code() == Some("rate_limited") => return None,
            trends => trends.unwrap(),
        };
        trends.items.into_iter().find(|trend| trend.tag == tag)
    });
    let trend = trend.await;
    assert_eq!((trend.people, trend.posts), (3, 3));
    ada.contract.assert_kept();
}
