//! Places: near, and in a box, wherever on the sphere.

use index::geo::distance_m;
use index::query::RADIUS_M_MAX;
use index::{Area, Document, EngineError, Order, Place, Query, QueryError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::{Dice, POST, World, at, post, posts};

/// Engines may store a place a little off: less than this, in metres and in degrees.
const SLACK_M: f64 = 0.1;
const SLACK_DEGREES: f64 = 1e-6;

fn place(latitude: f64, longitude: f64) -> Place {
    Place::new(latitude, longitude).unwrap()
}

fn near(center: Place, metres: f64) -> Query {
    Query { area: Some(Area::Within { center, metres }), order: Order::Nearest { from: center }, ..posts() }
}

fn within(south: f64, west: f64, north: f64, east: f64) -> Query {
    Query { area: Some(Area::Box { south, west, north, east }), ..posts() }
}

pub async fn near_is_near_on_both_sides_of_the_antimeridian(world: World) {
    world
        .fill(
            POST,
            [at("west", -17.0, 179.9), at("east", -17.0, -179.9), at("line", -17.0, 180.0), at("far", -17.0, 0.1)],
        )
        .await;
    assert_eq!(world.ids(&near(place(-17.0, 179.97), 50_000.0)).await, ["line", "west", "east"]);
    assert_eq!(world.ids(&near(place(-17.0, -179.97), 50_000.0)).await, ["line", "east", "west"]);
    assert_eq!(world.ids(&near(place(-17.0, -180.0), 5_000.0)).await, ["line"]);
    let page = world.search(&near(place(-17.0, -179.9), 50_000.0)).await;
    assert_eq!(page.hits[0].id, "east");
    assert!(page.hits[0].value < SLACK_M);
    let wanted = distance_m(place(-17.0, -179.9), place(-17.0, 179.9));
    assert!((page.hits[2].value - wanted).abs() < SLACK_M && wanted < 22_000.0);
}

pub async fn near_is_near_around_the_poles(world: World) {
    world
        .fill(
            POST,
            [
                at("n0", 89.9, 0.0),
                at("n90", 89.95, 90.0),
                at("n180", 89.85, 180.0),
                at("pole", 90.0, 45.0),
                at("s", -90.0, 0.0),
            ],
        )
        .await;
    assert_eq!(world.ids(&near(place(90.0, -120.0), 30_000.0)).await, ["pole", "n90", "n0", "n180"]);
    assert_eq!(world.ids(&near(place(89.9, 180.0), 25_000.0)).await, ["n180", "pole", "n90", "n0"]);
    assert_eq!(world.ids(&near(place(-89.99, 77.0), 2_000.0)).await, ["s"]);
}

pub async fn boxes_reach_across_the_antimeridian(world: World) {
    world
        .fill(
            POST,
            [at("a", 0.0, 170.0), at("b", 0.0, -170.0), at("c", 0.0, 0.0), at("d", 50.0, 175.0), at("e", 0.0, 180.0)],
        )
        .await;
    let sorted = |mut ids: Vec<String>| {
        ids.sort_unstable();
        ids
    };
    assert_eq!(sorted(world.ids(&within(-10.0, 160.0, 10.0, -160.0)).await), ["a", "b", "e"]);
    assert_eq!(sorted(world.ids(&within(-10.0, -160.0, 10.0, 160.0)).await), ["c"]);
    assert_eq!(sorted(world.ids(&within(-90.0, -180.0, 90.0, 180.0)).await), ["a", "b", "c", "d", "e"]);
    assert_eq!(sorted(world.ids(&within(49.0, 171.0, 90.0, -179.0)).await), ["d"]);
}

pub async fn what_has_no_place_is_in_no_area(world: World) {
    world.fill(POST, [post("nowhere"), at("a", 1.0, 1.0)]).await;
    let world_box = within(-90.0, -180.0, 90.0, 180.0);
    assert_eq!(world.ids(&world_box).await, ["a"]);
    assert_eq!(world.ids(&near(place(0.0, 0.0), RADIUS_M_MAX)).await, ["a"]);
    let nearest = Query { order: Order::Nearest { from: place(0.0, 0.0) }, ..posts() };
    assert_eq!(world.ids(&nearest).await, ["a"]);
}

pub async fn areas_end_at_their_limits(world: World) {
    world.fill(POST, [at("a", 0.0, 0.0), at("b", 0.0, 180.0)]).await;
    assert_eq!(world.ids(&near(place(0.0, 0.0), RADIUS_M_MAX)).await, ["a", "b"]);
    assert_eq!(world.ids(&near(place(0.0, 0.0), 1.0)).await, ["a"]);
    for query in [
        near(place(0.0, 0.0), RADIUS_M_MAX + 1.0),
        near(place(0.0, 0.0), -1.0),
        near(place(0.0, 0.0), f64::NAN),
        within(1.0, 0.0, 0.0, 1.0),
        within(-91.0, 0.0, 0.0, 1.0),
        within(0.0, 0.0, 0.0, 181.0),
    ] {
        assert!(matches!(world.engine.search(&query).await, Err(EngineError::Query(QueryError::Area))));
    }
}

/// Latitudes and longitudes with a liking for what is special.
fn degrees(most: f64) -> impl Strategy<Value = f64> {
    prop_oneof![6 => -most..=most, 1 => Just(most), 1 => Just(-most), 1 => Just(0.0), 2 => (most - 0.5)..=most, 2 => -most..=(0.5 - most)]
}

fn area() -> impl Strategy<Value = Area> {
    // Radii of all magnitudes, from 10 m to half around.
    let radius = (1.0f64..7.3).prop_map(|magnitude| 10f64.powf(magnitude));
    let circle = (degrees(90.0), degrees(180.0), radius)
        .prop_map(|(latitude, longitude, metres)| Area::Within { center: place(latitude, longitude), metres });
    let frame = (degrees(90.0), degrees(90.0), degrees(180.0), degrees(180.0))
        .prop_map(|(a, b, west, east)| Area::Box { south: a.min(b), north: a.max(b), west, east });
    prop_oneof![3 => circle, 2 => frame]
}

/// How sure the judge is: within by more than the slack, out by more, or neither.
fn judge(area: &Area, at: Place) -> Option<bool> {
    match *area {
        Area::Within { center, metres } => {
            let off = distance_m(center, at) - metres;
            (off.abs() > SLACK_M).then_some(off < 0.0)
        }
        Area::Box { south, west, north, east } => {
            let close = |a: f64, b: f64| (a - b).abs() < SLACK_DEGREES;
            let edge = close(at.latitude(), south) || close(at.latitude(), north);
            let side = close(at.longitude().abs(), west.abs()) || close(at.longitude().abs(), east.abs());
            (!edge && !side).then(|| area.contains(at))
        }
    }
}

pub async fn areas_agree_with_a_judge_who_measures_every_place(world: World) {
    let mut dice = Dice(4);
    let mut documents: Vec<Document> = Vec::new();
    for n in 0..180 {
        // Everywhere, then in crowds: at both poles, on the antimeridian, in a town.
        let (latitude, longitude) = match n % 6 {
            0 | 1 => (dice.share() * 180.0 - 90.0, dice.share() * 360.0 - 180.0),
            2 => (90.0 - dice.share() * 0.4, dice.share() * 360.0 - 180.0),
            3 => (dice.share() * 0.4 - 90.0, dice.share() * 360.0 - 180.0),
            4 => (dice.share() * 2.0 - 1.0, if n % 4 == 0 { 180.0 - dice.share() } else { dice.share() - 180.0 }),
            _ => (52.5 + dice.share() * 0.1, 13.4 + dice.share() * 0.1),
        };
        documents.push(at(&format!("{n:03}"), latitude, longitude));
    }
    documents.extend([at("np", 90.0, 10.0), at("sp", -90.0, -170.0), at("e", 0.0, 180.0), at("w", 0.0, -180.0)]);
    let places: Vec<(String, Place)> = documents.iter().map(|d| (d.id.clone(), d.place.unwrap())).collect();
    world.fill(POST, documents).await;

    let handle = Handle::current();
    let from = (degrees(90.0), degrees(180.0)).prop_map(|(latitude, longitude)| place(latitude, longitude));
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let result = runner.run(&(area(), from), |(area, from)| {
        let query = Query { area: Some(area), order: Order::Nearest { from }, limit: 200, ..posts() };
        let page = block_in_place(|| handle.block_on(world.search(&query)));
        for (id, at) in &places {
            let found = page.hits.iter().any(|hit| hit.id == *id);
            if let Some(wanted) = judge(&area, *at) {
                prop_assert_eq!(found, wanted, "{} at {:?}", id, at);
            }
        }
        prop_assert!(page.hits.is_sorted_by(|a, b| a.value <= b.value));
        for hit in &page.hits {
            let (_, at) = places.iter().find(|(id, _)| *id == hit.id).unwrap();
            prop_assert!((hit.value - distance_m(from, *at)).abs() < SLACK_M);
        }
        Ok(())
    });
    assert!(result.is_ok(), "{}", result.unwrap_err());
}
