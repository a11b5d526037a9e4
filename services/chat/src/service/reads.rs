//! Marks, receipts, mutes, typing.

use std::collections::HashMap;
use std::time::Duration;

use kernel::{Ctx, RoomId, Timestamp};
use schemas::chat as wire;

use super::Service;
use crate::error::Error;
use crate::marks::Noted;
use crate::model::{Act, RECEIPTS_MEMBERS_MAX, TYPING_MEMBERS_MAX};
use crate::store::MarkMove;
use crate::typing::EXPIRES_AFTER;

/// What a mute without an end ends at: 9999-01-01T00:00:00.000Z.
const FOREVER: Timestamp = Timestamp::from_millis(253_370_764_800_000);

impl Service {
    /// Notes that the caller has read a room up to a message, at most up to the newest.
    pub async fn read(&self, ctx: &Ctx, room: RoomId, seq: u64) -> Result<wire::Marks, Error> {
        let head = self.head(room).await?;
        let seq = seq.min(head);
        let Some(mut marks) = self.store.read(room, ctx.user, seq, head, ctx.now).await? else {
            return self.marks_of(ctx, room, head).await;
        };
        let waiting = self.marks.of(room, ctx.user);
        marks.read_seq = marks.read_seq.max(waiting.read_seq);
        marks.unread = head.saturating_sub(marks.read_seq);
        let wire::Marks { read_seq, unread, mentions, .. } = marks;
        self.events.tell_user(ctx.user, &wire::ReadMoved { room, read_seq, unread, mentions }).await;
        self.marks.note(room, ctx.user, Noted { read_seq, delivered_seq: read_seq, tell: true });
        Ok(marks)
    }

    /// Notes that a device of the caller has received a room up to a message.
    pub async fn delivered(&self, ctx: &Ctx, room: RoomId, seq: u64) -> Result<(), Error> {
        let seq = seq.min(self.head(room).await?);
        self.marks.note(room, ctx.user, Noted { read_seq: 0, delivered_seq: seq, tell: true });
        Ok(())
    }

    async fn marks_of(&self, ctx: &Ctx, room: RoomId, head: u64) -> Result<wire::Marks, Error> {
        match self.store.marks(room, ctx.user, head).await {
            Err(Error::MemberNotFound) => Err(Error::RoomNotFound),
            other => other,
        }
    }

    /// Writes the marks that wait, and tells rooms of those that others may know.
    pub async fn flush(&self, now: Timestamp) -> Result<(), Error> {
        loop {
            let taken = self.marks.take();
            if taken.is_empty() {
                return Ok(());
            }
            let visible = self.raise(&taken, now).await.inspect_err(|_| self.marks.put_back(&taken))?;
            let mut by_room: HashMap<RoomId, Vec<wire::Receipt>> = HashMap::new();
            for (room, receipt) in visible {
                by_room.entry(room).or_default().push(receipt);
            }
            for (room, receipts) in by_room {
                self.events.tell_room(room, &wire::ReceiptsMoved { room, receipts }).await;
            }
        }
    }

    /// Writes marks. Those of them that rooms are told.
    async fn raise(&self, taken: &[(MarkMove, bool)], now: Timestamp) -> Result<Vec<(RoomId, wire::Receipt)>, Error> {
        let moves: Vec<MarkMove> = taken.iter().map(|(one, _)| *one).collect();
        self.store.move_marks(&moves, now).await?;
        let told: Vec<MarkMove> = taken.iter().filter(|(_, tell)| *tell).map(|(one, _)| *one).collect();
        self.store.visible_marks(&told, RECEIPTS_MEMBERS_MAX).await
    }

    /// How far the members of a small room have come, without those who hide it.
    pub async fn receipts(&self, ctx: &Ctx, room: RoomId) -> Result<wire::Receipts, Error> {
        let standing = self.enter(ctx, room, Act::Read).await?;
        if standing.role.is_none() {
            return Err(Error::RoleRequired);
        }
        if standing.member_count > RECEIPTS_MEMBERS_MAX {
            return Err(Error::RoomTooLarge);
        }
        // Who hides sees none either.
        if self.store.hides_receipts(ctx.user).await? {
            return Ok(wire::Receipts { receipts: Vec::new() });
        }
        Ok(wire::Receipts { receipts: self.store.receipts(room).await? })
    }

    pub async fn settings(&self, ctx: &Ctx) -> Result<wire::ChatSettings, Error> {
        Ok(wire::ChatSettings { hide_receipts: self.store.hides_receipts(ctx.user).await? })
    }

    pub async fn change_settings(
        &self,
        ctx: &Ctx,
        patch: wire::ChatSettingsPatch,
    ) -> Result<wire::ChatSettings, Error> {
        if let Some(hide) = patch.hide_receipts {
            self.store.set_hides_receipts(ctx.user, hide).await?;
        }
        self.settings(ctx).await
    }

    /// Mutes a room for the caller, until a time or for good; a time that is over unmutes it.
    pub async fn mute(&self, ctx: &Ctx, room: RoomId, until: Option<Timestamp>) -> Result<(), Error> {
        let until = Some(until.unwrap_or(FOREVER).min(FOREVER)).filter(|until| *until > ctx.now);
        self.store.mute(room, ctx.user, until, ctx.now).await
    }

    pub async fn unmute(&self, ctx: &Ctx, room: RoomId) -> Result<(), Error> {
        self.store.mute(room, ctx.user, None, ctx.now).await
    }

    /// Tells a room that the caller types, or has stopped. In large rooms, and too often, nobody is told.
    pub async fn typing(&self, ctx: &Ctx, room: RoomId, types: bool) -> Result<(), Error> {
        let standing = self.enter_to_talk(ctx, room, Act::Post).await?;
        let tells = standing.member_count <= TYPING_MEMBERS_MAX
            && standing.role.is_some()
            && if types {
                self.typists.start(room, ctx.user, ctx.now)
            } else {
                self.typists.stop(room, ctx.user, ctx.now)
            };
        if tells {
            let expires = if types { EXPIRES_AFTER } else { Duration::ZERO };
            let expires_in_ms = u64::try_from(expires.as_millis()).unwrap_or(u64::MAX);
            self.events.typing(&wire::Typing { room, user: ctx.user, expires_in_ms }).await;
        }
        Ok(())
    }
}
