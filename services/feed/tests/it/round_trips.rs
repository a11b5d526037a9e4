//! What a page costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kernel::PageSize;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

use crate::world::{PULL_MIN, Store, World};

/// Counts the statements that are sent to PostgreSQL.
#[derive(Clone, Default)]
struct Statements(Arc<AtomicU64>);

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Six for a full page of fifty, however many people are followed, pulled ones among them: timeline, edges, pulled posts,
/// posts, authors, standing.
#[tokio::test]
async fn a_page_costs_six_round_trips_however_many_are_followed() {
    let world = World::new(Store::Postgres).await;
    let viewer = world.person();
    let statements = Statements::default();
    // A current-thread runtime: everything below runs on this thread.
    let _counting = tracing::subscriber::set_default(tracing_subscriber::registry().with(statements.clone()));
    for followings in [3, 30, 120] {
        for n in 0..followings {
            let author = world.person();
            world.follow(viewer, author).await;
            for _ in 0..PULL_MIN * u64::from(n % 10 == 0) {
                world.follow(world.person(), author).await;
            }
            for _ in 0..if followings == 3 { 40 } else { 2 } {
                world.post(author).await;
            }
        }
        world.drain().await;
        // The list of pulled authors is fresh.
        world.feed.following(&world.ctx(viewer), None, PageSize::DEFAULT).await.unwrap();

        statements.0.store(0, Ordering::Relaxed);
        world.society.asked.store(0, Ordering::Relaxed);
        let page = world.feed.following(&world.ctx(viewer), None, PageSize::DEFAULT).await.unwrap();
        assert_eq!(page.items.len(), 50);
        let (sent, asked) = (statements.0.load(Ordering::Relaxed), world.society.asked.load(Ordering::Relaxed));
        assert_eq!((sent, asked), (3, 3), "with {followings} more followings");
    }
}
