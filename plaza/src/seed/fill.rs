//! Lives the plan: every step a use case of a slice.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use graph::model::Act;
use kernel::{ContentId, ContentKind, Ctx, PageSize, Problem, RequestId, RoomId, SessionId, Timestamp, UserId};
use postgres::embedded::Progress;
use schemas::accounts::{AccountPatch, Device, LogIn, Platform, Registration, SignedIn};
use schemas::chat::{Posting, RoomCreate, RoomKind};
use schemas::content::{Audience, Content, PlaceGiven, PostCreate};
use tokio::time::Instant;

use super::community::{Community, Kind, Line, Persona, Post, Room};
use super::engaged::Spot;
use super::published;
use super::words::PLACES;
use crate::wiring::Slices;

/// Of everybody in the demo.
pub const PASSWORD: &str = "plaza demo password";

/// What there is now.
#[derive(Debug, Default)]
pub struct Filled {
    pub people: usize,
    pub people_new: usize,
    pub follows: usize,
    pub rooms: usize,
    pub messages: usize,
    pub posts: usize,
    pub comments: usize,
    pub livestreams: usize,
    pub listings: usize,
    pub reels: usize,
    pub stories: usize,
    pub reactions: usize,
    pub saves: usize,
    pub shares: usize,
}

/// What was published, by its place in the plan.
pub(super) type Written = HashMap<Spot, ContentId>;

/// Why the demo is not complete. It can be run again.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    #[error("@{0} is somebody else's account here; take another community with --seed")]
    Taken(String),
    #[error("{what}: {} ({})", .why.message, .why.code)]
    Refused { what: String, why: Box<Problem> },
    #[error("a picture or film cannot be shown: {0}")]
    Drawing(String),
}

/// Somebody of the plan who has an account.
pub(super) struct Member {
    pub(super) user: UserId,
    session: SessionId,
    pub(super) handle: String,
}

impl Member {
    pub(super) fn at(&self, now: Timestamp) -> Ctx {
        Ctx { user: self.user, session: self.session, now, request: RequestId::random() }
    }
}

/// Before anybody said anything.
const JOINED_AGO: Duration = Duration::from_secs(15 * 24 * 60 * 60);

pub(super) struct Filling<'a> {
    pub(super) slices: &'a Slices,
    pub(super) now: Timestamp,
    pub(super) joined: Timestamp,
    pub(super) members: Vec<Member>,
    pub(super) progress: &'a Progress,
}

pub async fn fill(slices: &Slices, plan: &Community, now: Timestamp, progress: &Progress) -> Result<Filled, FillError> {
    let mut filled = Filled { people: plan.people.len(), rooms: plan.rooms.len(), ..Filled::default() };
    let (joined, members) = (now.minus(JOINED_AGO), Vec::with_capacity(plan.people.len()));
    let mut filling = Filling { slices, now, joined, members, progress };

    let mut people = Count::of("People", plan.people.len(), progress);
    for persona in &plan.people {
        people.next();
        filled.people_new += usize::from(filling.join(persona).await?);
    }
    let mut follows = Count::of("Followings", plan.follows.len(), progress);
    for (follower, followed) in &plan.follows {
        follows.next();
        filling.follow(*follower, *followed, plan.people[*followed].private).await?;
        filled.follows += 1;
    }
    let mut rooms = Count::of("Rooms", plan.rooms.len(), progress);
    for room in &plan.rooms {
        rooms.next();
        filled.messages += filling.talk(room).await?;
    }
    let mut written = Written::new();
    let mut posts = Count::of("Posts of people", plan.people.len(), progress);
    for by in 0..plan.people.len() {
        posts.next();
        filling.post(plan, by, &mut written).await?;
    }
    filled.posts = written.len();
    progress.say("Comments, livestreams and listings");
    filled.comments = filling.comment(plan, &written).await?;
    filled.livestreams = filling.stream(plan, &mut written).await?;
    filled.listings = filling.offer(plan, &mut written).await?;
    filling.befriend(plan).await?;
    filling.show(plan, &mut written).await?;
    (filled.reels, filled.stories) = (plan.shown.reels.len(), plan.shown.stories.len());
    filling.engage(plan, &written, &mut filled).await?;
    filling.catch_up().await?;
    filling.leave().await?;
    Ok(filled)
}

/// Says once a second how far a step is.
pub(super) struct Count<'a> {
    what: &'static str,
    done: usize,
    total: usize,
    said: Instant,
    progress: &'a Progress,
}

impl<'a> Count<'a> {
    pub(super) fn of(what: &'static str, total: usize, progress: &'a Progress) -> Self {
        Self { what, done: 0, total, said: Instant::now(), progress }
    }

    pub(super) fn next(&mut self) {
        if self.said.elapsed() >= Duration::from_secs(1) {
            self.said = Instant::now();
            self.progress.say(&format!("{}: {} of {}", self.what, self.done, self.total));
        }
        self.done += 1;
    }
}

pub(super) fn refused<E: kernel::Fail>(what: impl Into<String>) -> impl FnOnce(E) -> FillError {
    move |error| FillError::Refused { what: what.into(), why: Box::new(error.into()) }
}

impl Filling<'_> {
    pub(super) fn ago(&self, ago: Duration) -> Timestamp {
        self.now.minus(ago)
    }

    /// Registers somebody, or logs in who is there already. Whether they are new.
    async fn join(&mut self, persona: &Persona) -> Result<bool, FillError> {
        let accounts = &self.slices.accounts;
        let from = accounts::Origin { now: self.joined, address: IpAddr::V4(Ipv4Addr::LOCALHOST) };
        let device = || Some(Device { name: "plaza seed".to_owned(), platform: Platform::Other });
        let (handle, password) = (persona.handle.clone(), || PASSWORD.to_owned().into());
        let wish =
            Registration { handle: handle.clone(), name: persona.name.clone(), password: password(), device: device() };
        let (signed, is_new) = match accounts.register(from, wish).await {
            Ok(signed) => (signed, true),
            Err(accounts::Error::HandleTaken) => {
                let proof = LogIn { handle: handle.clone(), password: password(), device: device() };
                let from = accounts::Origin { now: self.now, ..from };
                match accounts.log_in(from, proof).await {
                    Ok(signed) => (signed, false),
                    Err(accounts::Error::WrongCredentials) => return Err(FillError::Taken(handle)),
                    Err(error) => return Err(refused(handle)(error)),
                }
            }
            Err(error) => return Err(refused(handle)(error)),
        };
        let SignedIn { account, tokens } = signed;
        let member = Member { user: account.id, session: tokens.session, handle };
        if is_new {
            let patch = AccountPatch {
                bio: Some(persona.bio.to_owned()),
                private: Some(persona.private),
                ..AccountPatch::default()
            };
            accounts.update(&member.at(self.joined), patch).await.map_err(refused(&*member.handle))?;
        }
        self.members.push(member);
        Ok(is_new)
    }

    /// Private people accept three out of four.
    async fn follow(&self, follower: usize, followed: usize, private: bool) -> Result<(), FillError> {
        let (me, them) = (&self.members[follower], &self.members[followed]);
        let graph = &self.slices.graph;
        let relation = graph.follow(&me.at(self.joined), &them.handle).await.map_err(refused("a following"))?;
        let welcome = !(follower + followed).is_multiple_of(4);
        if private && relation.requested && !relation.follows && welcome {
            let accepted = graph.change(&them.at(self.joined), &me.handle, Act::Accept).await;
            accepted.map_err(refused("a request to follow"))?;
        }
        Ok(())
    }

    /// Opens a room and says what is said there. Returns how much.
    async fn talk(&self, room: &Room) -> Result<usize, FillError> {
        let Some(first) = room.lines.first() else { return Ok(0) };
        let id = self.open(&room.kind, self.ago(first.ago)).await?;
        let mut seqs = Vec::with_capacity(room.lines.len());
        for line in &room.lines {
            seqs.push(self.say(id, line, &seqs).await?);
        }
        self.read(room, id, &seqs).await?;
        Ok(seqs.len())
    }

    async fn open(&self, kind: &Kind, at: Timestamp) -> Result<RoomId, FillError> {
        let (owner, name, room_kind, wish) = match kind {
            Kind::Direct(one, other) => {
                let wish = RoomCreate::Direct { user: self.members[*other].user };
                return self.create(*one, at, wish).await;
            }
            Kind::Group { name, owner, members } => {
                let members = members.iter().map(|member| self.members[*member].user).collect();
                (*owner, name.as_str(), RoomKind::Group, RoomCreate::Group { name: name.clone(), members })
            }
            Kind::Channel { name, owner } => {
                let wish = RoomCreate::Channel { name: (*name).to_owned(), posting: Posting::Staff };
                (*owner, *name, RoomKind::Channel, wish)
            }
        };
        match self.existing(owner, name, room_kind).await? {
            Some(room) => Ok(room),
            None => self.create(owner, at, wish).await,
        }
    }

    async fn create(&self, by: usize, at: Timestamp, wish: RoomCreate) -> Result<RoomId, FillError> {
        let made = self.slices.chat.create(&self.members[by].at(at), wish).await;
        made.map(|room| room.id).map_err(refused("a room"))
    }

    /// The owner's room of this name, from an earlier run.
    async fn existing(&self, owner: usize, name: &str, kind: RoomKind) -> Result<Option<RoomId>, FillError> {
        let ctx = self.members[owner].at(self.now);
        let mut after = None;
        loop {
            let page = self.slices.chat.changes(&ctx, after.as_ref(), PageSize::MAX).await.map_err(refused("rooms"))?;
            let same = |room: &&schemas::chat::Room| room.kind == kind && room.name.as_deref() == Some(name);
            if let Some(room) = page.rooms.iter().find(same) {
                return Ok(Some(room.id));
            }
            if !page.more {
                return Ok(None);
            }
            after = Some(page.cursor);
        }
    }

    async fn say(&self, room: RoomId, line: &Line, before: &[u64]) -> Result<u64, FillError> {
        let at = self.ago(line.ago);
        let saying = chat::Saying {
            room,
            client_id: line.client_id,
            text: line.text.clone(),
            reply_to: line.reply_to.and_then(|at| before.get(at).copied()),
            made_after: None,
        };
        let sent = self.slices.chat.send(&self.members[line.by].at(at), saying).await.map_err(refused("a message"))?;
        if !sent.duplicate {
            for (reader, emoji) in &line.reactions {
                let reacted =
                    self.slices.chat.react(&self.members[*reader].at(at), room, sent.message.seq, emoji).await;
                reacted.map_err(refused("a reaction"))?;
            }
        }
        Ok(sent.message.seq)
    }

    /// Who spoke has read what was there then; what came later is unread.
    async fn read(&self, room: &Room, id: RoomId, seqs: &[u64]) -> Result<(), FillError> {
        let last: HashMap<usize, u64> = room.lines.iter().map(|line| line.by).zip(seqs.iter().copied()).collect();
        for (person, seq) in last {
            let marked = self.slices.chat.read(&self.members[person].at(self.now), id, seq).await;
            marked.map_err(refused("a read mark"))?;
        }
        Ok(())
    }

    /// Publishes the posts of somebody, each once, however often this runs. `written` gets their ids.
    async fn post(&self, plan: &Community, by: usize, written: &mut Written) -> Result<(), FillError> {
        let there = self.published(by, None).await?.into_iter().map(|post| (post.text, post.id));
        let there: HashMap<String, ContentId> = there.collect();
        for (at, post) in plan.posts.iter().enumerate().filter(|(_, post)| post.by == by) {
            let id = match there.get(&post.text) {
                Some(id) => *id,
                None => self.write(plan, at, post).await?,
            };
            written.insert(Spot::Post(at), id);
        }
        Ok(())
    }

    async fn write(&self, plan: &Community, at: usize, post: &Post) -> Result<ContentId, FillError> {
        let picture = plan.shown.pictures.iter().find(|(pictured, _)| *pictured == at);
        let media = match picture {
            Some((_, scene)) => vec![self.landscape(post.by, *scene, at).await?],
            None => Vec::new(),
        };
        let named = PLACES.iter().position(|place| post.text.contains(place));
        let place = named.map(|place| {
            let (latitude, longitude) = published::place(place);
            PlaceGiven { latitude, longitude, name: Some(PLACES[place].to_owned()) }
        });
        let audience = post.followers_only.then_some(Audience::Followers);
        let wish = PostCreate { text: post.text.clone(), audience, media, place };
        let made = self.slices.content.create(&self.members[post.by].at(self.ago(post.ago)), wish.into()).await;
        Ok(made.map_err(refused("a post"))?.id)
    }

    /// What somebody has published, as far as a page goes.
    pub(super) async fn published(&self, by: usize, kind: Option<ContentKind>) -> Result<Vec<Content>, FillError> {
        let member = &self.members[by];
        let ctx = member.at(self.now);
        let there = self.slices.content.by_author(&ctx, &member.handle, kind, None, PageSize::MAX).await;
        Ok(there.map_err(refused("content"))?.items)
    }

    /// Ends the sessions that were opened for this.
    async fn leave(&self) -> Result<(), FillError> {
        for member in &self.members {
            let left = self.slices.accounts.log_out(&member.at(self.now), member.session).await;
            left.map_err(refused("a log-out"))?;
        }
        Ok(())
    }
}
