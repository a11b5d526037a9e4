//! The use cases.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Clock, Ctx, StoreError, Timestamp, UserId};
use live::{Bus, Control, Lifecycle, Peer, Signal, Topic, UserEvent};
use parking_lot::Mutex;
use postgres::Db;
use schemas::presence::{
    Activity, PersonPresence, PresenceSettings, PresenceSettingsPatch, PresenceSignal, PresenceWatched, State,
};

use crate::connections::Connections;
use crate::error::PresenceError;
use crate::last_seen::LastSeen;
use crate::metrics::METRICS;
use crate::model::{Relation, may_see_last_seen, may_watch, to_the_minute};
use crate::settings::{self, Kept};
use crate::store::{PresenceStore, Seen, Shown};

/// People that one `presence.watch` may name.
pub const USERS_PER_WATCH_MAX: usize = 200;
/// People that one `presence.unwatch` may name.
pub const USERS_PER_UNWATCH_MAX: usize = 500;
/// People that one connection may watch.
pub const WATCHED_PER_CONNECTION_MAX: usize = 500;
/// Changes that wait to be signalled once more. Of more, the oldest are not.
const REPEATS_MAX: usize = 100_000;

/// What is between people, as the graph and the accounts know it.
#[async_trait]
pub trait Relations: Send + Sync {
    /// An answer for each of `others`, in order.
    async fn between(&self, user: UserId, others: &[UserId]) -> Result<Vec<Relation>, StoreError>;
}

/// How long things take. The defaults are what the crate's documentation promises.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The entry of a closed connection stands for so long.
    pub linger: Duration,
    /// A change is signalled again after this time.
    pub repeat_after: Duration,
    /// Clients are asked to watch again after this time.
    pub refresh: Duration,
    /// Entries are written again after this time.
    pub rewrite: Duration,
    /// Between heartbeats of this node.
    pub beat: Duration,
    /// Between batches of last-seen times.
    pub last_seen: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            linger: Duration::from_secs(10),
            repeat_after: Duration::from_secs(20),
            refresh: Duration::from_secs(5 * 60),
            rewrite: Duration::from_secs(15 * 60),
            beat: Duration::from_secs(5),
            last_seen: Duration::from_secs(60),
        }
    }
}

/// Presence on this node.
pub struct Service {
    pub(crate) store: Arc<dyn PresenceStore>,
    pub(crate) db: Db,
    bus: Arc<dyn Bus>,
    relations: Arc<dyn Relations>,
    pub(crate) clock: Clock,
    pub(crate) timing: Timing,
    pub(crate) here: Mutex<Connections>,
    pub(crate) repeats: Mutex<VecDeque<(Timestamp, UserId)>>,
    pub(crate) last_seen: LastSeen,
}

impl Service {
    #[must_use]
    pub fn new(
        store: Arc<dyn PresenceStore>,
        db: Db,
        bus: Arc<dyn Bus>,
        relations: Arc<dyn Relations>,
        clock: Clock,
        timing: Timing,
    ) -> Arc<Self> {
        METRICS.connections.set(0);
        Arc::new(Self {
            store,
            db,
            bus,
            relations,
            clock,
            timing,
            here: Mutex::default(),
            repeats: Mutex::default(),
            last_seen: LastSeen::default(),
        })
    }

    /// What one device says of its person. Returns how others see the person now.
    pub async fn set(&self, peer: &Peer, activity: Activity) -> Result<State, PresenceError> {
        if !self.here.lock().set(peer.connection, activity) {
            // The connection closed while its command was on the way.
            return Ok(State::Offline);
        }
        let shown = self.sync(peer.connection, None).await?;
        Ok(shown.map_or(State::Offline, |shown| shown.state))
    }

    /// How people are seen now, and whom of them to follow; the others are to be followed no longer.
    pub async fn watch(&self, ctx: &Ctx, peer: &Peer, users: &[UserId]) -> Result<Watched, PresenceError> {
        named(users, USERS_PER_WATCH_MAX)?;
        if !self.here.lock().watch(peer.connection, users, WATCHED_PER_CONNECTION_MAX) {
            return Err(PresenceError::TooManyWatched);
        }
        METRICS.watched.inc_by(users.len() as u64);
        let relations = self.relations.between(ctx.user, users).await?;
        let (visible, hidden): (Vec<_>, Vec<_>) =
            users.iter().copied().zip(relations).partition(|&(user, relation)| may_watch(relation, user == ctx.user));

        let visible_ids: Vec<UserId> = visible.iter().map(|(user, _)| *user).collect();
        let snapshot = self.store.read(&visible_ids).await?;
        let kept = self.kept(ctx.user, &visible, &snapshot.people).await?;
        let mine = kept.get(&ctx.user).copied().unwrap_or_default().settings;
        let mut known: HashMap<UserId, PersonPresence> = HashMap::with_capacity(visible.len());
        for ((user, relation), seen) in visible.into_iter().zip(snapshot.people) {
            let theirs = kept.get(&user).copied().unwrap_or_default();
            let admitted = may_see_last_seen(mine.last_seen, theirs.settings.last_seen, relation);
            let last_seen = (seen.state == State::Offline && admitted)
                .then(|| theirs.last_seen.max(seen.since).max(self.last_seen.waiting(user)))
                .flatten();
            known.insert(user, PersonPresence { user, state: seen.state, last_seen: last_seen.map(to_the_minute) });
        }
        let unseen = |user| PersonPresence { user, state: State::Offline, last_seen: None };
        Ok(Watched {
            body: PresenceWatched {
                at: if visible_ids.is_empty() { self.clock.now() } else { snapshot.at },
                people: users.iter().map(|&user| known.remove(&user).unwrap_or_else(|| unseen(user))).collect(),
                refresh_after_ms: self.timing.refresh.as_millis() as u64,
            },
            follow: visible_ids,
            unfollow: hidden.into_iter().map(|(user, _)| user).collect(),
        })
    }

    /// What is kept of the one who asks and of those who are offline. Nothing, when nobody is.
    async fn kept(
        &self,
        me: UserId,
        visible: &[(UserId, Relation)],
        seen: &[Seen],
    ) -> Result<HashMap<UserId, Kept>, StoreError> {
        let offline = visible.iter().zip(seen).filter(|(_, seen)| seen.state == State::Offline);
        let mut users: Vec<UserId> = offline.map(|((user, _), _)| *user).collect();
        if users.is_empty() {
            return Ok(HashMap::new());
        }
        users.push(me);
        settings::load_many(&self.db, &users).await
    }

    /// How many people the connection still watches.
    pub fn unwatch(&self, peer: &Peer, users: &[UserId]) -> Result<usize, PresenceError> {
        if users.is_empty() || users.len() > USERS_PER_UNWATCH_MAX {
            return Err(PresenceError::Invalid(format!("Name 1 to {USERS_PER_UNWATCH_MAX} people.").into(), "/users"));
        }
        Ok(self.here.lock().unwatch(peer.connection, users))
    }

    pub async fn settings(&self, user: UserId) -> Result<PresenceSettings, PresenceError> {
        Ok(settings::load(&self.db, user).await?)
    }

    pub async fn change_settings(
        &self,
        ctx: &Ctx,
        patch: PresenceSettingsPatch,
    ) -> Result<PresenceSettings, PresenceError> {
        let settings = settings::change(&self.db, ctx.user, patch, ctx.now).await?;
        if let Some(hidden) = patch.invisible {
            let shown = self.store.hide(ctx.user, hidden).await?;
            self.tell(ctx.user, shown).await;
        }
        Ok(settings)
    }

    /// Whether `watcher` may see how `person` is at all.
    pub(crate) async fn may_watch(&self, watcher: UserId, person: UserId) -> Result<bool, StoreError> {
        let relation = self.relations.between(watcher, &[person]).await?.first().copied().unwrap_or_default();
        Ok(may_watch(relation, watcher == person))
    }

    /// Ends what `watcher` watches of `person`, on all devices and nodes, and says that the person is offline.
    pub async fn part(&self, watcher: UserId, person: UserId) -> Result<(), live::BusError> {
        let order = UserEvent { control: vec![Control::Unfollow(Topic::Presence(person))], body: None };
        self.bus.publish(Topic::User(watcher), &order).await?;
        let gone = PresenceSignal::Changed { user: person, state: State::Offline, at: self.clock.now() };
        self.bus.signal(Topic::User(watcher), &signal(person, &gone)?).await
    }

    /// Forgets a person whose account is gone.
    pub async fn erase(&self, user: UserId) -> Result<(), StoreError> {
        self.last_seen.erase(user);
        settings::erase(&self.db, user).await
    }

    /// Writes a connection's entry as it should be, and tells what that changed. `None`: the connection is gone.
    pub(crate) async fn sync(&self, connection: u64, hidden: Option<bool>) -> Result<Option<Shown>, StoreError> {
        loop {
            let Some((user, wanted)) = self.here.lock().wanted(connection) else { return Ok(None) };
            let written = self.store.put(user, connection, wanted, hidden).await;
            let shown = match written {
                Ok(shown) => shown,
                Err(error) => {
                    self.here.lock().unsynced(connection, hidden.is_some());
                    return Err(error);
                }
            };
            self.tell(user, shown).await;
            // Commands of one connection may overtake each other on the way to the store: the last word counts.
            let still = self.here.lock().wanted(connection);
            match still {
                Some((_, now_wanted)) if now_wanted != wanted => {}
                Some(_) => return Ok(Some(shown)),
                None => {
                    let shown = self.store.remove(user, connection).await?;
                    self.tell(user, shown).await;
                    return Ok(None);
                }
            }
        }
    }

    /// Signals a change to those who watch, now and once more later, and notes when the person was last seen.
    pub(crate) async fn tell(&self, user: UserId, shown: Shown) {
        if !shown.changed {
            return;
        }
        self.last_seen.note(user, shown.at);
        {
            let mut repeats = self.repeats.lock();
            repeats.push_back((self.clock.now().plus(self.timing.repeat_after), user));
            if repeats.len() > REPEATS_MAX {
                repeats.pop_front();
            }
        }
        self.announce(user, shown.state, shown.at, "change").await;
    }

    pub(crate) async fn announce(&self, user: UserId, state: State, at: Timestamp, kind: &'static str) -> bool {
        let changed = PresenceSignal::Changed { user, state, at };
        let published = match signal(user, &changed) {
            Ok(signal) => self.bus.signal(Topic::Presence(user), &signal).await,
            Err(error) => Err(error),
        };
        match published {
            Ok(()) => {
                METRICS.signals.get_or_create(&[("kind", kind)]).inc();
                true
            }
            Err(error) => {
                METRICS.signals_lost.inc();
                tracing::debug!(%error, "a presence signal was not published");
                false
            }
        }
    }
}

/// The answer to [`Service::watch`].
#[derive(Debug)]
pub struct Watched {
    pub body: PresenceWatched,
    pub follow: Vec<UserId>,
    pub unfollow: Vec<UserId>,
}

/// Checks that `users` names 1 to `most` people, each once.
fn named(users: &[UserId], most: usize) -> Result<(), PresenceError> {
    if users.is_empty() || users.len() > most {
        return Err(PresenceError::Invalid(format!("Name 1 to {most} people.").into(), "/users"));
    }
    let mut sorted = users.to_vec();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(PresenceError::Invalid("Name each person once.".into(), "/users"));
    }
    Ok(())
}

fn signal(user: UserId, body: &PresenceSignal) -> Result<Signal, live::BusError> {
    let body = serde_json::value::to_raw_value(body).map_err(|error| live::BusError::Broken(Box::new(error)))?;
    Ok(Signal { body, by: None, key: Topic::Presence(user).to_string() })
}

#[async_trait]
impl Lifecycle for Service {
    async fn opened(&self, peer: &Peer, presence: Option<&str>) {
        let activity = match presence {
            Some("idle") => Activity::Idle,
            Some("invisible") => Activity::Invisible,
            _ => Activity::Online,
        };
        let refresh_at = self.clock.now().plus(self.timing.rewrite);
        self.here.lock().open(peer.connection, peer.user, activity, refresh_at);
        // Without the setting, somebody who wants to be invisible might be shown.
        let hidden = settings::load(&self.db, peer.user).await.map(|settings| settings.invisible);
        let written = match hidden {
            Ok(hidden) => self.sync(peer.connection, Some(hidden)).await.map(drop),
            Err(error) => {
                self.here.lock().unsynced(peer.connection, true);
                Err(error)
            }
        };
        if let Err(error) = written {
            tracing::debug!(%error, "presence of a new connection is written later");
        }
    }

    async fn closed(&self, peer: &Peer) {
        self.here.lock().close(peer.connection, self.clock.now().plus(self.timing.linger));
    }
}
