//! What every limiter must do, run on each.

use std::sync::Arc;
use std::time::Duration;

use live::limiter::{Local, OverRedis};
use live::{Allowance, Limiter, Rate};
use redis::{Redis, Settings};

/// Refills slowly enough that no token grows back during a test.
const SLOW: Rate = Rate::new(5, Duration::from_secs(3_600));
/// A token each 50 ms.
const FAST: Rate = Rate::new(4, Duration::from_millis(200));

fn local() -> Arc<dyn Limiter> {
    Arc::new(Local::new())
}

async fn over_redis() -> Arc<dyn Limiter> {
    let url = crate::redis_url();
    let redis = Redis::connect(&Settings::new(url)).await.expect("a Redis that answers");
    // A limiter that gives up on a Redis of a busy machine would count alone, which is not what is tested here.
    Arc::new(OverRedis::new(redis, format!("test:{:016x}:", rand::random::<u64>())).waiting(Duration::from_secs(60)))
}

macro_rules! conformance {
    ($($case:ident),* $(,)?) => {
        mod on_local {
            $(#[tokio::test] async fn $case() { super::$case(super::local()).await; })*
        }
        mod on_redis {
            $(#[tokio::test] async fn $case() { super::$case(super::over_redis().await).await; })*
        }
    };
}

conformance!(
    grants_the_burst_and_not_one_more,
    grows_back_one_by_one_and_tells_the_wait,
    keys_do_not_share,
    takers_at_once_never_get_more_than_there_is,
    reset_fills_the_bucket,
    a_bucket_of_none_is_a_bucket_of_one,
);

async fn grants_the_burst_and_not_one_more(limiter: Arc<dyn Limiter>) {
    for left in (0..SLOW.burst).rev() {
        assert_eq!(limiter.take("ada", SLOW).await, Allowance::Granted { left });
    }
    let Allowance::Refused { wait } = limiter.take("ada", SLOW).await else { panic!("one too many") };
    assert!(wait > Duration::from_secs(600) && wait <= SLOW.per / SLOW.burst, "{wait:?}");
}

async fn grows_back_one_by_one_and_tells_the_wait(limiter: Arc<dyn Limiter>) {
    // Tokens grow while this drains them: the first refusal says the wait, however slow this is.
    let wait = loop {
        if let Allowance::Refused { wait } = limiter.take("ada", FAST).await {
            break wait;
        }
    };
    assert!(wait <= FAST.per / FAST.burst, "{wait:?}");
    // Time is what is tested: on Redis it cannot be moved by hand.
    tokio::time::sleep(wait).await;
    assert!(matches!(limiter.take("ada", FAST).await, Allowance::Granted { .. }));
    tokio::time::sleep(FAST.per).await;
    assert_eq!(limiter.take("ada", FAST).await, Allowance::Granted { left: FAST.burst - 1 });
}

async fn keys_do_not_share(limiter: Arc<dyn Limiter>) {
    let once = Rate::new(1, Duration::from_secs(3_600));
    assert_eq!(limiter.take("ada", once).await, Allowance::Granted { left: 0 });
    assert_eq!(limiter.take("ben", once).await, Allowance::Granted { left: 0 });
    assert!(matches!(limiter.take("ada", once).await, Allowance::Refused { .. }));
}

async fn takers_at_once_never_get_more_than_there_is(limiter: Arc<dyn Limiter>) {
    let takers: Vec<_> = (0..50)
        .map(|_| {
            let limiter = Arc::clone(&limiter);
            tokio::spawn(async move { limiter.take("ada", SLOW).await })
        })
        .collect();
    let mut granted = 0;
    for taker in takers {
        granted += u32::from(matches!(taker.await.expect("a taker does not panic"), Allowance::Granted { .. }));
    }
    assert_eq!(granted, SLOW.burst);
}

async fn reset_fills_the_bucket(limiter: Arc<dyn Limiter>) {
    while let Allowance::Granted { .. } = limiter.take("ada", SLOW).await {}
    limiter.reset("ada").await;
    assert_eq!(limiter.take("ada", SLOW).await, Allowance::Granted { left: SLOW.burst - 1 });
}

async fn a_bucket_of_none_is_a_bucket_of_one(limiter: Arc<dyn Limiter>) {
    let none = Rate::new(0, Duration::from_secs(3_600));
    assert_eq!(limiter.take("ada", none).await, Allowance::Granted { left: 0 });
    assert!(matches!(limiter.take("ada", none).await, Allowance::Refused { .. }));
}

#[tokio::test]
async fn without_redis_each_node_counts_for_itself() {
    let url = crate::redis_url();
    let redis = Redis::connect(&Settings::new(url)).await.expect("a Redis that answers");
    let limiter = OverRedis::new(redis.clone(), format!("test:{:016x}:", rand::random::<u64>()));
    redis.close().await;
    grants_the_burst_and_not_one_more(Arc::new(limiter)).await;
}
