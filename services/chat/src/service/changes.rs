//! Catching up: what changed in all of a person's rooms, in a fixed number of round trips.

use std::collections::HashMap;
use std::time::Duration;

use kernel::{Ctx, Cursor, PageSize, RoomId, Timestamp, UserId};
use schemas::chat as wire;
use serde::{Deserialize, Serialize};

use super::Service;
use crate::error::Error;
use crate::events;
use crate::log::Head;
use crate::store::{Facts, Overview};

/// The newest changes are told again by the next call: nodes' clocks differ, and a change becomes readable a little after the
/// moment that it carries.
pub const SLACK: Duration = Duration::from_secs(20);

/// How far a device has come: all changes before `at`, and of those at `at` the rooms up to `room`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Position {
    at: Timestamp,
    room: Option<RoomId>,
}

impl Service {
    /// What changed in the caller's rooms after a cursor, the oldest change first; everything, without one.
    ///
    /// A room that changes meanwhile moves behind what is told, so nothing is passed over; it may be told twice.
    pub async fn changes(&self, ctx: &Ctx, after: Option<&Cursor>, size: PageSize) -> Result<wire::RoomChanges, Error> {
        let since: Position = match after {
            Some(cursor) => cursor.decode().map_err(|_| Error::CursorInvalid)?,
            None => Position { at: Timestamp::default(), room: None },
        };
        let is_first = after.is_none();
        let left = async { if is_first { Ok(Vec::new()) } else { self.store.left(ctx.user, since.at).await } };
        let (overviews, left) = tokio::try_join!(self.store.overviews(ctx.user), left)?;
        let ids: Vec<RoomId> = overviews.iter().map(|overview| overview.facts.id).collect();
        let heads = self.log.heads(&ids).await?;

        let position = |overview: &Overview, head: &Head| Position {
            at: overview.changed_at.max(head.at),
            room: Some(overview.facts.id),
        };
        let mut changed: Vec<(Position, Overview, Head)> = overviews
            .into_iter()
            .zip(heads)
            .map(|(overview, head)| (position(&overview, &head), overview, head))
            .filter(|(position, ..)| *position > since)
            .collect();
        changed.sort_unstable_by_key(|(position, ..)| *position);
        let more = changed.len() > size.get();
        changed.truncate(size.get());
        let reached = match changed.last() {
            Some((position, ..)) if more => *position,
            _ => Position { at: ctx.now.minus(SLACK), room: None }.max(since),
        };
        let known = changed.into_iter().map(|(_, overview, head)| (overview.facts.clone(), Some(overview), head));
        let rooms = self.view(ctx.user, known.collect()).await?;
        let left = left.into_iter().map(|left| wire::LeftRoom { room: left.room_id, at: left.left_at }).collect();
        Ok(wire::RoomChanges { rooms, left, cursor: Cursor::encode(&reached), more })
    }

    pub(super) async fn rooms_view(
        &self,
        user: UserId,
        rooms: Vec<(Facts, Option<Overview>)>,
    ) -> Result<Vec<wire::Room>, Error> {
        let ids: Vec<RoomId> = rooms.iter().map(|(facts, _)| facts.id).collect();
        let heads = self.log.heads(&ids).await?;
        self.view(user, rooms.into_iter().zip(heads).map(|((facts, own), head)| (facts, own, head)).collect()).await
    }

    /// Rooms as a person sees them, with their newest messages and the people of direct ones.
    async fn view(&self, user: UserId, rooms: Vec<(Facts, Option<Overview>, Head)>) -> Result<Vec<wire::Room>, Error> {
        let heads: Vec<(RoomId, u64)> = rooms.iter().map(|(facts, _, head)| (facts.id, head.seq)).collect();
        let others: Vec<UserId> = rooms.iter().filter_map(|(facts, ..)| facts.other).collect();
        let people =
            async { if others.is_empty() { Ok(HashMap::new()) } else { self.people.summaries(&others).await } };
        let (latest, people) = tokio::join!(self.log.latest(&heads), people);
        let (latest, people) = (latest?, people?);
        let view = |((facts, own, head), last): ((Facts, Option<Overview>, Head), Option<crate::log::Message>)| {
            // What was read here a moment ago may not be written yet, and who spoke last has read everything.
            let waiting = self.marks.of(facts.id, user);
            let last_seq = head.seq.max(last.as_ref().map_or(0, |message| message.seq));
            let spoke_last = last.as_ref().is_some_and(|message| message.body.sender == Some(user));
            let membership = own.as_ref().map(|own| {
                let read_seq = own.read_seq.max(waiting.read_seq).max(if spoke_last { last_seq } else { 0 });
                wire::Membership {
                    role: own.role,
                    joined_at: own.joined_at,
                    read_seq,
                    delivered_seq: own.delivered_seq.max(waiting.delivered_seq).max(read_seq),
                    unread: last_seq.saturating_sub(read_seq),
                    mentions: if read_seq >= last_seq { 0 } else { own.mentions },
                    muted_until: own.muted_until,
                }
            });
            wire::Room {
                id: facts.id,
                kind: facts.kind,
                name: facts.name,
                with: facts.other.and_then(|other| people.get(&other).cloned()),
                posting: facts.posting,
                member_count: facts.member_count,
                created_at: facts.created_at,
                changed_at: own.map_or(facts.changed_at, |own| own.changed_at).max(head.at),
                history_changed_at: facts.history_changed_at,
                last_seq,
                last_message: last.as_ref().map(|message| events::message(message, [])),
                membership,
            }
        };
        Ok(rooms.into_iter().zip(latest).map(view).collect())
    }
}
