//! Every route: what it answers, and what it answers to nonsense. Each answer is checked against openapi.

use http::{Method, StatusCode};
use kernel::UserId;
use schemas::graph::Relation;
use web::testing::Answer;

use crate::stage::{ADA, BEN, CLEO, DANA, Stage, handles};

const GET: Method = Method::GET;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

const NOTHING: Relation = Relation {
    follows: false,
    requested: false,
    followed_by: false,
    requested_by: false,
    blocks: false,
    mutes: false,
    close_friend: false,
};

fn relation(answer: &Answer) -> Relation {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    serde_json::from_value(answer.body.clone()).unwrap()
}

async fn change(stage: &Stage, method: Method, path: &str, who: UserId) -> Relation {
    relation(&stage.send(method, path, Some(who)).await)
}

#[tokio::test]
async fn following_over_rest() {
    let stage = Stage::new().await;
    let follows = Relation { follows: true, ..NOTHING };
    assert_eq!(change(&stage, PUT, "/v1/people/ben/follow", ADA).await, follows);
    assert_eq!(change(&stage, PUT, &format!("/v1/people/{BEN}/follow"), ADA).await, follows);
    assert_eq!(handles(&stage.send(GET, "/v1/people/ben/followers", Some(DANA)).await), ["ada"]);
    assert_eq!(handles(&stage.send(GET, "/v1/people/ada/following?limit=1", Some(DANA)).await), ["ben"]);
    assert_eq!(change(&stage, DELETE, "/v1/me/followers/ada", BEN).await, NOTHING);
    assert_eq!(change(&stage, DELETE, "/v1/people/ben/follow", ADA).await, NOTHING);
    assert!(handles(&stage.send(GET, "/v1/people/ben/followers", Some(DANA)).await).is_empty());
}

#[tokio::test]
async fn requests_over_rest() {
    let stage = Stage::new().await;
    assert!(change(&stage, PUT, "/v1/people/cleo/follow", ADA).await.requested);
    assert!(change(&stage, PUT, "/v1/people/cleo/follow", BEN).await.requested);
    assert_eq!(handles(&stage.send(GET, "/v1/me/follow-requests", Some(CLEO)).await), ["ben", "ada"]);
    assert_eq!(handles(&stage.send(GET, "/v1/me/sent-follow-requests", Some(ADA)).await), ["cleo"]);
    assert!(change(&stage, PUT, "/v1/me/follow-requests/ada/acceptance", CLEO).await.followed_by);
    assert_eq!(change(&stage, DELETE, "/v1/me/follow-requests/ben", CLEO).await, NOTHING);
    let late = stage.send(PUT, "/v1/me/follow-requests/ben/acceptance", Some(CLEO)).await;
    assert_eq!(late.failure(), (404, "request_not_found"));
    let closed = stage.send(GET, "/v1/people/cleo/following", Some(BEN)).await;
    assert_eq!(closed.failure(), (403, "list_private"));
}

#[tokio::test]
async fn blocking_and_muting_over_rest() {
    let stage = Stage::new().await;
    assert!(change(&stage, PUT, "/v1/people/ben/mute", ADA).await.mutes);
    assert_eq!(handles(&stage.send(GET, "/v1/me/mutes", Some(ADA)).await), ["ben"]);
    assert_eq!(change(&stage, DELETE, "/v1/people/ben/mute", ADA).await, NOTHING);
    assert!(change(&stage, PUT, "/v1/people/ben/block", ADA).await.blocks);
    assert_eq!(handles(&stage.send(GET, "/v1/me/blocks", Some(ADA)).await), ["ben"]);
    let own = stage.send(PUT, "/v1/people/ben/follow", Some(ADA)).await;
    assert_eq!(own.failure(), (409, "person_blocked"));
    for (method, path) in [
        (PUT, "/v1/people/ada/follow"),
        (DELETE, "/v1/people/ada/follow"),
        (PUT, "/v1/people/ada/mute"),
        (GET, "/v1/people/ada/followers"),
        (GET, "/v1/people/ada/following"),
    ] {
        let hidden = stage.send(method, path, Some(BEN)).await;
        assert_eq!(hidden.failure(), (404, "person_not_found"), "{path}");
    }
    assert_eq!(change(&stage, DELETE, "/v1/people/ben/block", ADA).await, NOTHING);
}

#[tokio::test]
async fn every_change_refuses_nobody_oneself_and_strangers() {
    let stage = Stage::new().await;
    for (method, before, after) in [
        (PUT, "/v1/people/", "/follow"),
        (DELETE, "/v1/people/", "/follow"),
        (PUT, "/v1/people/", "/block"),
        (DELETE, "/v1/people/", "/block"),
        (PUT, "/v1/people/", "/mute"),
        (DELETE, "/v1/people/", "/mute"),
        (DELETE, "/v1/me/followers/", ""),
        (DELETE, "/v1/me/follow-requests/", ""),
        (PUT, "/v1/me/follow-requests/", "/acceptance"),
    ] {
        let send = async |who: &str, caller| stage.send(method.clone(), &format!("{before}{who}{after}"), caller).await;
        assert_eq!(send("zoe", Some(ADA)).await.failure(), (404, "person_not_found"), "{method} {before}{after}");
        assert_eq!(send("%C3%A9", Some(ADA)).await.failure(), (404, "person_not_found"), "{method} {before}{after}");
        assert_eq!(send("ada", Some(ADA)).await.failure(), (422, "self_relation"), "{method} {before}{after}");
        assert_eq!(send("ben", None).await.failure(), (401, "unauthenticated"), "{method} {before}{after}");
    }
}

#[tokio::test]
async fn every_list_refuses_bad_pages_and_strangers() {
    let stage = Stage::new().await;
    for path in [
        "/v1/people/ben/followers",
        "/v1/people/ben/following",
        "/v1/me/follow-requests",
        "/v1/me/sent-follow-requests",
        "/v1/me/blocks",
        "/v1/me/mutes",
    ] {
        assert_eq!(stage.send(GET, &format!("{path}?limit=100"), Some(ADA)).await.status, StatusCode::OK, "{path}");
        for query in ["limit=0", "limit=101", "limit=x", "page=2"] {
            let answer = stage.send(GET, &format!("{path}?{query}"), Some(ADA)).await;
            assert_eq!(answer.failure(), (422, "invalid_query"), "{path}?{query}");
        }
        for query in ["cursor=nonsense", "cursor="] {
            let answer = stage.send(GET, &format!("{path}?{query}"), Some(ADA)).await;
            assert_eq!(answer.failure(), (422, "invalid_cursor"), "{path}?{query}");
        }
        assert_eq!(stage.send(GET, path, None).await.failure(), (401, "unauthenticated"), "{path}");
    }
    assert_eq!(stage.send(GET, "/v1/people/zoe/followers", Some(ADA)).await.failure(), (404, "person_not_found"));
}
