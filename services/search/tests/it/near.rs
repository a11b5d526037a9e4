//! What is near, and what is on a map.

use kernel::ContentId;
use schemas::search::Hit;
use search::Thing;
use search::model::Asked;

use crate::world::World;

fn near<'a>(near: &'a str, radius_m: &'a str) -> Asked<'a> {
    Asked { near: Some(near), radius_m: Some(radius_m), ..Asked::default() }
}

fn place_of(world: &World, post: ContentId, place: Option<(f64, f64)>) {
    world.change(|known| {
        let Some(Thing::Content(post)) = known.things.get_mut(&post.to_string()) else { panic!("a post") };
        post.place = place.map(|(latitude, longitude)| schemas::content::Place { latitude, longitude, name: None });
    });
}

#[tokio::test]
async fn near_me_comes_nearest_first_with_its_distance() {
    let world = World::new().await;
    let ada = world.person("ada", "Ada").await;
    world.post_at(ada, "3 km", Some((52.547, 13.405))).await;
    world.post_at(ada, "here", Some((52.52, 13.405))).await;
    world.post_at(ada, "1 km", Some((52.529, 13.405))).await;
    world.post_at(ada, "far", Some((48.14, 11.58))).await;
    world.post(ada, "nowhere").await;
    assert_eq!(world.all(ada, near("52.52,13.405", "5000"), 1).await, ["here", "1 km", "3 km"]);
    assert_eq!(world.all(ada, near("52.52,13.405", "1500"), 10).await, ["here", "1 km"]);
    let newest = Asked { order: Some("newest"), ..near("52.52,13.405", "5000") };
    assert_eq!(world.all(ada, newest, 10).await, ["1 km", "here", "3 km"]);
    let words = Asked { q: Some("km"), ..near("52.52,13.405", "5000") };
    assert_eq!(world.all(ada, words, 10).await.len(), 2);
    let page = world.page(ada, near("52.52,13.405", "5000"), None, 10).await.unwrap();
    let distances: Vec<f64> = page
        .items
        .iter()
        .map(|hit| if let Hit::Content(it) = hit { it.distance_m.unwrap() } else { panic!("a post") })
        .collect();
    assert!(distances[0] < 1.0 && (distances[1] - 1_000.8).abs() < 1.0 && (distances[2] - 3_002.3).abs() < 1.0);
}

#[tokio::test]
async fn the_antimeridian_and_the_poles_are_nothing_special() {
    let world = World::new().await;
    let ada = world.person("ada", "Ada").await;
    world.post_at(ada, "west", Some((-16.5, -179.99))).await;
    world.post_at(ada, "east", Some((-16.5, 179.995))).await;
    world.post_at(ada, "pole", Some((89.99, 10.0))).await;
    world.post_at(ada, "other side", Some((89.99, -170.0))).await;
    assert_eq!(world.all(ada, near("-16.5,180", "2000"), 10).await, ["east", "west"]);
    assert_eq!(world.all(ada, near("-16.5,-180", "2000"), 10).await, ["east", "west"]);
    assert_eq!(world.all(ada, near("90,0", "2000"), 10).await.len(), 2);
    let on_map = |bounds| Asked { bounds: Some(bounds), ..Asked::default() };
    assert_eq!(world.all(ada, on_map("-17,179,-16,-179"), 10).await, ["east", "west"]);
    assert_eq!(world.all(ada, on_map("-17,-180,-16,-179"), 10).await, ["west"]);
    assert_eq!(world.all(ada, on_map("-17,-179,-16,179"), 10).await, [""; 0]);
}

#[tokio::test]
async fn a_post_that_moved_since_it_was_indexed_is_where_it_is_now() {
    let world = World::new().await;
    let ada = world.person("ada", "Ada").await;
    let post = world.post_at(ada, "here", Some((52.52, 13.405))).await;
    place_of(&world, post, Some((52.529, 13.405)));
    let page = world.page(ada, near("52.52,13.405", "5000"), None, 10).await.unwrap();
    let Hit::Content(found) = &page.items[0] else { panic!("a post") };
    assert!(found.distance_m.unwrap() > 900.0);
    for elsewhere in [Some((48.14, 11.58)), None] {
        place_of(&world, post, elsewhere);
        assert_eq!(world.all(ada, near("52.52,13.405", "5000"), 10).await, [""; 0]);
        let on_map = Asked { bounds: Some("52,13,53,14"), ..Asked::default() };
        assert_eq!(world.all(ada, on_map, 10).await, [""; 0]);
    }
}
