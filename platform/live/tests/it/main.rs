#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod bus;
mod limiter;

fn redis_url() -> String {
    std::env::var("PLAZA_TEST_REDIS_URL").expect("run ./test, or set PLAZA_TEST_REDIS_URL")
}
