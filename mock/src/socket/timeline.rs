//! Pushes by the clock: `x-timeline` of a channel.
//!
//! A run begins when a connection becomes ready and none is under way, and everybody who is connected hears it: what is
//! numbered is then numbered alike for all. It ends with its last frame, or when nobody is left.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::hub::{Audience, Hub};
use super::script::{Moment, text};
use crate::Mock;
use crate::spec::{Spec, To};

pub fn start(mock: &Arc<Mock>, spec: &Arc<Spec>, at: usize, hub: &Arc<Hub>) {
    if spec.channels[at].timeline.is_empty() || !hub.playing_starts() {
        return;
    }
    let (mock, spec, hub) = (Arc::clone(mock), Arc::clone(spec), Arc::clone(hub));
    tokio::spawn(async move {
        let stopping = mock.stopping.clone();
        stopping.run_until_cancelled(play(&mock, &spec, at, &hub)).await;
        hub.playing_ends();
    });
}

async fn play(mock: &Mock, spec: &Spec, at: usize, hub: &Hub) {
    let channel = &spec.channels[at];
    let started = Instant::now();
    let mut pushes: Vec<_> = channel.timeline.iter().collect();
    pushes.sort_by_key(|push| push.after_ms);
    for push in pushes {
        sleep_until(started + Duration::from_millis(push.after_ms)).await;
        if hub.is_empty() {
            return;
        }
        let nothing = Value::Null;
        let moment = Moment {
            spec,
            hub,
            seed: mock.settings.seed,
            now: Timestamp::now(),
            caller: &nothing,
            command: &nothing,
            reply: &nothing,
        };
        let Some(frame) = moment.push(channel, push) else { continue };
        match &push.to {
            To::Followers(topic) => {
                if let Some(topic) = moment.value(topic, None) {
                    hub.send(&Audience::Followers(&text(&topic)), &frame);
                }
            }
            // A timeline has no caller.
            To::Everyone | To::Others | To::Caller => hub.send(&Audience::Everyone, &frame),
        }
    }
}
