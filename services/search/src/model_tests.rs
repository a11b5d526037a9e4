use super::*;

fn q(text: &str) -> Asked<'_> {
    Asked { q: Some(text), ..Asked::default() }
}

fn near<'a>(near: &'a str, radius_m: Option<&'a str>) -> Result<Option<Region>, Unfit> {
    Wish::parse(Asked { near: Some(near), radius_m, ..Asked::default() }).map(|wish| wish.region)
}

#[test]
fn a_text_is_as_long_as_its_limit_and_no_longer() {
    assert_eq!(Wish::parse(q("  tea \n")).unwrap().text.as_deref(), Some("tea"));
    assert!(Wish::parse(q(&"é".repeat(TEXT_LENGTH_MAX))).is_ok());
    assert_eq!(Wish::parse(q(&"é".repeat(TEXT_LENGTH_MAX + 1))), Err(Unfit::Text));
    assert!(Wish::parse(q(&"a ".repeat(WORDS_MAX))).is_ok());
    assert_eq!(Wish::parse(q(&"a ".repeat(WORDS_MAX + 1))), Err(Unfit::Text));
    assert_eq!(Wish::parse(q("  ")), Err(Unfit::Text));
}

#[test]
fn nothing_is_no_search() {
    let since = Some("2026-11-21T13:45:30.015Z");
    for nothing in [Asked::default(), Asked { kinds: Some("post"), since, language: Some("en"), ..Asked::default() }] {
        assert_eq!(Wish::parse(nothing), Err(Unfit::Empty));
    }
}

#[test]
fn kinds_are_named_once_and_a_room_has_messages() {
    let all = all_kinds().iter().map(|kind| kind.name()).collect::<Vec<_>>().join(",");
    let kinds = |names| Wish::parse(Asked { kinds: Some(names), ..q("tea") }).map(|wish| wish.kinds);
    assert_eq!(
        Wish::parse(q("tea")).unwrap().kinds,
        [PERSON, HASHTAG]
            .into_iter()
            .chain(
                [ContentKind::Post, ContentKind::Reel, ContentKind::Livestream, ContentKind::Listing].map(of_content)
            )
            .collect::<Vec<_>>()
    );
    assert_eq!(kinds("message"), Ok(vec![MESSAGE]));
    assert_eq!(kinds(&all), Ok(all_kinds()));
    assert_eq!(kinds("post,person"), Ok(vec![PERSON, of_content(ContentKind::Post)]));
    for wrong in ["", "post,post", "post,", "posts", "Post", "post person"] {
        assert_eq!(kinds(wrong), Err(Unfit::Kinds), "{wrong}");
    }
    let room = Some(RoomId::new(Timestamp::from_millis(1)));
    assert_eq!(Wish::parse(Asked { room, ..Asked::default() }).unwrap().kinds, [MESSAGE]);
    let of_room = |names| Wish::parse(Asked { room, kinds: Some(names), ..Asked::default() }).map(|wish| wish.kinds);
    assert_eq!(of_room("message"), Ok(vec![MESSAGE]));
    assert_eq!(of_room("message,post"), Err(Unfit::Kinds));
}

#[test]
fn an_area_is_on_the_globe() {
    let center = |latitude, longitude| Place::new(latitude, longitude).unwrap();
    let wanted = Region::Near { center: center(52.5, -13.4), metres: RADIUS_M_DEFAULT };
    assert_eq!(near("52.5, -13.4", None), Ok(Some(wanted)));
    for radius in ["1", "20037508"] {
        assert!(near("90,180", Some(radius)).is_ok(), "{radius}");
    }
    for radius in ["0.99", "20037508.1", "-5", "NaN", "inf", "", "5,5"] {
        assert_eq!(near("90,180", Some(radius)), Err(Unfit::Area), "{radius}");
    }
    for wrong in ["90.1,0", "0,180.1", "NaN,0", "1", "1,2,3", "a,b", ""] {
        assert_eq!(near(wrong, None), Err(Unfit::Area), "{wrong}");
    }
    let bounds = |bounds| Wish::parse(Asked { bounds: Some(bounds), ..Asked::default() }).map(|wish| wish.region);
    let across = Region::Box { south: -20.0, west: 170.0, north: 20.0, east: -170.0 };
    assert_eq!(bounds("-20,170,20,-170"), Ok(Some(across)));
    for wrong in ["20,0,-20,1", "0,0,91,1", "0,-181,1,1", "0,0,1", "0,0,1,1,1", "0,0,1,NaN"] {
        assert_eq!(bounds(wrong), Err(Unfit::Area), "{wrong}");
    }
    let both = Asked { near: Some("0,0"), bounds: Some("0,0,1,1"), ..Asked::default() };
    assert_eq!(Wish::parse(both), Err(Unfit::Area));
    let radius_alone = Asked { radius_m: Some("5"), ..q("tea") };
    assert_eq!(Wish::parse(radius_alone), Err(Unfit::Area));
}

#[test]
fn the_order_follows_from_what_is_asked() {
    let order = |asked| Wish::parse(asked).map(|wish| wish.order);
    let (near, bounds) = (Some("0,0"), Some("0,0,1,1"));
    assert_eq!(order(q("tea")), Ok(Order::Relevance));
    assert_eq!(order(Asked { near, ..q("tea") }), Ok(Order::Relevance));
    assert_eq!(order(Asked { near, ..Asked::default() }), Ok(Order::Nearest));
    assert_eq!(order(Asked { bounds, ..Asked::default() }), Ok(Order::Newest));
    assert_eq!(order(Asked { order: Some("newest"), ..q("tea") }), Ok(Order::Newest));
    assert_eq!(order(Asked { order: Some("nearest"), near, ..q("tea") }), Ok(Order::Nearest));
    for asked in [
        Asked { order: Some("nearest"), ..q("tea") },
        Asked { order: Some("nearest"), bounds, ..q("tea") },
        Asked { order: Some("best"), ..q("tea") },
    ] {
        assert_eq!(order(asked), Err(Unfit::Order));
    }
}

#[test]
fn times_and_languages_are_known_ones() {
    let period = |since, until| {
        Wish::parse(Asked { since, until, ..q("tea") }).map(|wish| (wish.since.is_some(), wish.until.is_some()))
    };
    let (early, late) = (Some("2026-11-21T00:00:00.000Z"), Some("2026-11-21T00:00:00.001Z"));
    assert_eq!(period(early, late), Ok((true, true)));
    assert_eq!(period(late, None), Ok((true, false)));
    for (since, until) in [(late, early), (early, early), (Some("yesterday"), None)] {
        assert_eq!(period(since, until), Err(Unfit::Period));
    }
    assert!(Wish::parse(Asked { language: Some("de"), ..q("tea") }).is_ok());
    for wrong in ["DE", "xx", "german", ""] {
        assert_eq!(Wish::parse(Asked { language: Some(wrong), ..q("tea") }), Err(Unfit::Language));
    }
}

#[test]
fn a_sign_before_a_beginning_says_what_it_is_of() {
    let parse = |q: &str, kinds: Option<&str>| Beginning::parse(q, kinds).map(|it| (it.prefix, it.kinds));
    assert_eq!(parse(" ad", None), Ok(("ad".to_owned(), vec![PERSON, HASHTAG])));
    assert_eq!(parse("@ad", None), Ok(("ad".to_owned(), vec![PERSON])));
    assert_eq!(parse("#ad", Some("hashtag")), Ok(("ad".to_owned(), vec![HASHTAG])));
    assert_eq!(parse("#ad", Some("person")), Err(Unfit::CompletedKinds));
    assert_eq!(parse("ad", Some("post")), Err(Unfit::CompletedKinds));
    for wrong in ["", "@", "# "] {
        assert_eq!(parse(wrong, None), Err(Unfit::Prefix), "{wrong}");
    }
    assert!(parse(&"é".repeat(PREFIX_LENGTH_MAX), None).is_ok());
    assert_eq!(parse(&"é".repeat(PREFIX_LENGTH_MAX + 1), None), Err(Unfit::Prefix));
}
