//! Lists, a page at a time: nothing twice, nothing lost, ties included.

use index::{After, Document, EngineError, Hit, Kind, Order, Place, Query, QueryError};
use kernel::{Cursor, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::{Dice, PERSON, POST, THEN, World, post, posts, put};

/// Documents that are equal in most respects, so that most of every order is ties.
fn alike(dice: &mut Dice, count: u64) -> Vec<Document> {
    let mut documents: Vec<Document> = (0..count)
        .map(|n| Document {
            text: ["garden", "garden house", "house"][dice.below(3) as usize].to_owned(),
            place: (dice.below(4) > 0).then(|| Place::new(0.0, dice.below(3) as f64).unwrap()),
            popularity: dice.below(2) as f64,
            created_at: Timestamp::from_millis(THEN.as_millis() - 1000 * dice.below(3) as i64),
            // Ids of different lengths, some the beginning of others.
            ..post(&format!("{:x}", n * 7919 % 1009))
        })
        .collect();
    // Written in another order than that of their ids.
    documents.sort_by_key(|document| document.fingerprint());
    documents
}

async fn walk(world: &World, query: &Query) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut query = query.clone();
    loop {
        let page = world.search(&query).await;
        assert!(page.hits.len() <= query.limit);
        assert!(page.next.is_none() || page.hits.len() == query.limit, "a short page is the last");
        hits.extend(page.hits);
        let Some(next) = page.next else { return hits };
        // The way it goes to a client and comes back.
        query.after = Some(Cursor::encode(&next).decode::<After>().unwrap());
    }
}

pub async fn pages_hold_each_document_once_in_every_order(world: World) {
    let mut dice = Dice(7);
    let (of_posts, of_people) = (alike(&mut dice, 60), alike(&mut dice, 40));
    // In two commits and with replaced documents, so that an engine has more than one piece to merge.
    world.fill(POST, of_posts[..30].to_vec()).await;
    world.engine.write(of_posts[20..].iter().map(|document| put(1, 2, document.clone())).collect()).await.unwrap();
    world.engine.commit("more").await.unwrap();
    world.fill(PERSON, of_people.clone()).await;

    let handle = Handle::current();
    let order = prop_oneof![
        Just(Order::Newest),
        Just(Order::Relevance { now: None }),
        Just(Order::Relevance { now: Some(THEN) }),
        (0..3).prop_map(|longitude| Order::Nearest { from: Place::new(0.0, f64::from(longitude)).unwrap() }),
    ];
    let kinds = prop_oneof![Just(vec![POST]), Just(vec![PERSON]), Just(vec![POST, PERSON])];
    let text = prop_oneof![Just(None), Just(Some("garden")), Just(Some("house"))];
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let result = runner.run(&(order, kinds, text, 1usize..20), |(order, kinds, text, limit)| {
        let text = text.map(str::to_owned);
        let query = Query { kinds: kinds.clone(), text: text.clone(), order, limit, ..posts() };
        let hits = block_in_place(|| handle.block_on(walk(&world, &query)));
        let mut wanted: Vec<(Kind, &str)> = Vec::new();
        for (kind, documents) in [(POST, &of_posts), (PERSON, &of_people)] {
            let asked = documents.iter().filter(|document| {
                kinds.contains(&kind)
                    && text.as_ref().is_none_or(|text| document.text.contains(text.as_str()))
                    && (document.place.is_some() || !matches!(order, Order::Nearest { .. }))
            });
            wanted.extend(asked.map(|document| (kind, document.id.as_str())));
        }
        wanted.sort_unstable();
        let mut found: Vec<(Kind, &str)> = hits.iter().map(|hit| (hit.kind, hit.id.as_str())).collect();
        found.sort_unstable();
        prop_assert_eq!(found, wanted);
        let sorted = hits.is_sorted_by(|a, b| {
            let value = match order {
                Order::Nearest { .. } => a.value.total_cmp(&b.value),
                Order::Relevance { .. } | Order::Newest => b.value.total_cmp(&a.value),
            };
            value.then(a.kind.name().cmp(b.kind.name())).then_with(|| a.id.cmp(&b.id)).is_lt()
        });
        prop_assert!(sorted);
        Ok(())
    });
    assert!(result.is_ok(), "{}", result.unwrap_err());
}

pub async fn writing_meanwhile_does_not_move_pages_by_time(world: World) {
    let made = |n: i64| Document { created_at: Timestamp::from_millis(n / 3), ..post(&format!("{n:03}")) };
    world.fill(POST, (0..30).map(made)).await;
    let mut query = Query { limit: 7, ..posts() };
    let mut ids = Vec::new();
    for round in 0.. {
        let page = world.search(&query).await;
        ids.extend(page.hits.iter().map(|hit| hit.id.clone()));
        let Some(next) = page.next else { break };
        query.after = Some(next);
        // Something newer than all, and the last one seen goes.
        let gone = page.hits.last().unwrap().id.clone();
        let items = vec![put(1, 5, made(900 + round)), super::delete(1, 6, &gone)];
        world.engine.write(items).await.unwrap();
        world.engine.commit("on").await.unwrap();
    }
    let mut wanted: Vec<String> = (0..30).map(|n| made(n).id).collect();
    wanted.sort_by_key(|id| (std::cmp::Reverse(id.parse::<i64>().unwrap() / 3), id.clone()));
    assert_eq!(ids, wanted);
}

pub async fn a_cursor_belongs_to_its_order(world: World) {
    world.fill(POST, (0..4).map(|n| post(&n.to_string()))).await;
    let page = world.search(&Query { order: Order::Relevance { now: Some(THEN) }, limit: 2, ..posts() }).await;
    let next = page.next.unwrap();
    assert_eq!(next.now(), Some(THEN));
    let later = Timestamp::from_millis(THEN.as_millis() + 1);
    for order in [Order::Newest, Order::Relevance { now: None }, Order::Relevance { now: Some(later) }] {
        let query = Query { order, after: Some(next.clone()), ..posts() };
        assert!(matches!(world.engine.search(&query).await, Err(EngineError::Query(QueryError::After))));
    }
    let query = Query { order: Order::Relevance { now: Some(THEN) }, after: Some(next), ..posts() };
    assert_eq!(world.ids(&query).await, ["2", "3"]);
}

pub async fn a_page_may_end_at_any_hit(world: World) {
    world.fill(POST, (0..9).map(|n| post(&n.to_string()))).await;
    let query = Query { limit: 5, ..posts() };
    let page = world.search(&query).await;
    let after = page.hits[2].after(&query.order);
    assert_eq!(world.ids(&Query { after: Some(after), ..posts() }).await, ["3", "4", "5", "6", "7", "8"]);
    assert_eq!(page.next, Some(page.hits[4].after(&query.order)));
}
