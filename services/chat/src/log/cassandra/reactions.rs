//! Reactions: rows, from which counts are derived.

use futures_util::future::try_join_all;
use kernel::{RoomId, StoreError, Timestamp, UserId};
use scylla::value::CqlTimestamp;
use uuid::Uuid;

use super::{Cassandra, bigint};
use crate::log::{
    EMOJI_PER_MESSAGE_MAX, LogError, REACTIONS_PER_MESSAGE_MAX, REACTIONS_PER_PERSON_MAX, Reacted, Reaction, Tally,
};

/// Messages whose reactions share a partition: 2^4.
const SLICE_BITS: u32 = 4;

const fn slice(seq: u64) -> i64 {
    bigint(seq >> SLICE_BITS)
}

fn row(reaction: &Reaction) -> (Uuid, i64, i64, &str, Uuid) {
    let Reaction { room, seq, user, emoji, .. } = reaction;
    (room.uuid(), slice(*seq), bigint(*seq), emoji, user.uuid())
}

impl Cassandra {
    pub(super) async fn add_reaction(&self, reaction: &Reaction) -> Result<Reacted, LogError> {
        let present: Vec<(String,)> = self.db.read(&self.statements.reacted, row(reaction)).await?;
        if !present.is_empty() {
            return Ok(Reacted::Unchanged);
        }
        let tallies = self.read_tallies(reaction.room, reaction.seq, reaction.seq, reaction.user).await?;
        if tallies.iter().filter(|tally| tally.mine).count() >= REACTIONS_PER_PERSON_MAX {
            return Ok(Reacted::TooManyOfPerson);
        }
        let is_new = tallies.iter().all(|tally| tally.emoji != reaction.emoji);
        let total: u64 = tallies.iter().map(|tally| tally.count).sum();
        if (is_new && tallies.len() >= EMOJI_PER_MESSAGE_MAX) || total >= REACTIONS_PER_MESSAGE_MAX {
            return Ok(Reacted::TooManyOfMessage);
        }
        let (room, slice, seq, emoji, user) = row(reaction);
        let at = CqlTimestamp(reaction.at.as_millis());
        self.db.write(&self.statements.react, (room, slice, seq, emoji, user, at)).await?;
        Ok(Reacted::Added)
    }

    pub(super) async fn remove_reaction(&self, reaction: &Reaction) -> Result<bool, LogError> {
        let present: Vec<(String,)> = self.db.read(&self.statements.reacted, row(reaction)).await?;
        if present.is_empty() {
            return Ok(false);
        }
        self.db.write(&self.statements.unreact, row(reaction)).await?;
        Ok(true)
    }

    pub(super) async fn read_tallies(
        &self,
        room: RoomId,
        first: u64,
        last: u64,
        viewer: UserId,
    ) -> Result<Vec<Tally>, LogError> {
        let slices = slice(first)..=slice(last);
        let of_slice = |slice: i64| self.tallies_of(room, slice, first, last, viewer);
        Ok(try_join_all(slices.map(of_slice)).await?.into_iter().flatten().collect())
    }

    async fn tallies_of(
        &self,
        room: RoomId,
        slice: i64,
        first: u64,
        last: u64,
        viewer: UserId,
    ) -> Result<Vec<Tally>, StoreError> {
        let rows: Vec<(i64, String, i64)> =
            self.db.read(&self.statements.tally, (room.uuid(), slice, bigint(first), bigint(last))).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: Vec<(i64, &str, Uuid)> =
            rows.iter().map(|(seq, emoji, _)| (*seq, emoji.as_str(), viewer.uuid())).collect();
        let mine: Vec<(i64, String)> = self.db.read(&self.statements.mine, (room.uuid(), slice, wanted)).await?;
        let tally = |(seq, emoji, count): (i64, String, i64)| Tally {
            mine: mine.iter().any(|(of, own)| *of == seq && *own == emoji),
            seq: seq.cast_unsigned(),
            emoji,
            count: count.cast_unsigned(),
        };
        Ok(rows.into_iter().map(tally).collect())
    }

    pub(super) async fn read_reactors(
        &self,
        room: RoomId,
        seq: u64,
        emoji: &str,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<(UserId, Timestamp)>, LogError> {
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let (room, slice, seq) = (room.uuid(), slice(seq), bigint(seq));
        let rows: Vec<(Uuid, CqlTimestamp)> = match after {
            None => self.db.read(&self.statements.reactors, (room, slice, seq, emoji, limit)).await?,
            Some(after) => {
                let values = (room, slice, seq, emoji, after.uuid(), limit);
                self.db.read(&self.statements.reactors_after, values).await?
            }
        };
        Ok(rows.into_iter().map(|(user, at)| (UserId::from_uuid(user), Timestamp::from_millis(at.0))).collect())
    }
}
