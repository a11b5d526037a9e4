//! What an inbox tells the devices of its owner.

use kernel::UserId;
use live::bus::Bus;
use live::{Topic, UserEvent};
use schemas::notifications::InboxEvent;

/// The first acts of a line, each of which is told live; after them, each doubling.
pub const LIVE_EACH: i32 = 8;

/// Whether a line that has come to so many acts is told.
pub(crate) const fn is_told(acts: i32) -> bool {
    acts <= LIVE_EACH || acts.count_ones() == 1
}

/// A failure is nobody's: devices that missed it read the same when they ask.
pub(crate) async fn publish(bus: &dyn Bus, user: UserId, event: &InboxEvent) {
    let body = serde_json::value::to_raw_value(event).ok();
    if let Err(error) = bus.publish(Topic::User(user), &UserEvent { control: Vec::new(), body }).await {
        tracing::warn!(%user, %error, "a person's devices were not told of their inbox");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_grows_is_told_ever_more_rarely() {
        let told: Vec<i32> = (1..=100).filter(|acts| is_told(*acts)).collect();
        assert_eq!(told, [1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64]);
    }
}
