use std::collections::BTreeSet;
use std::pin::pin;

use fred::interfaces::{KeysInterface as _, LuaInterface as _};
use futures_util::future::join_all;
use futures_util::poll;
use kernel::StoreError;
use redis::testing::Server;
use redis::{Batched, Redis, Settings};

/// Calls that leave together.
const CALLS_MAX: usize = 32;

/// Adds ARGV[1] to the number at KEYS[1], and tells of which run it was part, which is when that began, and the sum.
static ADD: Batched = Batched::new("return { text(now_us), redis.call('INCRBY', KEYS[1], ARGV[1]) }", 1, 1);

/// Reads the number at KEYS[1].
static READ: Batched = Batched::new("return redis.call('GET', KEYS[1])", 1, 0);

/// Appends ARGV[1] to the text at KEYS[1], and …
static APPEND: Batched = Batched::new("redis.call('APPEND', KEYS[1], ARGV[1] .. ' ')", 1, 1);
/// … both of these.
static APPEND_TWO: Batched = Batched::new("redis.call('APPEND', KEYS[1], ARGV[1] .. ARGV[2])", 1, 2);

async fn redis(server: &Server) -> Redis {
    Redis::connect(&Settings::new(server.url())).await.expect("a server that answers")
}

async fn add(redis: &Redis, key: &str, number: u64) -> Result<(u64, u64), StoreError> {
    redis.run_batched(&ADD, vec![key.to_owned()], [number.to_string()]).await
}

async fn read(redis: &Redis, key: &str) -> Option<u64> {
    redis.run_batched(&READ, vec![key.to_owned()], [""; 0]).await.expect("a number or nothing")
}

async fn runs_of(redis: &Redis, calls: usize) -> usize {
    let answers = join_all((0..calls).map(|_| add(redis, "many", 1))).await;
    let runs: BTreeSet<u64> = answers.into_iter().map(|answer| answer.expect("the run, and the sum").0).collect();
    runs.len()
}

#[tokio::test]
async fn calls_of_a_moment_share_a_run_and_so_many_at_most() {
    let server = Server::start().await;
    let redis = redis(&server).await;
    assert_eq!(runs_of(&redis, 1).await, 1);
    assert_eq!(runs_of(&redis, CALLS_MAX).await, 1);
    assert_eq!(runs_of(&redis, CALLS_MAX + 1).await, 2);
    assert_eq!(read(&redis, "many").await, Some(2 * CALLS_MAX as u64 + 2));
}

#[tokio::test]
async fn each_gets_the_answer_to_its_own_call() {
    let server = Server::start().await;
    let redis = redis(&server).await;
    let keys: Vec<String> = (0..100).map(|n| format!("own:{n}")).collect();
    let answers = join_all(keys.iter().enumerate().map(|(n, key)| add(&redis, key, n as u64))).await;
    let sums: Vec<u64> = answers.into_iter().map(|answer| answer.unwrap().1).collect();
    assert_eq!(sums, (0..100).collect::<Vec<u64>>());
    assert_eq!(read(&redis, "nobody's").await, None);
}

#[tokio::test]
async fn one_that_fails_leaves_the_others_alone() {
    let server = Server::start().await;
    let redis = redis(&server).await;
    let _: () = redis.commands().set("text", "not a number", None, None, false).await.unwrap();
    let (first, failed, last) = tokio::join!(add(&redis, "n", 1), add(&redis, "text", 1), add(&redis, "n", 1));
    let (first, last) = (first.unwrap(), last.unwrap());
    assert_eq!(first.0, last.0, "all three in one run");
    assert_eq!((first.1, last.1), (1, 2));
    let StoreError::Broken(why) = failed.unwrap_err() else { panic!("the server refused it") };
    assert!(why.to_string().contains("not an integer"), "{why}");
}

#[tokio::test]
async fn what_was_begun_before_is_not_overtaken() {
    let server = Server::start().await;
    let redis = redis(&server).await;
    for n in 1..=100u64 {
        let set = redis.commands().set::<(), _, _>("n", n, None, None, false);
        let (set, read) = tokio::join!(biased; set, read(&redis, "n"));
        set.unwrap();
        assert_eq!(read, Some(n));
    }
}

#[tokio::test]
async fn calls_of_several_scripts_are_carried_out_in_the_order_in_which_they_are_made() {
    let server = Server::start().await;
    let redis = &redis(&server).await;
    let append = async |n: usize| {
        let (key, two) = (vec!["text".to_owned()], [n.to_string(), ", ".to_owned()]);
        if n.is_multiple_of(3) {
            redis.run_batched::<()>(&APPEND_TWO, key, two).await.unwrap();
        } else {
            redis.run_batched::<()>(&APPEND, key, two.into_iter().take(1)).await.unwrap();
        }
    };
    join_all((0..5 * CALLS_MAX).map(append)).await;
    let expected: String =
        (0..5 * CALLS_MAX).map(|n| format!("{n}{}", if n.is_multiple_of(3) { ", " } else { " " })).collect();
    let text: String = redis.commands().get("text").await.unwrap();
    assert_eq!(text, expected);
}

/// What a server has, depends on who was there before.
#[tokio::test]
async fn a_script_that_the_server_has_does_not_overtake_one_that_it_lacks() {
    let server = Server::start().await;
    let one = async |redis: &Redis| redis.run_batched::<()>(&APPEND, vec!["text".into()], ["1"]).await.unwrap();
    let two =
        async |redis: &Redis| redis.run_batched::<()>(&APPEND_TWO, vec!["text".into()], ["2", ", "]).await.unwrap();
    let before = redis(&server).await;
    let (added, (), ()) = tokio::join!(add(&before, "n", 1), one(&before), two(&before));
    added.unwrap();

    let redis = redis(&server).await;
    // Now it has what runs all three and what runs the first, not what runs two of them.
    add(&redis, "n", 1).await.unwrap();
    let mut first = pin!(one(&redis));
    assert!(poll!(&mut first).is_pending());
    // It leaves by itself.
    tokio::task::yield_now().await;
    tokio::join!(first, two(&redis));
    let text: String = redis.commands().get("text").await.unwrap();
    assert_eq!(text, "1 2, 1 2, ");
}

#[tokio::test]
async fn calls_of_several_scripts_share_a_run() {
    let server = Server::start().await;
    let redis = redis(&server).await;
    let (first, read, last) = tokio::join!(add(&redis, "n", 1), read(&redis, "n"), add(&redis, "n", 1));
    let (first, last) = (first.unwrap(), last.unwrap());
    assert_eq!(first.0, last.0, "all three in one run");
    assert_eq!((first.1, read, last.1), (1, Some(1), 2));
}

#[tokio::test]
async fn a_call_that_was_given_up_before_it_left_is_not_carried_out() {
    let server = Server::start().await;
    let redis = redis(&server).await;
    {
        let given_up = pin!(add(&redis, "n", 1));
        assert!(poll!(given_up).is_pending());
    }
    assert_eq!(add(&redis, "n", 2).await.unwrap().1, 2);
}

#[tokio::test]
async fn a_server_that_forgot_the_scripts_is_told_them_again() {
    let server = Server::start().await;
    let redis = redis(&server).await;
    assert_eq!(add(&redis, "n", 1).await.unwrap().1, 1);
    let _: () = redis.commands().script_flush(false).await.unwrap();
    let (sum, read) = tokio::join!(add(&redis, "n", 1), read(&redis, "n"));
    assert_eq!(sum.unwrap().1, 2);
    assert!(read.is_some());
}

#[tokio::test]
async fn as_many_keys_and_arguments_as_the_script_takes() {
    let server = Server::start().await;
    let redis = redis(&server).await;
    for (keys, args) in [(0, 1), (2, 1), (1, 0), (1, 2)] {
        let call = redis.run_batched::<(u64, u64)>(&ADD, vec!["n".to_owned(); keys], vec!["1"; args]);
        assert!(matches!(call.await, Err(StoreError::Broken(_))), "{keys} and {args}");
    }
    assert_eq!(read(&redis, "n").await, None);
}

#[tokio::test]
async fn a_server_that_stands_still_is_given_up_in_time_and_the_next_call_is_served() {
    let server = Server::start().await;
    let redis = redis(&server).await;
    server.pause().await;
    let (one, other) = tokio::join!(add(&redis, "n", 1), add(&redis, "n", 1));
    assert!(matches!((one, other), (Err(StoreError::Unknown(_)), Err(StoreError::Unknown(_)))));
    server.go_on().await;
    // Whether the two arrived is open; this one does.
    let sum = loop {
        match add(&redis, "n", 10).await {
            Ok((_, sum)) => break sum,
            Err(StoreError::Unavailable(_) | StoreError::Unknown(_)) => tokio::task::yield_now().await,
            Err(other) => panic!("{other}"),
        }
    };
    assert!(sum >= 10, "{sum}");
}
