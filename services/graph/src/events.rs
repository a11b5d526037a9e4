//! What this slice tells the others: durably through the outbox, and at once on the live bus.

use kernel::{EventId, Timestamp, UserId};
use live::bus::Bus;
use live::{Control, Topic, UserEvent};
use postgres::StoreResult;
use postgres::outbox::{self, OutboxEvent};
pub use schemas::graph::EdgeChanged;
use schemas::graph::GraphEvent;
use sqlx::PgConnection;

use crate::model::{Act, Change, Edge};

pub const FOLLOW_CREATED: &str = "follow.created";
pub const FOLLOW_REMOVED: &str = "follow.removed";
pub const FOLLOW_REQUESTED: &str = "follow.requested";
pub const FOLLOW_ACCEPTED: &str = "follow.accepted";
pub const FOLLOW_REQUEST_REMOVED: &str = "follow.request_removed";
pub const BLOCK_CREATED: &str = "block.created";
pub const BLOCK_REMOVED: &str = "block.removed";
pub const MUTE_CREATED: &str = "mute.created";
pub const MUTE_REMOVED: &str = "mute.removed";

/// What a change is called. An accepted request is a new follow, and told apart for who wants to congratulate.
const fn kinds(change: &Change, act: Act) -> &'static [&'static str] {
    match (change.edge, change.begins) {
        (Edge::Follow, true) if matches!(act, Act::Accept) => &[FOLLOW_CREATED, FOLLOW_ACCEPTED],
        (Edge::Follow, true) => &[FOLLOW_CREATED],
        (Edge::Follow, false) => &[FOLLOW_REMOVED],
        (Edge::Request, true) => &[FOLLOW_REQUESTED],
        // Whoever is told that it was granted knows that it is over.
        (Edge::Request, false) if matches!(act, Act::Accept) => &[],
        (Edge::Request, false) => &[FOLLOW_REQUEST_REMOVED],
        (Edge::Block, true) => &[BLOCK_CREATED],
        (Edge::Block, false) => &[BLOCK_REMOVED],
        (Edge::Mute, true) => &[MUTE_CREATED],
        (Edge::Mute, false) => &[MUTE_REMOVED],
        // Asked at every read, by nobody beforehand.
        (Edge::CloseFriend, _) => &[],
    }
}

/// Writes the events of changes between two locked people. They share a key, so consumers see what happens between the
/// two in order: a block after the follow that it ends.
pub(crate) async fn append(
    tx: &mut PgConnection,
    me: UserId,
    them: UserId,
    act: Act,
    changes: &[Change],
    now: Timestamp,
) -> StoreResult<()> {
    let key = format!("{}:{}", me.min(them), me.max(them));
    for change in changes {
        let (source, target) = if change.mine { (me, them) } else { (them, me) };
        let payload = serde_json::to_value(EdgeChanged { source, target }).map_err(kernel::StoreError::broken)?;
        for kind in kinds(change, act) {
            let event = OutboxEvent { id: EventId::new(now), kind, key: key.clone(), payload: payload.clone() };
            outbox::append(tx, &event, now).await?;
        }
    }
    Ok(())
}

/// Publishes to one person's devices, after the commit. A failure is not the caller's: devices that missed it read the
/// same when they ask, and what must arrive is repeated from the outbox.
pub(crate) async fn publish(bus: &dyn Bus, user: UserId, control: Vec<Control>, event: Option<&GraphEvent>) {
    let body = event.and_then(|event| serde_json::value::to_raw_value(event).ok());
    if let Err(error) = bus.publish(Topic::User(user), &UserEvent { control, body }).await {
        tracing::warn!(%user, %error, "a person's devices were not told of a change in the graph");
    }
}

/// What a block makes each of the two stop hearing.
pub(crate) fn part(other: UserId) -> Vec<Control> {
    vec![Control::Unfollow(Topic::Presence(other))]
}
