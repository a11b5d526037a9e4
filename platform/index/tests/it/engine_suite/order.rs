//! What is left out, and what comes first.

use std::time::Duration;

use index::{Document, Filters, Language, Order, Query, rank};
use kernel::Timestamp;
use uuid::Uuid;

use super::{POST, THEN, World, named, post, posts, text};

const DAY: Duration = Duration::from_secs(86_400);

fn best(text: &str) -> Query {
    Query { text: Some(text.to_owned()), order: Order::Relevance { now: Some(THEN) }, ..posts() }
}

pub async fn filters_narrow_and_empty_ones_match_nothing(world: World) {
    let (ada, ben) = (Uuid::from_u128(1), Uuid::from_u128(2));
    world
        .fill(
            POST,
            [
                Document { author: Some(ada), tags: vec!["rust".into(), "sea".into()], ..text("a", "word", "en") },
                Document {
                    author: Some(ben),
                    tags: vec!["rust".into()],
                    audience: "room:1".into(),
                    ..text("b", "word", "de")
                },
                Document { created_at: THEN.plus(DAY), ..text("c", "word", "") },
            ],
        )
        .await;
    let text = |list: &[&str]| Some(list.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>());
    let languages = |list: &[&str]| Some(list.iter().map(|code| Language::parse(code).unwrap()).collect::<Vec<_>>());
    let none = Filters::default;
    for (filters, found) in [
        (none(), &["a", "b", "c"][..]),
        (Filters { authors: Some(vec![ada]), ..none() }, &["a"]),
        (Filters { authors: Some(vec![ada, ben]), ..none() }, &["a", "b"]),
        (Filters { authors: Some(vec![Uuid::nil()]), ..none() }, &[]),
        (Filters { authors: Some(vec![]), ..none() }, &[]),
        (Filters { tags: text(&["sea", "sky"]), ..none() }, &["a"]),
        (Filters { tags: text(&["rust"]), ..none() }, &["a", "b"]),
        (Filters { tags: text(&["RUST"]), ..none() }, &[]),
        (Filters { tags: text(&[]), ..none() }, &[]),
        (Filters { audiences: text(&["room:1"]), ..none() }, &["b"]),
        (Filters { audiences: text(&["public", "room:1"]), ..none() }, &["a", "b", "c"]),
        (Filters { audiences: text(&[]), ..none() }, &[]),
        (Filters { languages: languages(&["en", "fr"]), ..none() }, &["a"]),
        (Filters { languages: languages(&[]), ..none() }, &[]),
        (Filters { authors: Some(vec![ada, ben]), languages: languages(&["de"]), ..none() }, &["b"]),
        (Filters { authors: Some(vec![ada]), languages: languages(&["de"]), ..none() }, &[]),
        (Filters { since: Some(THEN.plus(DAY)), ..none() }, &["c"]),
    ] {
        for asked in [None, Some("word".to_owned())] {
            let query = Query { filters: filters.clone(), text: asked, order: Order::Newest, ..posts() };
            let mut ids = world.ids(&query).await;
            ids.sort_unstable();
            assert_eq!(ids, found, "{filters:?}");
        }
    }
}

pub async fn names_come_before_texts_and_right_words_before_typos(world: World) {
    let filler = (0..20).map(|n| text(&format!("z{n}"), "something else entirely", "en"));
    let asked = [text("text", "garden", "en"), named("name", &["garden"]), text("typo", "gardon", "en")];
    world.fill(POST, asked.into_iter().chain(filler)).await;
    assert_eq!(world.ids(&best("garden")).await, ["name", "text", "typo"]);
    assert_eq!(world.ids(&best("gardon")).await[0], "typo");
}

pub async fn an_exact_name_comes_first(world: World) {
    let popular = |id: &str, name: &str, popularity| Document { popularity, ..named(id, &[name]) };
    world.fill(POST, [popular("adam", "adam", 1e6), popular("ada", "ada", 0.0), popular("adas", "adas", 5.0)]).await;
    let query = Query { prefix: Some("ADA".into()), order: Order::Relevance { now: None }, ..posts() };
    assert_eq!(world.ids(&query).await, ["ada", "adam", "adas"]);
}

pub async fn age_and_popularity_are_factors(world: World) {
    let aged = |id: &str, days: u32, popularity| Document {
        popularity,
        created_at: THEN.minus(DAY * days),
        ..text(id, "garden", "en")
    };
    world
        .fill(
            POST,
            [
                aged("old-liked", 700, 900.0),
                aged("yesterday", 1, 0.0),
                aged("week", 8, 0.0),
                aged("week-liked", 8, 900.0),
                aged("old", 700, 0.0),
            ],
        )
        .await;
    assert_eq!(world.ids(&best("garden")).await, ["yesterday", "week-liked", "week", "old-liked", "old"]);
    let timeless = Query { order: Order::Relevance { now: None }, ..best("garden") };
    let ids = world.ids(&timeless).await;
    assert_eq!(ids, ["old-liked", "week-liked", "old", "week", "yesterday"]);
    // Without words everything matches equally well, and the score is the factors alone.
    let page = world.search(&Query { order: Order::Relevance { now: Some(THEN) }, ..posts() }).await;
    for hit in page.hits {
        let (days, popularity) = match hit.id.as_str() {
            "old-liked" => (700, 900.0),
            "yesterday" => (1, 0.0),
            "week" => (8, 0.0),
            "week-liked" => (8, 900.0),
            _ => (700, 0.0),
        };
        let wanted = rank::recency(THEN.minus(DAY * days), THEN) * rank::popularity(popularity);
        assert!((hit.value - wanted).abs() < 1e-4, "{} {} {wanted}", hit.id, hit.value);
    }
}

pub async fn times_are_ordered_and_filtered_to_the_millisecond(world: World) {
    let made = |id: &str, ms: i64| Document { created_at: Timestamp::from_millis(ms), ..post(id) };
    world.fill(POST, [made("a", 1_000), made("b", 1_001), made("c", 1_001), made("d", -5), made("e", 1_002)]).await;
    assert_eq!(world.ids(&posts()).await, ["e", "b", "c", "a", "d"]);
    let between = |since, until| Query {
        filters: Filters {
            since: Some(Timestamp::from_millis(since)),
            until: Some(Timestamp::from_millis(until)),
            ..Filters::default()
        },
        ..posts()
    };
    assert_eq!(world.ids(&between(1_001, 1_002)).await, ["b", "c"]);
    assert_eq!(world.ids(&between(-5, 1_001)).await, ["a", "d"]);
    assert_eq!(world.ids(&between(1_001, 1_001)).await, Vec::<String>::new());
    let first = world.search(&posts()).await.hits.remove(0);
    assert!((first.value - 1_002.0).abs() < f64::EPSILON);
}
