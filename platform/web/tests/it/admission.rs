//! Who may ask, how often, from where.

use http::Method;
use web::Settings;
use web::testing::Ask;

use crate::world::{World, note, user};

const NOTE: &str = "/v1/notes/post_00000000000000000000000001";

fn by(token: &str) -> Ask {
    Ask::get(NOTE).header("authorization", &format!("Bearer {token}"))
}

#[tokio::test]
async fn a_token_tells_who_asks() {
    let world = World::new().await;
    let answer = world.send(note(r#"{"text":"x"}"#)).await;
    assert!(answer.text().contains(&user("ada").to_string()), "{}", answer.text());

    let guest = Ask::new(Method::POST, "/v1/notes").json(r#"{"text":"x"}"#);
    let answer = world.send(guest).await;
    assert_eq!(answer.problem(), (401, "unauthenticated".to_owned()));
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    for wrong in ["Bearer mallory", "Basic YWRhOmFkYQ==", "Bearer", "bearer"] {
        let answer = world.send(note(r#"{"text":"x"}"#).header("authorization", wrong)).await;
        assert_eq!(answer.problem(), (401, "unauthenticated".to_owned()), "{wrong}");
    }
    let answer = world.send(note(r#"{"text":"x"}"#).header("authorization", "Bearer down")).await;
    assert_eq!(answer.problem(), (503, "store_unavailable".to_owned()));
    assert_eq!(world.created(), 1);
}

#[tokio::test]
async fn where_guests_may_read_a_bad_token_is_still_told() {
    let world = World::new().await;
    assert_eq!(world.send(Ask::get(NOTE)).await.status, 200);
    assert!(world.send(by("ada")).await.text().contains(&user("ada").to_string()));
    assert_eq!(world.send(by("mallory")).await.problem(), (401, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn an_account_is_limited_wherever_it_asks_from_and_others_are_not() {
    let settings = Settings { account_burst: 3, account_per_minute: 6, ..Settings::default() };
    let world = World::with(settings).await;
    tokio::time::pause();
    for (left, peer) in [("2", "192.0.2.1:1"), ("1", "192.0.2.2:1"), ("0", "192.0.2.3:1")] {
        let answer = world.send(by("ada").from(peer)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit"), Some(&*format!("\"account\";r={left}")));
        assert_eq!(answer.header("ratelimit-policy"), Some("\"account\";q=3;w=30"));
    }
    let answer = world.send(by("ada")).await;
    assert_eq!(answer.problem(), (429, "rate_limited".to_owned()));
    assert_eq!(answer.header("retry-after"), Some("10"));
    assert_eq!(answer.document().retry_after_ms.map(|wait| wait.div_ceil(1000)), Some(10));
    assert_eq!(world.send(by("ben")).await.status, 200);
    assert_eq!(world.send(Ask::get(NOTE)).await.status, 200);

    tokio::time::advance(std::time::Duration::from_secs(10)).await;
    assert_eq!(world.send(by("ada")).await.status, 200);
    assert_eq!(world.send(by("ada")).await.status, 429);
}

#[tokio::test]
async fn an_address_is_limited_and_what_stands_beside_the_operations_is_not() {
    let settings = Settings { address_burst: 2, address_per_minute: 1, ..Settings::default() };
    let world = World::with(settings).await;
    assert_eq!(world.send(Ask::get(NOTE)).await.status, 200);
    assert_eq!(world.send(by("ada")).await.status, 200);
    assert_eq!(world.send(by("ben")).await.problem(), (429, "rate_limited".to_owned()));
    assert_eq!(world.send(Ask::get(NOTE).from("192.0.2.1:1")).await.status, 200);
    assert_eq!(world.send(Ask::get("/healthz")).await.status, 200);
    // One customer's IPv6 network counts as one address.
    for (peer, status) in [("[2001:db8::1]:1", 200), ("[2001:db8::2]:1", 200), ("[2001:db8::3]:1", 429)] {
        assert_eq!(world.send(Ask::get(NOTE).from(peer)).await.status, status, "{peer}");
    }
}

#[tokio::test]
async fn forwarded_addresses_count_only_from_trusted_proxies() {
    let forwarded = |peer: &str| Ask::get("/whence").from(peer).header("x-forwarded-for", "203.0.113.5");
    let world = World::new().await;
    assert_eq!(world.send(forwarded("10.0.0.1:1")).await.text(), "10.0.0.1");
    let trusted_proxies = vec!["10.0.0.0/8".parse().expect("a network")];
    let world = World::with(Settings { trusted_proxies, ..Settings::default() }).await;
    assert_eq!(world.send(forwarded("10.0.0.1:1")).await.text(), "203.0.113.5");
    assert_eq!(world.send(forwarded("192.0.2.1:1")).await.text(), "192.0.2.1");
}

#[tokio::test]
async fn browsers_are_let_in_from_the_origins_that_are_set() {
    let preflight = |origin: &str| {
        Ask::new(Method::OPTIONS, "/v1/notes")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type,idempotency-key")
    };
    let world = World::new().await;
    let answer = world.send(preflight("https://app.example.com")).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);

    let cors_origins = vec!["https://app.example.com".parse().expect("an origin")];
    let world = World::with(Settings { cors_origins, ..Settings::default() }).await;
    let answer = world.send(preflight("https://app.example.com")).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example.com"));
    assert!(answer.header("access-control-allow-headers").is_some_and(|it| it.contains("idempotency-key")));
    let answer = world.send(preflight("https://evil.example.com")).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
    // A failure, too, must be readable by the page.
    let answer = world.send(Ask::get("/v2").header("origin", "https://app.example.com")).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example.com"));
    assert_eq!(answer.problem(), (404, "not_found".to_owned()));
}
