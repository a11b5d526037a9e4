//! What a page costs.

use std::cell::Cell;

use kernel::PageSize;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

use crate::world::{PULL_MIN, Store, World};

thread_local! {
    /// Statements that this thread has sent to PostgreSQL.
    static SENT: Cell<u64> = const { Cell::new(0) };
}

/// Counts statements where they are sent. Installed for the whole process, since what a call site may skip is decided
/// for all threads at once; counted by thread, since other tests send statements of their own.
struct Statements;

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            SENT.set(SENT.get() + 1);
        }
    }
}

/// Eight for a full page of fifty, however many people are followed, pulled ones among them: timeline, viewer, routes, what is
/// pulled, content; and whom the viewer follows, authors, standing.
#[tokio::test]
async fn a_page_costs_eight_round_trips_however_many_are_followed() {
    let world = World::new(Store::Postgres).await;
    let viewer = world.person();
    // A current-thread runtime: everything below runs on this thread.
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Statements)).unwrap();
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
        SENT.set(0);
        world.society.take_asked();
        let page = world.feed.following(&world.ctx(viewer), None, PageSize::DEFAULT).await.unwrap();
        assert_eq!(page.items.len(), 50);
        let (sent, asked) = (SENT.get(), world.society.take_asked());
        assert_eq!((sent, asked), (5, 3), "with {followings} more followings");
    }
}
