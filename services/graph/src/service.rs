//! Following, blocking, muting, and who needs to know about it.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Ctx, Cursor, Page, PageSize, Problem, Timestamp, UserId};
use live::bus::Bus;
use live::{Topic, UserEvent};
use postgres::outbox::{ConsumeError, Consumer, Delivery};
use postgres::{Db, fault};
use schemas::accounts::{AccountChanged, PersonSummary};
use schemas::graph::{Counts, GraphEvent, PersonEntry, Relation};

use crate::blocked::Blocked;
use crate::events::{self, BLOCK_CREATED, EdgeChanged};
use crate::lists::{self, List, Standing};
use crate::model::{Act, Between, Change, Edge, changes};
use crate::{Error, store};

/// Followers that [`Service::followers_page`] returns at once.
pub const FOLLOWERS_PAGE: usize = 4_000;
/// People whose edges to a deleted account are read at once.
const FORGET_BATCH: i64 = 100;
/// Told by accounts when somebody leaves.
const ACCOUNT_DELETED: &str = "account.deleted";

/// Whom the graph asks about people.
#[async_trait]
pub trait People: Send + Sync {
    /// Whom `who` names, by id or by handle in any case.
    async fn find(&self, who: &str) -> Result<Option<PersonSummary>, Problem>;

    /// Those of `ids` that exist.
    async fn summaries(&self, ids: &[UserId]) -> Result<HashMap<UserId, PersonSummary>, Problem>;
}

/// Who lets people talk to each other.
#[async_trait]
pub trait Talk: Send + Sync {
    /// One of two blocks the other, which is committed. MUST return only when neither can go on by what was asked before. Safe to
    /// repeat.
    async fn parted(&self, one: UserId, other: UserId) -> Result<(), Problem>;
}

/// Which list of a person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    Followers,
    Following,
}

/// Which list of one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mine {
    Requests,
    SentRequests,
    Blocks,
    Mutes,
    CloseFriends,
}

/// Who follows, blocks and mutes whom.
pub struct Service {
    db: Db,
    bus: Arc<dyn Bus>,
    people: Arc<dyn People>,
    talk: Arc<dyn Talk>,
    blocked: Blocked,
}

impl Service {
    /// Within a runtime: questions after blocks have a task of their own.
    pub fn new(db: Db, bus: Arc<dyn Bus>, people: Arc<dyn People>, talk: Arc<dyn Talk>) -> Arc<Self> {
        let blocked = Blocked::start(db.clone());
        Arc::new(Self { db, bus, people, talk, blocked })
    }

    pub async fn follow(&self, ctx: &Ctx, who: &str) -> Result<Relation, Error> {
        let person = self.find(ctx, who).await?;
        let act = Act::Follow { private: person.private };
        self.act(ctx.user, person.id, act, ctx.now).await.map(Between::relation)
    }

    /// Does anything that needs to know nothing of the other person but that they exist.
    pub async fn change(&self, ctx: &Ctx, who: &str, act: Act) -> Result<Relation, Error> {
        let person = self.find(ctx, who).await?;
        self.act(ctx.user, person.id, act, ctx.now).await.map(Between::relation)
    }

    async fn find(&self, ctx: &Ctx, who: &str) -> Result<PersonSummary, Error> {
        let person = self.people.find(who).await.map_err(Error::Other)?.ok_or(Error::PersonNotFound)?;
        if person.id == ctx.user { Err(Error::Oneself) } else { Ok(person) }
    }

    /// One change between two people: under a lock on both, decide, write, tell.
    async fn act(&self, me: UserId, them: UserId, act: Act, now: Timestamp) -> Result<Between, Error> {
        let (mut tx, load) = store::begin(&self.db, me, them).await?;
        let before = store::between(&mut *tx, me, them).await?;
        let after = before.after(act, &load)?;
        let changes = changes(&before, &after);
        if changes.is_empty() {
            drop(tx);
        } else {
            store::apply(&mut tx, me, them, &changes, now).await?;
            events::append(&mut tx, me, them, act, &changes, now).await?;
            tx.commit().await.map_err(fault)?;
            self.tell(me, them, (before, after), &changes, now).await;
        }
        if act == Act::Block {
            // With a repeat as well: the first may have failed just here.
            self.talk.parted(me, them).await.map_err(Error::Other)?;
        }
        Ok(after)
    }

    /// Tells each of the two what changed for them, and no more than they may know.
    async fn tell(
        &self,
        me: UserId,
        them: UserId,
        (before, after): (Between, Between),
        changes: &[Change],
        now: Timestamp,
    ) {
        let parted = changes.iter().any(|change| change.edge == Edge::Block && change.begins);
        for (user, other, before, after) in
            [(me, them, before, after), (them, me, before.seen_by_them(), after.seen_by_them())]
        {
            let relation = after.relation();
            let event =
                (relation != before.relation()).then_some(GraphEvent::RelationChanged { person: other, relation });
            let control = if parted { events::part(other) } else { Vec::new() };
            if event.is_some() || !control.is_empty() {
                events::publish(&*self.bus, user, control, event.as_ref()).await;
            }
        }
        let asked = Change { edge: Edge::Request, mine: true, begins: true };
        if changes.contains(&asked)
            && let Ok(mut people) = self.people.summaries(&[me]).await
            && let Some(person) = people.remove(&me)
        {
            let event = GraphEvent::FollowRequested { person, since: now };
            events::publish(&*self.bus, them, Vec::new(), Some(&event)).await;
        }
    }

    /// Followers or followings of a person, without those whom a block hides from the caller.
    pub async fn list(
        &self,
        ctx: &Ctx,
        who: &str,
        audience: Audience,
        cursor: Option<&Cursor>,
        size: PageSize,
    ) -> Result<Page<PersonEntry>, Error> {
        let person = self.people.find(who).await.map_err(Error::Other)?.ok_or(Error::PersonNotFound)?;
        if person.id != ctx.user {
            let between = store::between(self.db.pool(), ctx.user, person.id).await?;
            if between.theirs.blocks {
                return Err(Error::PersonNotFound);
            }
            if person.private && !between.mine.follows {
                return Err(Error::ListPrivate);
            }
        }
        let list = match audience {
            Audience::Followers => List::Followers { of: person.id, viewer: ctx.user },
            Audience::Following => List::Following { of: person.id, viewer: ctx.user },
        };
        self.page(list, cursor, size).await
    }

    pub async fn list_mine(
        &self,
        ctx: &Ctx,
        which: Mine,
        cursor: Option<&Cursor>,
        size: PageSize,
    ) -> Result<Page<PersonEntry>, Error> {
        let list = match which {
            Mine::Requests => List::RequestsIn(ctx.user),
            Mine::SentRequests => List::RequestsOut(ctx.user),
            Mine::Blocks => List::Blocks(ctx.user),
            Mine::Mutes => List::Mutes(ctx.user),
            Mine::CloseFriends => List::CloseFriends(ctx.user),
        };
        self.page(list, cursor, size).await
    }

    async fn page(&self, list: List, cursor: Option<&Cursor>, size: PageSize) -> Result<Page<PersonEntry>, Error> {
        let after = lists::place_of(cursor).map_err(|_| Error::Cursor)?;
        let rows = lists::read(&self.db, list, after, size).await?;
        let page = Page::cut(rows, size, |(user, since)| Cursor::encode(&(*since, *user)));
        let ids: Vec<UserId> = page.items.iter().map(|(user, _)| *user).collect();
        let mut people = self.people.summaries(&ids).await.map_err(Error::Other)?;
        // Who left a moment ago is in the list until the graph hears of it.
        let entry = |(user, since)| people.remove(&user).map(|person| PersonEntry { person, since });
        Ok(Page { items: page.items.into_iter().filter_map(entry).collect(), next: page.next })
    }

    /// What `viewer` may know of `person`; `None` when `person` blocks `viewer`.
    pub async fn view(&self, viewer: UserId, person: UserId) -> Result<Option<(Counts, Relation)>, Error> {
        let between =
            if viewer == person { Between::default() } else { store::between(self.db.pool(), viewer, person).await? };
        if between.theirs.blocks {
            return Ok(None);
        }
        Ok(Some((self.counts(person).await?, between.relation())))
    }

    /// What is between `viewer` and each of `others`, in one round trip.
    pub async fn standings(&self, viewer: UserId, others: &[UserId]) -> Result<HashMap<UserId, Standing>, Error> {
        if others.is_empty() {
            return Ok(HashMap::new());
        }
        Ok(lists::standings(&self.db, viewer, others).await?)
    }

    /// Whether one of two blocks the other.
    pub async fn blocked(&self, one: UserId, other: UserId) -> Result<bool, Error> {
        Ok(self.blocked.ask((one, other)).await?)
    }

    /// Those of `others` who block `one`, or whom they block.
    pub async fn blocked_among(&self, one: UserId, others: &[UserId]) -> Result<Vec<UserId>, Error> {
        let pairs: Vec<_> = others.iter().map(|other| (one, *other)).collect();
        let blocked = lists::blocked(self.db.pool(), &pairs).await?;
        Ok(others.iter().zip(blocked).filter_map(|(other, is_blocked)| is_blocked.then_some(*other)).collect())
    }

    pub async fn counts(&self, user: UserId) -> Result<Counts, Error> {
        Ok(self.counts_of(&[user]).await?.remove(&user).unwrap_or_default())
    }

    /// Counts of those of `users` who have any, in one round trip.
    pub async fn counts_of(&self, users: &[UserId]) -> Result<HashMap<UserId, Counts>, Error> {
        Ok(lists::counts_of(&self.db, users).await?)
    }

    /// Up to [`FOLLOWERS_PAGE`] followers after `after`, in the order of their ids: for fan-out. A short page is the last.
    pub async fn followers_page(&self, author: UserId, after: Option<UserId>) -> Result<Vec<UserId>, Error> {
        Ok(lists::followers(&self.db, author, after, FOLLOWERS_PAGE as i64).await?)
    }

    /// The first `limit` followers of each of `authors`, in the order of their ids, and how many there are, in one round trip.
    pub async fn first_followers(
        &self,
        authors: &[UserId],
        limit: usize,
    ) -> Result<Vec<(UserId, Vec<UserId>, u64)>, Error> {
        Ok(lists::first_followers(&self.db, authors, limit as i64).await?)
    }

    /// Everybody whom `viewer` follows: at most [`FOLLOWING_MAX`](crate::model::FOLLOWING_MAX).
    pub async fn followings(&self, viewer: UserId) -> Result<Vec<UserId>, Error> {
        Ok(lists::followings(&self.db, viewer).await?)
    }

    /// Those of [`Service::followings`] whom `viewer` does not mute. A block ends following, so none is left out for that.
    pub async fn heard_followings(&self, viewer: UserId) -> Result<Vec<UserId>, Error> {
        Ok(lists::heard_followings(&self.db, viewer).await?)
    }

    /// Those whom `viewer` follows who have at least `followers_min` followers.
    pub async fn popular_followings(&self, viewer: UserId, followers_min: u64) -> Result<Vec<UserId>, Error> {
        let followers_min = i64::try_from(followers_min).unwrap_or(i64::MAX);
        Ok(lists::popular_followings(&self.db, viewer, followers_min).await?)
    }

    /// Ends everything between a deleted account and anybody. Safe to repeat, and to stop half-way.
    pub async fn forget(&self, user: UserId, now: Timestamp) -> Result<(), Error> {
        loop {
            let others = store::counterparts(&self.db, user, FORGET_BATCH).await?;
            if others.is_empty() {
                return Ok(());
            }
            for other in others {
                self.act(user, other, Act::Forget, now).await?;
            }
        }
    }
}

#[async_trait]
impl Consumer for Service {
    fn name(&self) -> &'static str {
        "graph"
    }

    fn wants(&self, kind: &str) -> bool {
        matches!(kind, BLOCK_CREATED | ACCOUNT_DELETED)
    }

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError> {
        if event.kind == ACCOUNT_DELETED {
            let AccountChanged { user, .. } = serde_json::from_value(event.payload.clone())?;
            return Ok(self.forget(user, event.created_at).await?);
        }
        let EdgeChanged { source, target } = serde_json::from_value(event.payload.clone())?;
        self.talk.parted(source, target).await.map_err(Error::Other)?;
        // Repeats the order that came with the block: the bus may have been away. Alone it is not kept, so it leaves no trace.
        for (user, other) in [(source, target), (target, source)] {
            let order = UserEvent { control: events::part(other), body: None };
            self.bus.publish(Topic::User(user), &order).await?;
        }
        Ok(())
    }
}
