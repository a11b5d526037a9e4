//! Who comes, goes, and may what.

use kernel::{Ctx, Cursor, Page, PageSize, RequestId, RoomId, SessionId, Timestamp, UserId};
use schemas::chat as wire;
use schemas::chat::{Role, RoomKind};

use super::Service;
use crate::error::Error;
use crate::model::Act;

impl Service {
    pub async fn members(
        &self,
        ctx: &Ctx,
        room: RoomId,
        cursor: Option<&Cursor>,
        size: PageSize,
    ) -> Result<Page<wire::Member>, Error> {
        self.enter(ctx, room, Act::Read).await?;
        let after = cursor.map(|cursor| cursor.decode::<UserId>().map_err(|_| Error::CursorInvalid)).transpose()?;
        let found = self.store.members(room, after, size).await?;
        let page = Page::cut(found, size, |(user, ..)| Cursor::encode(user));
        let ids: Vec<UserId> = page.items.iter().map(|(user, ..)| *user).collect();
        let mut people = self.people.summaries(&ids).await?;
        // People who are gone are passed over; their page is shorter.
        let member =
            |(user, role, joined_at)| people.remove(&user).map(|person| wire::Member { person, role, joined_at });
        Ok(Page { items: page.items.into_iter().filter_map(member).collect(), next: page.next })
    }

    /// Adds people: to a group as members, to a channel as admins. Those who are there already stay what they are.
    pub async fn add(&self, ctx: &Ctx, room: RoomId, users: Vec<UserId>) -> Result<wire::MembersAdded, Error> {
        let standing = self.enter(ctx, room, Act::Add).await?;
        let users = self.addable(ctx, users).await?;
        let role = if standing.kind == RoomKind::Channel { Role::Admin } else { Role::Member };
        // Who is new has nothing to catch up with.
        let head = self.head(room).await?;
        let (added, member_count) = self.store.add(room, &users, role, head, ctx.now).await?;
        if !added.is_empty() {
            let joined = wire::MemberJoined { room, users: added.clone(), role, by: ctx.user, member_count };
            self.events.tell_room(room, &joined).await;
            self.welcome(room, &added).await;
        }
        Ok(wire::MembersAdded { added })
    }

    /// Takes a person out of a room, or lets the caller go.
    pub async fn remove(&self, ctx: &Ctx, room: RoomId, user: UserId) -> Result<(), Error> {
        let oneself = user == ctx.user;
        let standing = self.enter(ctx, room, Act::Read).await?;
        let role = if oneself { standing.role } else { self.store.role_of(room, user).await? };
        let Some(role) = role else {
            // Asked by nobody in particular of a channel, or about somebody who is not there.
            return Err(if standing.role.is_some() { Error::MemberNotFound } else { Error::RoleRequired });
        };
        standing.may(Act::Remove { oneself, role })?;
        let gone = self.store.remove(room, user, ctx.now).await?;
        let moved = self.log.move_gate(room).await;
        self.events.left(user, &wire::RoomLeft { room, at: ctx.now }).await;
        let left = wire::MemberLeft { room, user, by: ctx.user, member_count: gone.member_count };
        self.events.tell_room(room, &left).await;
        if let Some(heir) = gone.heir {
            let updated = wire::MemberUpdated { room, user: heir, role: Role::Owner, by: ctx.user };
            self.events.tell_room(room, &updated).await;
        }
        Ok(moved?)
    }

    /// Gives a member a role; the owner who makes another one owner stays as an admin.
    pub async fn set_role(&self, ctx: &Ctx, room: RoomId, user: UserId, role: Role) -> Result<(), Error> {
        self.enter(ctx, room, Act::SetRole).await?;
        if user == ctx.user {
            // An owner stops being one by making another one.
            return if role == Role::Owner { Ok(()) } else { Err(Error::RoleRequired) };
        }
        self.store.set_role(room, ctx.user, user, role, ctx.now).await?;
        let moved = self.log.move_gate(room).await;
        let told = [(user, role), (ctx.user, Role::Admin)];
        let changed = if role == Role::Owner { &told[..] } else { &told[..1] };
        for (user, role) in changed {
            let updated = wire::MemberUpdated { room, user: *user, role: *role, by: ctx.user };
            self.events.tell_room(room, &updated).await;
        }
        Ok(moved?)
    }

    /// Takes a person whose account is gone out of all rooms but the direct ones, which only the other one is left to read.
    pub(crate) async fn forget(&self, user: UserId, now: Timestamp) -> Result<(), Error> {
        let ctx = Ctx { user, session: SessionId::floor(now), now, request: RequestId::random() };
        for room in self.store.rooms_of(user).await? {
            match Box::pin(self.remove(&ctx, room, user)).await {
                Ok(()) | Err(Error::DirectIsFixed | Error::RoomNotFound | Error::MemberNotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
