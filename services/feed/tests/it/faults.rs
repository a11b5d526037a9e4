//! Workers that die, stores that fail, fan-outs that are long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use feed::timelines::{BATCH_MAX, Line};
use feed::{Entry, FOLLOWERS_PAGE, PAGES_A_STEP, Timelines};
use futures_util::{StreamExt as _, stream};
use kernel::{ContentId, StoreError, UserId};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::with_each_store;
use crate::world::{Store, World, by_followers};

with_each_store! {
    a_worker_killed_half_way_neither_skips_nor_doubles,
    a_store_that_fails_delays_and_loses_nothing,
}

/// Timelines that do what a test says when something is pushed.
struct Faulty {
    inner: Arc<dyn Timelines>,
    pushes: Arc<Pushes>,
}

#[derive(Default)]
struct Pushes {
    /// How many were begun.
    begun: AtomicUsize,
    /// Which of them hang for good after half of their work.
    hang_at: Option<usize>,
    hanging: Signal,
    failing: AtomicUsize,
    /// Which posts were pushed, in this order.
    order: Mutex<Vec<ContentId>>,
}

/// A semaphore that begins empty.
struct Signal(Semaphore);

impl Default for Signal {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

#[async_trait]
impl Timelines for Faulty {
    async fn write(&self, lines: &[Line]) -> Result<(), StoreError> {
        if lines.is_empty() {
            return Ok(());
        }
        let nth = self.pushes.begun.fetch_add(1, Ordering::SeqCst);
        self.pushes.order.lock().push(lines[0].entry.id);
        let fails = self.pushes.failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if fails.is_ok() {
            return Err(StoreError::unavailable("the test says so"));
        }
        if self.pushes.hang_at == Some(nth) {
            self.inner.write(&lines[..lines.len() / 2]).await?;
            self.pushes.hanging.0.add_permits(1);
            std::future::pending::<()>().await;
        }
        self.inner.write(lines).await
    }

    async fn page(&self, viewer: UserId, before: Option<ContentId>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.page(viewer, before, limit).await
    }

    async fn remove(&self, viewer: UserId, ids: &[ContentId]) -> Result<(), StoreError> {
        self.inner.remove(viewer, ids).await
    }

    async fn remove_author(&self, viewer: UserId, author: UserId) -> Result<(), StoreError> {
        self.inner.remove_author(viewer, author).await
    }

    async fn trim(&self, viewers: &[UserId]) -> Result<(), StoreError> {
        self.inner.trim(viewers).await
    }

    async fn clear(&self, viewer: UserId) -> Result<(), StoreError> {
        self.inner.clear(viewer).await
    }
}

async fn faulty(store: Store, pushes: &Arc<Pushes>) -> World {
    let pushes = Arc::clone(pushes);
    World::with(store, by_followers(1_000_000), |inner| Arc::new(Faulty { inner, pushes })).await
}

/// Somebody whose daily viewers come first.
fn famous(world: &World, author: UserId) {
    world.society.celebrities.lock().insert(author, feed::ACTIVE_FIRST_MIN);
}

/// Followers without the events of following: there is nothing to fill their timelines with.
fn crowd(world: &World, author: UserId, size: usize) -> Vec<UserId> {
    let fans: Vec<UserId> = (0..size).map(|_| world.person()).collect();
    world.society.change(|known| known.follows.extend(fans.iter().map(|fan| (*fan, author))));
    fans
}

/// A push of the fan-out hangs with half of its rows written, and the worker is dropped there: in the event's own step, among
/// those who come daily, and among the others.
async fn a_worker_killed_half_way_neither_skips_nor_doubles(store: Store) {
    for hang_at in [0, 1, 2] {
        let pushes = Arc::new(Pushes { hang_at: Some(hang_at), ..Pushes::default() });
        let world = Arc::new(faulty(store, &pushes).await);
        let ada = world.person();
        let fans = crowd(&world, ada, 2 * BATCH_MAX + 7);
        famous(&world, ada);
        for fan in [fans[1], fans[2], fans[2 * BATCH_MAX], fans[2 * BATCH_MAX + 1]] {
            world.comes_daily(fan).await;
        }
        let post = world.post(ada).await;

        let doomed = Arc::clone(&world);
        let doomed = tokio::spawn(async move { doomed.drain().await });
        let hangs = tokio::time::timeout(Duration::from_secs(60), pushes.hanging.0.acquire());
        hangs.await.expect("the push hangs in time").unwrap().forget();
        doomed.abort();
        assert!(doomed.await.unwrap_err().is_cancelled());

        // Whoever comes next: what the dead one had in hand is free again as soon as its connection is.
        let heir = world.another_worker();
        let all = async {
            loop {
                while world.deliver_once().await > 0 {}
                while heir.work_once().await.unwrap() {}
                if world.is_done().await {
                    break;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), all).await.expect("the heir gets to the end");
        let mut timelines = stream::iter(&fans).map(|fan| world.timeline(*fan)).buffer_unordered(16);
        while let Some(timeline) = timelines.next().await {
            assert_eq!(timeline, [post]);
        }
        let steps = pushes.begun.load(Ordering::SeqCst);
        // One for the first followers who come daily, one for the last of these, three for the rest; and what hung.
        assert!(steps <= 5 + 1 + 2, "{steps} pushes: what was done before is not done again");
    }
}

async fn a_store_that_fails_delays_and_loses_nothing(store: Store) {
    let pushes = Arc::new(Pushes { failing: AtomicUsize::new(3), ..Pushes::default() });
    let world = faulty(store, &pushes).await;
    let ada = world.person();
    let fans = crowd(&world, ada, 3);
    let (first, second) = (world.post(ada).await, world.post(ada).await);
    world.drain().await;
    assert_eq!(world.feed(fans[0]).await, []);
    assert_eq!(world.deliver_once().await, 0, "the events do not wait for the store");
    for _ in 0..5 {
        world.clock.advance(Duration::from_secs(60));
        world.drain().await;
    }
    for fan in fans {
        assert_eq!(world.feed(fan).await, [second, first]);
    }
}

#[tokio::test]
async fn a_long_fan_out_lets_others_pass() {
    let pushes = Arc::new(Pushes::default());
    let world = faulty(Store::Postgres, &pushes).await;
    let [big, also_big, small] = world.people();
    // A batch at once, a whole step, and the rest of a batch; nobody among them comes first.
    let step = PAGES_A_STEP * FOLLOWERS_PAGE / BATCH_MAX;
    let size = (step + 2) * BATCH_MAX - 1;
    assert!((size as u64) < feed::ACTIVE_FIRST_MIN);
    crowd(&world, big, size);
    crowd(&world, also_big, size);
    let fans = crowd(&world, small, 2);
    let (long, also_long) = (world.post(big).await, world.post(also_big).await);
    while world.deliver_once().await > 0 {}
    let short = world.post(small).await;
    while world.deliver_once().await > 0 {}
    assert_eq!(world.feed(fans[0]).await, [short], "while the long ones have barely begun");
    while world.worker.work_once().await.unwrap() {
        // Time passes between steps: the line is in its order.
        world.now();
    }
    let order = pushes.order.lock();
    let turns: Vec<ContentId> = order.iter().copied().filter(|post| *post != short).collect();
    assert_eq!(turns[..2], [long, also_long], "a first batch each at once");
    let steps: Vec<usize> = turns[2..].chunk_by(|a, b| a == b).map(<[ContentId]>::len).collect();
    assert_eq!(steps, [step, step, 1, 1], "and then they take turns");
}

/// Those who come daily have it before anybody else has, wherever they are among the followers.
#[tokio::test]
async fn a_long_fan_out_serves_those_first_who_come_daily() {
    let pushes = Arc::new(Pushes::default());
    let world = faulty(Store::Postgres, &pushes).await;
    let ada = world.person();
    let fans = crowd(&world, ada, 3 * BATCH_MAX);
    famous(&world, ada);
    let daily = [fans[5], fans[BATCH_MAX + 5], fans[3 * BATCH_MAX - 1]];
    for fan in daily {
        world.comes_daily(fan).await;
    }
    let post = world.post(ada).await;
    while world.deliver_once().await > 0 {}
    assert_eq!(world.timeline(daily[0]).await, [post], "at once");
    assert_eq!(world.timeline(fans[6]).await, []);
    assert!(world.worker.work_once().await.unwrap());
    for fan in daily {
        assert_eq!(world.timeline(fan).await, [post]);
    }
    assert_eq!(world.timeline(fans[6]).await, [], "the others have their turn after that");
    // Somebody who comes more often meanwhile is not left out.
    world.open(fans[7], 30).await;
    world.drain().await;
    for fan in fans.iter().step_by(101).chain(&daily).chain([&fans[7]]) {
        assert_eq!(world.timeline(*fan).await, [post]);
    }
}

/// Whatever is published together reaches everybody, pulled and pushed, long and short, and twice does no harm.
#[tokio::test]
async fn what_is_published_together_goes_out_together() {
    let pushes = Arc::new(Pushes::default());
    let world = faulty(Store::Postgres, &pushes).await;
    let mut wanted = Vec::new();
    for n in 0..feed::EVENTS_AT_ONCE + 3 {
        let author = world.person();
        let fans = crowd(&world, author, n % 5);
        wanted.push((world.post(author).await, fans));
    }
    while world.deliver_once().await > 0 {}
    for (post, fans) in &wanted {
        for fan in fans {
            assert_eq!(world.timeline(*fan).await, [*post]);
        }
    }
    let writes = pushes.begun.load(Ordering::SeqCst);
    assert_eq!(writes, 2, "one for each batch of events");
}

/// Decisions may be made by averages of an hour ago, and no publication waits for new ones.
#[tokio::test]
async fn what_is_published_does_not_wait_for_averages_over_everybody() {
    let world = faulty(Store::Postgres, &Arc::default()).await;
    let ada = world.person();
    let fans = crowd(&world, ada, 2);
    let first = world.post(ada).await;
    world.drain().await;
    world.clock.advance(Duration::from_hours(1));
    sqlx::query("ALTER TABLE feed_viewers RENAME TO feed_viewers_away").execute(world.db.pool()).await.unwrap();
    let second = world.post(ada).await;
    world.drain().await;
    assert_eq!(world.timeline(fans[0]).await, [second, first]);
    assert!(world.worker.recheck().await.is_err(), "who decides beside that asks for them");
}
