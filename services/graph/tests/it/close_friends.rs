//! Close friends: whom one chose, told to nobody.

use graph::model::{Act, CLOSE_FRIENDS_MAX};
use http::Method;
use schemas::graph::Relation;

use crate::stage::{ADA, BEN, DANA, Stage, handles};

#[tokio::test]
async fn close_friends_are_known_to_their_chooser_alone() {
    let stage = Stage::new().await;
    let added = stage.act(ADA, BEN, Act::AddCloseFriend).await.unwrap();
    assert_eq!(added, Relation { close_friend: true, ..Relation::default() });
    assert_eq!(stage.act(ADA, BEN, Act::AddCloseFriend).await.unwrap(), added);
    assert_eq!(stage.relation(BEN, ADA).await, Some(Relation::default()), "nobody is told");
    assert!(stage.kinds().await.is_empty());
    let standing = async |viewer, other| stage.service.standings(viewer, &[other]).await.unwrap()[&other];
    assert!(standing(BEN, ADA).await.close_friend && !standing(ADA, BEN).await.close_friend);
    assert_eq!(stage.act(ADA, BEN, Act::RemoveCloseFriend).await.unwrap(), Relation::default());
    assert!(!standing(BEN, ADA).await.close_friend);
}

#[tokio::test]
async fn a_block_by_either_ends_it_and_forgetting_leaves_no_list() {
    let stage = Stage::new().await;
    for blocker in [ADA, BEN] {
        let other = if blocker == ADA { BEN } else { ADA };
        stage.act(ADA, BEN, Act::AddCloseFriend).await.unwrap();
        stage.act(blocker, other, Act::Block).await.unwrap();
        let tried = stage.act(blocker, other, Act::AddCloseFriend).await;
        assert_eq!(kernel::Fail::code(&tried.unwrap_err()), "person_blocked");
        stage.act(blocker, other, Act::Unblock).await.unwrap();
        assert_eq!(stage.relation(ADA, BEN).await, Some(Relation::default()));
    }
    stage.act(ADA, DANA, Act::AddCloseFriend).await.unwrap();
    stage.service.forget(DANA, stage.clock.now()).await.unwrap();
    let left: (i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM close_friends), (SELECT sum(close_friends)::bigint FROM graph_people)",
    )
    .fetch_one(stage.db.pool())
    .await
    .unwrap();
    assert_eq!(left, (0, 0));
}

#[tokio::test]
async fn close_friends_over_rest() {
    let stage = Stage::new().await;
    let path = "/v1/me/close-friends/ben";
    assert_eq!(stage.send(Method::PUT, path, Some(ADA)).await.body["close_friend"], true);
    assert_eq!(handles(&stage.send(Method::GET, "/v1/me/close-friends", Some(ADA)).await), ["ben"]);
    assert!(handles(&stage.send(Method::GET, "/v1/me/close-friends", Some(BEN)).await).is_empty());
    assert_eq!(stage.send(Method::DELETE, path, Some(ADA)).await.body["close_friend"], false);
    for (method, path, wanted) in [
        (Method::PUT, "/v1/me/close-friends/nobody", (404, "person_not_found")),
        (Method::DELETE, "/v1/me/close-friends/nobody", (404, "person_not_found")),
        (Method::PUT, "/v1/me/close-friends/ada", (422, "self_relation")),
        (Method::DELETE, "/v1/me/close-friends/ada", (422, "self_relation")),
        (Method::GET, "/v1/me/close-friends?cursor=xyz", (422, "invalid_cursor")),
    ] {
        assert_eq!(stage.send(method, path, Some(ADA)).await.failure(), wanted, "{path}");
    }
    stage.act(ADA, BEN, Act::Block).await.unwrap();
    assert_eq!(stage.send(Method::PUT, path, Some(ADA)).await.failure(), (409, "person_blocked"));
    let full = "UPDATE graph_people SET close_friends = $1 WHERE user_id = $2";
    sqlx::query(full).bind(CLOSE_FRIENDS_MAX as i64).bind(ADA).execute(stage.db.pool()).await.unwrap();
    let refused = stage.send(Method::PUT, "/v1/me/close-friends/dana", Some(ADA)).await;
    assert_eq!(refused.failure(), (409, "close_friend_limit_reached"));
}
