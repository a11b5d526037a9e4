//! Saying, changing and reading messages.

use std::collections::HashMap;

use kernel::{Ctx, Page, PageSize, RoomId, Timestamp, UserId};
use schemas::chat as wire;
use tokio::time::Instant;
use uuid::Uuid;

use super::Service;
use crate::error::Error;
use crate::events;
use crate::log::{Appended, Draft, LogError, LookedUp, Message, Reacted, Reaction, Span, Tally};
use crate::marks::Noted;
use crate::model::{Act, MENTIONS_MAX};
use crate::sequencer::{Key, Moment};
use crate::text;

/// How often an edit without a version starts over because somebody else was quicker.
const EDIT_ATTEMPTS_MAX: u32 = 4;

/// What somebody says.
#[derive(Debug, Clone)]
pub struct Saying {
    pub room: RoomId,
    pub client_id: Uuid,
    pub text: String,
    pub reply_to: Option<u64>,
    /// When `client_id` was not there yet. Without it, the message is looked for.
    pub made_after: Option<Moment>,
}

impl Service {
    /// Appends a message durably, and tells the room. The answer does not wait for a delivery that has to be repaired.
    pub async fn send(&self, ctx: &Ctx, saying: Saying) -> Result<wire::MessageSent, Error> {
        let Saying { room, client_id, text, reply_to, made_after } = saying;
        text::check(&text)?;
        let key = Key { room, sender: ctx.user, client_id };
        let seen = self.passes.see(room, ctx.user, Instant::now());
        let (entered, mentions, replies, looked_up) = tokio::join!(
            async { if seen.good().is_some() { Ok(()) } else { self.may_post(ctx, room).await } },
            self.mentioned(&text),
            self.replied(room, reply_to),
            self.log.look_up(&key, made_after),
        );
        // Whoever may not enter is not told anything else.
        entered?;
        replies?;
        let draft = Draft { room, sender: ctx.user, client_id, text, reply_to, mentions: mentions?, at: ctx.now };
        let looked_up = LookedUp { gate: seen.good(), ..looked_up? };
        let appended = match self.log.append_new(draft.clone(), looked_up).await {
            Err(LogError::Moved) => {
                self.passes.forget(room, ctx.user);
                self.may_post(ctx, room).await?;
                let looked_up = self.log.look_up(&key, None).await?;
                self.log.append_new(draft, looked_up).await?
            }
            other => other?,
        };
        let Appended { message, duplicate, gate, .. } = &appended;
        if let Some(gate) = gate {
            self.passes.passed(room, ctx.user, seen, *gate);
        }
        // Settled first: whoever hears of the message finds it in the log's head.
        let ((), told) = tokio::join!(biased; self.log.settle(&appended), self.tell_of(ctx, message));
        told?;
        Ok(wire::MessageSent {
            message: events::message(message, []),
            duplicate: *duplicate,
            moment: self.moment(room),
        })
    }

    /// Counts a message for those whom it concerns, and tells the room.
    async fn tell_of(&self, ctx: &Ctx, message: &Message) -> Result<(), Error> {
        // Before the answer, and again with a repeat, so that what was acknowledged is counted.
        if !message.body.mentions.is_empty() {
            self.store.mention(message.room, message.seq, ctx.user, &message.body.mentions).await?;
        }
        let own = Noted { read_seq: message.seq, delivered_seq: message.seq, tell: false };
        self.marks.note(message.room, ctx.user, own);
        self.relay.publish(message).await;
        Ok(())
    }

    async fn may_post(&self, ctx: &Ctx, room: RoomId) -> Result<(), Error> {
        self.enter_to_talk(ctx, room, Act::Post).await.map(drop)
    }

    /// Whoever makes a client id next may say that it was made after this.
    #[must_use]
    pub fn moment(&self, room: RoomId) -> Option<Moment> {
        self.log.now(room)
    }

    /// Whether what is replied to is there.
    async fn replied(&self, room: RoomId, to: Option<u64>) -> Result<(), Error> {
        let Some(seq) = to else { return Ok(()) };
        self.log.get(room, seq).await?.map(drop).ok_or(Error::ReplyNotFound)
    }

    /// Whom a text names.
    async fn mentioned(&self, text: &str) -> Result<Vec<UserId>, Error> {
        let handles = text::handles(text)?;
        if handles.is_empty() {
            return Ok(Vec::new());
        }
        let handles: Vec<&str> = handles.iter().map(String::as_str).collect();
        let ids = self.people.ids_of(&handles).await?;
        // In the order of the text, and each person once.
        let mut mentioned: Vec<UserId> = Vec::with_capacity(ids.len());
        for id in handles.iter().filter_map(|handle| ids.get(*handle)) {
            if !mentioned.contains(id) && mentioned.len() < MENTIONS_MAX {
                mentioned.push(*id);
            }
        }
        Ok(mentioned)
    }

    /// Changes the text of the caller's own message: of the version named, or of whichever there is.
    pub async fn edit(
        &self,
        ctx: &Ctx,
        room: RoomId,
        seq: u64,
        patch: wire::MessagePatch,
    ) -> Result<wire::Message, Error> {
        text::check(&patch.text)?;
        self.enter_to_talk(ctx, room, Act::Post).await?;
        let mentions = self.mentioned(&patch.text).await?;
        for _ in 0..EDIT_ATTEMPTS_MAX {
            let message = self.existing(room, seq).await?;
            if message.body.sender != Some(ctx.user) {
                return Err(Error::NotAuthor);
            }
            if patch.version.is_some_and(|version| version != message.body.version) {
                return Err(Error::VersionMoved);
            }
            let before = message.body.mentions.clone();
            let mut edited = message;
            edited.body.version += 1;
            edited.body.text.clone_from(&patch.text);
            edited.body.mentions.clone_from(&mentions);
            edited.body.edited_at = Some(ctx.now);
            if self.log.replace(&edited).await? {
                self.store.forget_mentions(room, seq, &mentions, &before).await?;
                if !mentions.is_empty() {
                    self.store.mention(room, seq, ctx.user, &mentions).await?;
                }
                return self.edited(ctx, &edited).await;
            }
        }
        Err(Error::VersionMoved)
    }

    async fn edited(&self, ctx: &Ctx, message: &Message) -> Result<wire::Message, Error> {
        self.store.history_changed(message.room, ctx.now).await?;
        let event = wire::MessageEdited {
            room: message.room,
            seq: message.seq,
            version: message.body.version,
            text: message.body.text.clone(),
            mentions: message.body.mentions.clone(),
            edited_at: ctx.now,
        };
        self.events.tell_room(message.room, &event).await;
        let tallies = self.log.tallies(message.room, message.seq, message.seq, ctx.user).await?;
        Ok(events::message(message, tallies))
    }

    /// Empties a message for everybody: its author may, and admins. Deleting twice is deleting once.
    pub async fn delete(&self, ctx: &Ctx, room: RoomId, seq: u64) -> Result<(), Error> {
        let standing = self.enter(ctx, room, Act::Read).await?;
        for _ in 0..EDIT_ATTEMPTS_MAX {
            let mut message = self.log.get(room, seq).await?.ok_or(Error::MessageNotFound)?;
            if message.body.sender != Some(ctx.user) {
                standing.may(Act::DeleteOfOthers)?;
            }
            if message.body.is_deleted() {
                return Ok(());
            }
            let before = std::mem::take(&mut message.body.mentions);
            message.body.version += 1;
            message.body.text = String::new();
            message.body.deleted_at = Some(ctx.now);
            if self.log.replace(&message).await? {
                self.store.forget_mentions(room, seq, &[], &before).await?;
                self.store.history_changed(room, ctx.now).await?;
                let version = message.body.version;
                let event = wire::MessageDeleted { room, seq, version, deleted_at: ctx.now };
                self.events.tell_room(room, &event).await;
                return Ok(());
            }
        }
        Err(Error::VersionMoved)
    }

    pub async fn message(&self, ctx: &Ctx, room: RoomId, seq: u64) -> Result<wire::Message, Error> {
        self.enter(ctx, room, Act::Read).await?;
        let message = self.log.get(room, seq).await?.ok_or(Error::MessageNotFound)?;
        let tallies = self.log.tallies(room, seq, seq, ctx.user).await?;
        Ok(events::message(&message, tallies))
    }

    /// A part of a room's messages, with what stands under them.
    pub async fn history(&self, ctx: &Ctx, room: RoomId, span: Span, size: PageSize) -> Result<wire::History, Error> {
        self.enter(ctx, room, Act::Read).await?;
        let (page, last_seq) = tokio::join!(self.log.page(room, span, size.get() as u64), self.head(room));
        let page = page?;
        let (Some(first), Some(last)) = (page.first(), page.last()) else {
            return Ok(wire::History { messages: Vec::new(), last_seq: last_seq? });
        };
        let mut by_message: HashMap<u64, Vec<Tally>> = HashMap::new();
        for tally in self.log.tallies(room, first.seq, last.seq, ctx.user).await? {
            by_message.entry(tally.seq).or_default().push(tally);
        }
        // What this page shows is there, even if its number is not settled yet.
        let last_seq = last_seq?.max(last.seq);
        let shown = |message: &Message| {
            let tallies = by_message.remove(&message.seq).unwrap_or_default();
            events::message(message, if message.body.is_deleted() { Vec::new() } else { tallies })
        };
        Ok(wire::History { messages: page.iter().map(shown).collect(), last_seq })
    }

    /// A message that is there and not deleted.
    async fn existing(&self, room: RoomId, seq: u64) -> Result<Message, Error> {
        let message = self.log.get(room, seq).await?.ok_or(Error::MessageNotFound)?;
        if message.body.is_deleted() { Err(Error::MessageDeleted) } else { Ok(message) }
    }

    /// Sets an emoji under a message. Setting it twice is setting it once.
    pub async fn react(&self, ctx: &Ctx, room: RoomId, seq: u64, emoji: &str) -> Result<(), Error> {
        text::check_emoji(emoji)?;
        self.enter_to_talk(ctx, room, Act::Read).await?;
        self.existing(room, seq).await?;
        let reaction = Reaction { room, seq, user: ctx.user, emoji: emoji.to_owned(), at: ctx.now };
        match self.log.react(&reaction).await? {
            Reacted::Added => {
                let event = wire::ReactionAdded { room, seq, user: ctx.user, emoji: reaction.emoji };
                self.events.tell_room(room, &event).await;
                Ok(())
            }
            Reacted::Unchanged => Ok(()),
            Reacted::TooManyOfPerson | Reacted::TooManyOfMessage => Err(Error::TooManyReactions),
        }
    }

    /// Takes an emoji back.
    pub async fn unreact(&self, ctx: &Ctx, room: RoomId, seq: u64, emoji: &str) -> Result<(), Error> {
        text::check_emoji(emoji)?;
        self.enter(ctx, room, Act::Read).await?;
        let reaction = Reaction { room, seq, user: ctx.user, emoji: emoji.to_owned(), at: ctx.now };
        if self.log.unreact(&reaction).await? {
            let event = wire::ReactionRemoved { room, seq, user: ctx.user, emoji: reaction.emoji };
            self.events.tell_room(room, &event).await;
        }
        Ok(())
    }

    /// Who set an emoji.
    pub async fn reactors(
        &self,
        ctx: &Ctx,
        room: RoomId,
        seq: u64,
        emoji: &str,
        cursor: Option<&kernel::Cursor>,
        size: PageSize,
    ) -> Result<Page<wire::Reactor>, Error> {
        text::check_emoji(emoji)?;
        self.enter(ctx, room, Act::Read).await?;
        self.existing(room, seq).await?;
        let after = cursor.map(|cursor| cursor.decode::<UserId>().map_err(|_| Error::CursorInvalid)).transpose()?;
        let found = self.log.reactors(room, seq, emoji, after, size.get() + 1).await?;
        let page = Page::cut(found, size, |(user, _)| kernel::Cursor::encode(user));
        let ids: Vec<UserId> = page.items.iter().map(|(user, _)| *user).collect();
        let mut people = self.people.summaries(&ids).await?;
        // People who are gone are passed over; their page is shorter.
        let reactor = |(user, at): (UserId, Timestamp)| people.remove(&user).map(|person| wire::Reactor { person, at });
        Ok(Page { items: page.items.into_iter().filter_map(reactor).collect(), next: page.next })
    }
}
