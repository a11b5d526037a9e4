//! What search is told of how many follow people.

use std::collections::HashMap;

use accounts::documents::People;
use index::pipeline::Mapping as _;
use kernel::UserId;
use schemas::accounts::Deletion;

use crate::stage::{PASSWORD, Stage};

async fn told(stage: &Stage, id: UserId) -> Option<f64> {
    let mut at = stage.db.pool().acquire().await.unwrap();
    let loaded = People.load(&mut at, &[id.to_string()]).await.unwrap();
    let scanned = People.scan(&mut at, None, 10).await.unwrap();
    assert_eq!(loaded, scanned, "a build says the same as a change");
    loaded.first().map(|document| document.popularity)
}

#[tokio::test]
async fn people_are_as_popular_as_followed_until_they_go() {
    let stage = Stage::new().await;
    let ada = stage.register("ada").await;
    let followed = async |followers| {
        let counts = HashMap::from([(ada.account.id, followers)]);
        stage.service.keep_popularity(&counts).await.unwrap()
    };
    assert_eq!(told(&stage, ada.account.id).await, Some(0.0));
    assert_eq!((followed(5).await, followed(7).await), (1, 0), "only its magnitude is kept");
    assert_eq!(told(&stage, ada.account.id).await, Some(4.0));
    let proof = Deletion { password: PASSWORD.to_owned().into() };
    stage.service.delete(&stage.ctx(&ada), proof).await.unwrap();
    assert_eq!((followed(500).await, told(&stage, ada.account.id).await), (0, None));
}
