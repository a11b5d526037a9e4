//! What is found by words, and how it is shown.

use index::highlight::Field;
use index::query::{FILTER_VALUES_MAX, KINDS_MAX, LIMIT_MAX, PREFIX_CHARS_MAX, TEXT_CHARS_MAX, WORDS_MAX};
use index::{Document, EngineError, Filters, Kind, Query, QueryError};

use super::{POST, World, named, posts, text};

pub async fn every_word_must_be_found(world: World) {
    world
        .fill(
            POST,
            [
                text("garden", "A green garden behind the house", "en"),
                text("house", "A house without anything green", "en"),
                Document { names: vec!["Green House".into()], ..text("both", "with a garden", "en") },
            ],
        )
        .await;
    assert_eq!(world.of_text("green house").await, ["both", "garden", "house"]);
    assert_eq!(world.of_text("house GREEN garden").await, ["both", "garden"]);
    assert_eq!(world.of_text("green submarine").await, Vec::<String>::new());
    for nothing in ["", " ", "!?", "🙂"] {
        assert_eq!(world.of_text(nothing).await, Vec::<String>::new(), "{nothing:?}");
    }
}

pub async fn case_and_diacritics_do_not_count(world: World) {
    world
        .fill(
            POST,
            [
                text("fr", "Un été à la plage, garçon", "fr"),
                text("de", "Die große Straße in Zürich", "de"),
                text("da", "Øresund er smukt", "da"),
                text("ja", "東京の庭園", "ja"),
                text("el", "Η Αθήνα είναι όμορφη", "el"),
            ],
        )
        .await;
    for (asked, found) in [
        ("ETE", "fr"),
        ("e\u{301}te\u{301}", "fr"),
        ("garcon", "fr"),
        ("grosse strasse", "de"),
        ("ZÜRICH", "de"),
        ("zurich", "de"),
        ("oresund", "da"),
        ("東京", "ja"),
        ("αθηνα", "el"),
    ] {
        assert_eq!(world.of_text(asked).await, [found], "{asked}");
    }
}

pub async fn words_are_found_by_their_stem_in_the_language_of_the_text(world: World) {
    world
        .fill(
            POST,
            [
                text("en", "The children were happily running", "en"),
                text("de", "Die Katzen schliefen in den Häusern", "de"),
                text("fr", "Les chevaux mangeaient ensemble", "fr"),
                text("es", "Los perros corrieron rápidamente", "es"),
                text("ru", "Красивые города", "ru"),
                text("none", "runningly mangeaientable", ""),
            ],
        )
        .await;
    for (asked, found) in [("runs", "en"), ("haus", "de"), ("cheval", "fr"), ("perro", "es"), ("городами", "ru")]
    {
        assert_eq!(world.of_text(asked).await, [found], "{asked}");
    }
    assert_eq!(world.of_text("mangeaient").await, ["fr"]);
}

pub async fn typos_are_forgiven_by_length(world: World) {
    world.fill(POST, [text("t", "ab abc garden gardens wonderful", ""), named("n", &["Lovelace"])]).await;
    for (asked, found) in [
        ("ab", true),
        ("ax", false),
        ("abx", true),
        ("axy", false),
        ("gaden", true),
        ("gardenx", true),
        ("gradne", false),
        ("gadren", true),
        ("gxrden", true),
        ("gxrdxn", false),
        ("harden", false),
        ("gxrdxns", false),
        ("wonredful", true),
        ("wxndxrfxl", false),
        ("wonedrfl", true),
        ("wonderfull", true),
        ("xonderful", false),
    ] {
        assert_eq!(world.of_text(asked).await == ["t"], found, "{asked}");
    }
    assert_eq!(world.of_text("lovelase").await, ["n"]);
}

pub async fn names_are_completed_from_each_of_their_words(world: World) {
    let long = "antidisestablishmentarianism";
    world
        .fill(POST, [named("ada", &["ada_l", "Ada Lovelace"]), named("anne", &["Änne"]), named("long", &[long])])
        .await;
    for (asked, found) in [
        ("a", &["ada", "anne", "long"][..]),
        ("AD", &["ada"]),
        ("ann", &["anne"]),
        ("Änn", &["anne"]),
        ("love", &["ada"]),
        ("ada lo", &["ada"]),
        ("ada-lo", &["ada"]),
        ("lovelace ada", &[]),
        ("ovelace", &[]),
        ("lovelacex", &[]),
        (&long[..15], &["long"]),
        (&long[..16], &["long"]),
        (long, &["long"]),
        ("antidisestablishmentx", &[]),
        ("", &[]),
        ("@", &[]),
    ] {
        assert_eq!(world.of_prefix(asked).await, found, "{asked:?}");
    }
    // Text and prefix: both must hold.
    let both = Query { text: Some("lovelace".into()), prefix: Some("ad".into()), ..posts() };
    assert_eq!(world.ids(&both).await, ["ada"]);
    let neither = Query { text: Some("lovelace".into()), prefix: Some("an".into()), ..posts() };
    assert_eq!(world.ids(&neither).await, Vec::<String>::new());
}

pub async fn queries_end_at_their_limits(world: World) {
    world.fill(POST, [text("a", "word", "en")]).await;
    let many = |count: usize| Some(vec!["public".to_owned(); count]);
    let filters = |count: usize| Filters { audiences: many(count), ..Filters::default() };
    let distinct: Vec<String> = (1..FILTER_VALUES_MAX).map(|n| format!("room:{n}")).chain(["public".into()]).collect();
    let fine = [
        Query { limit: LIMIT_MAX, ..posts() },
        Query { kinds: vec![POST; KINDS_MAX], ..posts() },
        Query { text: Some(format!("word{}", " ".repeat(TEXT_CHARS_MAX - 4))), ..posts() },
        Query { text: Some("word ".repeat(WORDS_MAX)), ..posts() },
        Query { filters: filters(FILTER_VALUES_MAX), ..posts() },
        Query { filters: Filters { audiences: Some(distinct), ..Filters::default() }, ..posts() },
    ];
    for query in fine {
        assert_eq!(world.ids(&query).await, ["a"]);
    }
    let longest = Query { prefix: Some("x".repeat(PREFIX_CHARS_MAX)), ..posts() };
    assert_eq!(world.ids(&longest).await, Vec::<String>::new());
    for (query, why) in [
        (Query { limit: 0, ..posts() }, QueryError::Limit),
        (Query { limit: LIMIT_MAX + 1, ..posts() }, QueryError::Limit),
        (Query { kinds: Vec::new(), ..posts() }, QueryError::Kinds),
        (Query { kinds: vec![Kind::new("x"); KINDS_MAX + 1], ..posts() }, QueryError::Kinds),
        (Query { text: Some("x".repeat(TEXT_CHARS_MAX + 1)), ..posts() }, QueryError::Text),
        (Query { text: Some("x ".repeat(WORDS_MAX + 1)), ..posts() }, QueryError::Text),
        (Query { prefix: Some("x".repeat(PREFIX_CHARS_MAX + 1)), ..posts() }, QueryError::Prefix),
        (Query { filters: filters(FILTER_VALUES_MAX + 1), ..posts() }, QueryError::Filter),
    ] {
        match world.engine.search(&query).await {
            Err(EngineError::Query(error)) => assert_eq!(error, why),
            other => panic!("{why:?}: {other:?}"),
        }
    }
}

pub async fn fragments_are_escaped_and_marked(world: World) {
    let dog = Document { names: vec!["Running <Dog>".into()], ..text("a", "He runs & \"jumps\" <script>", "en") };
    world.fill(POST, [dog, text("b", "nothing of it, only a ran", "en")]).await;
    let query = Query { text: Some("running".into()), highlight: true, ..posts() };
    let page = world.search(&query).await;
    assert_eq!(page.hits.len(), 1);
    let shown: Vec<_> = page.hits[0].fragments.iter().map(|f| (f.field, f.html.as_str())).collect();
    assert_eq!(
        shown,
        [
            (Field::Name, "<mark>Running</mark> &lt;Dog&gt;"),
            (Field::Text, "He <mark>runs</mark> &amp; &quot;jumps&quot; &lt;script&gt;")
        ]
    );
    let prefix = Query { prefix: Some("run".into()), highlight: true, ..posts() };
    let page = world.search(&prefix).await;
    assert_eq!(page.hits[0].fragments.len(), 1);
    assert_eq!(page.hits[0].fragments[0].html, "<mark>Running</mark> &lt;Dog&gt;");
    let plain = world.search(&Query { highlight: false, ..query }).await;
    assert!(plain.hits[0].fragments.is_empty());
}
