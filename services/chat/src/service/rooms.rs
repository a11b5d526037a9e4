//! Making, seeing and changing rooms.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};
use kernel::{Ctx, RoomId, UserId};
use schemas::chat as wire;
use schemas::chat::{Posting, RoomKind};

use super::Service;
use crate::error::Error;
use crate::model::{self, ADDED_AT_ONCE_MAX, Act};

/// People who are told at once.
const TOLD_AT_ONCE: usize = 32;

impl Service {
    /// Makes a room; of a pair that has one, it is that one.
    pub async fn create(&self, ctx: &Ctx, wish: wire::RoomCreate) -> Result<wire::Room, Error> {
        match wish {
            wire::RoomCreate::Direct { user } => self.create_direct(ctx, user).await,
            wire::RoomCreate::Group { name, members } => {
                let name = model::name(&name)?;
                let members = self.addable(ctx, members).await?;
                let made = self.store.create("group", &name, Posting::Everyone, ctx.user, &members, ctx.now).await?;
                self.welcome(made, &with(ctx.user, &members)).await;
                self.room(ctx, made).await
            }
            wire::RoomCreate::Channel { name, posting } => {
                let name = model::name(&name)?;
                let made = self.store.create("channel", &name, posting, ctx.user, &[], ctx.now).await?;
                self.welcome(made, &[ctx.user]).await;
                self.room(ctx, made).await
            }
        }
    }

    async fn create_direct(&self, ctx: &Ctx, other: UserId) -> Result<wire::Room, Error> {
        if other == ctx.user {
            return Err(Error::WithOneself);
        }
        if !self.people.summaries(&[other]).await?.contains_key(&other) {
            return Err(Error::PersonNotFound);
        }
        if self.people.blocked(ctx.user, other).await? {
            return Err(Error::Blocked);
        }
        let (room, is_new) = self.store.direct(ctx.user, other, ctx.now).await?;
        if is_new {
            self.welcome(room, &[ctx.user, other]).await;
        }
        self.room(ctx, room).await
    }

    /// Those of `users` who can be added, in the order of their ids: each once, and not the caller.
    pub(super) async fn addable(&self, ctx: &Ctx, users: Vec<UserId>) -> Result<Vec<UserId>, Error> {
        let users: BTreeSet<UserId> = users.into_iter().filter(|user| *user != ctx.user).collect();
        if users.len() > ADDED_AT_ONCE_MAX {
            return Err(Error::RoomFull);
        }
        let users: Vec<UserId> = users.into_iter().collect();
        if users.is_empty() {
            return Ok(users);
        }
        let (known, blocked) = tokio::join!(self.people.summaries(&users), self.people.blocked_among(ctx.user, &users));
        if !blocked?.is_empty() {
            return Err(Error::Blocked);
        }
        if known?.len() == users.len() { Ok(users) } else { Err(Error::PersonNotFound) }
    }

    /// Makes the sockets of people follow a room that they are new in.
    pub(super) async fn welcome(&self, room: RoomId, users: &[UserId]) {
        let tell = |user: UserId| async move {
            match Box::pin(self.room_of(room, user)).await {
                Ok(room) => self.events.joined(user, &wire::RoomJoined { room }).await,
                Err(error) => tracing::warn!(%user, %room, %error, "somebody is not told of a new room"),
            }
        };
        stream::iter(users.iter().copied()).for_each_concurrent(TOLD_AT_ONCE, tell).await;
    }

    /// A room as the caller sees it.
    pub async fn room(&self, ctx: &Ctx, room: RoomId) -> Result<wire::Room, Error> {
        Box::pin(self.room_of(room, ctx.user)).await
    }

    /// A room as a person sees it.
    pub(super) async fn room_of(&self, room: RoomId, user: UserId) -> Result<wire::Room, Error> {
        let (facts, overview) = self.store.overview(room, user).await?;
        if overview.is_none() && facts.kind != RoomKind::Channel {
            return Err(Error::RoomNotFound);
        }
        let rooms = self.rooms_view(user, vec![(facts, overview)]).await?;
        rooms.into_iter().next().ok_or(Error::RoomNotFound)
    }

    pub async fn change(&self, ctx: &Ctx, room: RoomId, mut patch: wire::RoomPatch) -> Result<wire::Room, Error> {
        patch.name = patch.name.as_deref().map(model::name).transpose()?;
        self.enter(ctx, room, Act::Change).await?;
        let (name, posting) = self.store.change(room, &patch, ctx.now).await?;
        let moved = if patch.posting.is_some() { self.log.move_gate(room).await } else { Ok(()) };
        self.events.tell_room(room, &wire::RoomUpdated { room, by: ctx.user, name, posting }).await;
        moved?;
        self.room(ctx, room).await
    }

    /// Lets a connection follow a channel. Members of a room follow it anyway.
    pub async fn follow(&self, ctx: &Ctx, room: RoomId) -> Result<wire::Room, Error> {
        self.enter(ctx, room, Act::Read).await?;
        self.room(ctx, room).await
    }

    /// Whether a connection may stop following a room: only what it asked for.
    pub async fn may_unfollow(&self, ctx: &Ctx, room: RoomId) -> Result<bool, Error> {
        Ok(self.store.role_of(room, ctx.user).await?.is_none())
    }
}

fn with(owner: UserId, members: &[UserId]) -> Vec<UserId> {
    std::iter::once(owner).chain(members.iter().copied()).collect()
}
