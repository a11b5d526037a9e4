//! Coming back: everything that was missed, in order, or the word that it is not all there. Never something between.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::Problem;
use live::{Position, Since, Topic};
use schemas::socket::{Resume, ResumeStatus};

use crate::frame::{self, Wire};
use crate::hub::{Event, Hub};
use crate::limits::{REPLAY_BYTES_MAX, REPLAY_EVENTS_MAX};

/// What a connection missed, ready to be sent.
#[derive(Debug)]
pub struct Replay {
    pub status: ResumeStatus,
    pub missed: Vec<Wire>,
}

impl Replay {
    const fn without(status: ResumeStatus) -> Self {
        Self { status, missed: Vec::new() }
    }
}

/// The positions that a client came with, by topic. Names that are none are left out: no connection follows them.
pub fn named(resume: Option<&Resume>) -> HashMap<Topic, u64> {
    let positions = resume.into_iter().flat_map(|resume| &resume.positions);
    positions.filter_map(|(topic, position)| Some((topic.parse().ok()?, *position))).collect()
}

impl Hub {
    /// Finds everything between the client's positions and `followed`, the positions from which on the connection hears
    /// events by itself: it follows first and is read for afterwards, so nothing slips between.
    pub async fn replay(
        &self,
        resume: Option<&Resume>,
        named: &HashMap<Topic, u64>,
        followed: &[(Topic, u64)],
    ) -> Result<Replay, Problem> {
        let Some(resume) = resume else { return Ok(Replay::without(ResumeStatus::Fresh)) };
        let lost = Ok(Replay::without(ResumeStatus::Resync));
        let epoch: Arc<str> = resume.epoch.as_str().into();
        if epoch != self.epoch() {
            return lost;
        }
        let mut missed = Vec::new();
        let mut bytes = 0;
        for &(topic, until) in followed {
            let Some(&after) = named.get(&topic) else { continue };
            if after == until {
                continue;
            }
            let position = Position { epoch: Arc::clone(&epoch), offset: after };
            let Since::Complete(publications) = self.bus().since(topic, &position).await? else { return lost };
            // What comes after `until` is heard of by itself.
            for publication in publications.iter().take_while(|publication| publication.offset <= until) {
                // An event that cannot be read is one that nobody ever got.
                let Ok(event) = serde_json::from_slice::<Event<'_>>(&publication.event) else { continue };
                let Some(body) = event.body else { continue };
                let wire = frame::event(&topic, publication, body, &[]);
                bytes += wire.len();
                missed.push(wire);
            }
            if missed.len() > REPLAY_EVENTS_MAX || bytes > REPLAY_BYTES_MAX {
                return lost;
            }
        }
        Ok(Replay { status: ResumeStatus::Resumed, missed })
    }
}
