//! Limits, in a deployment of their own, where they are low.

use reqwest::Method;
use system_tests::{Deployment, Stores};

use crate::rest::{problem, send};

mod embedded {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn too_many_requests_are_told_when_to_come_back() {
        let settings = [("PLAZA_WEB_ACCOUNT_BURST", "5"), ("PLAZA_WEB_ACCOUNT_PER_MINUTE", "1")];
        let plaza = Deployment::start(Stores::Embedded, 1, &settings).await;
        let ada = plaza.person("ada").await;
        for _ in 0..5 {
            assert_eq!(send(&ada, Method::GET, "/v1/me", &[], "").await.status(), 200);
        }
        let refused = send(&ada, Method::GET, "/v1/me", &[], "").await;
        let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert_eq!(problem(refused).await, (429, "rate_limited".to_owned()));
        // Nobody else is kept waiting.
        let ben = plaza.person("ben").await;
        assert_eq!(send(&ben, Method::GET, "/v1/me", &[], "").await.status(), 200);
    }
}
