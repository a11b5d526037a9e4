//! Presence in Redis 7. Each script touches one key, so that it works in a cluster.
//!
//! | key                | what                                                                                           |
//! |--------------------|------------------------------------------------------------------------------------------------|
//! | `<p>:usr_…`        | hash of a person: `c:<connection>` → activity and node; `s`, `t`: shown state, since; `h`: hidden |
//! | `<p>:nodes`        | sorted set of nodes by the end of their leases                                                 |
//! | `<p>:node:<node>`  | set of the entries that a node wrote, so that another can clear them away                      |
//! | `<p>:heir:<node>`  | who is clearing away after that node                                                           |
//!
//! `<p>` is the prefix of all keys of this Plaza, and `presence`. All times are Redis's own.

use std::time::Duration;

use async_trait::async_trait;
use fred::interfaces::{KeysInterface as _, SetsInterface as _, SortedSetsInterface as _};
use fred::types::{Expiration, SetOptions};
use futures_util::future::try_join_all;
use kernel::{StoreError, Timestamp, UserId};
use redis::{Redis, Script, fault};
use schemas::presence::{Activity, State};
use telemetry::timed;
use tokio::try_join;

use super::{PresenceStore, Pulse, Seen, Shown, Snapshot, TAKEN_OVER_MAX, Times};

/// Changes one person. ARGV: connection or '', its entry or '' to take it away, hidden ('1', '0', or '' to leave it),
/// how long the hash is kept with entries, and without.
static CHANGE: Script = Script::new(
    r"
local person, connection, entry, hide = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
if connection ~= '' then
  if entry == '' then redis.call('HDEL', person, 'c:' .. connection)
  else redis.call('HSET', person, 'c:' .. connection, entry) end
end
local before, since, hidden, veiled, entries, state = 'offline', 0, false, false, 0, 'offline'
local fields = redis.call('HGETALL', person)
for i = 1, #fields, 2 do
  local name, value = fields[i], fields[i + 1]
  if name == 's' then before = value
  elseif name == 't' then since = tonumber(value)
  elseif name == 'h' then hidden = true
  else
    entries = entries + 1
    local activity = string.match(value, '^%a+')
    if activity == 'invisible' then veiled = true
    elseif activity == 'online' or state == 'offline' then state = activity end
  end
end
if hide ~= '' then hidden = hide == '1' end
if entries == 0 then hidden = false end
if hidden then redis.call('HSET', person, 'h', '1') else redis.call('HDEL', person, 'h') end
if hidden or veiled then state = 'offline' end
local changed = 0
if state ~= before then
  local time = redis.call('TIME')
  since = math.max(since + 1, time[1] * 1000 + math.floor(time[2] / 1000))
  redis.call('HSET', person, 's', state, 't', string.format('%d', since))
  changed = 1
end
redis.call('PEXPIRE', person, entries > 0 and ARGV[4] or ARGV[5])
return {changed, state, since}
",
);

/// Reads one person, and the time.
static READ: Script = Script::new(
    r"
local shown, time = redis.call('HMGET', KEYS[1], 's', 't'), redis.call('TIME')
return {shown[1] or 'offline', tonumber(shown[2] or 0), time[1] * 1000 + math.floor(time[2] / 1000)}
",
);

/// Renews a node's lease, and lists nodes whose lease has ended. ARGV: node, lease.
static BEAT: Script = Script::new(
    r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local before = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return {before < now and 1 or 0, redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%d', now), 'LIMIT', 0, 4)}
",
);

/// How long one node may take to clear a batch of a dead one's entries away before another may try.
const HEIR_MAX: Duration = Duration::from_secs(5);

/// One node's handle.
pub struct RedisPresence {
    redis: Redis,
    /// Begins every key of this Plaza.
    prefix: Box<str>,
    /// Names this process among all that ever ran: who restarts is another node.
    node: Box<str>,
    times: Times,
}

impl RedisPresence {
    #[must_use]
    pub fn new(redis: Redis, prefix: &str, times: Times) -> Self {
        Self { redis, prefix: prefix.into(), node: format!("{:016x}", rand::random::<u64>()).into(), times }
    }

    fn key(&self, rest: impl std::fmt::Display) -> String {
        format!("{}presence:{rest}", self.prefix)
    }

    fn key_of(&self, what: &str, node: &str) -> String {
        format!("{}presence:{what}:{node}", self.prefix)
    }

    async fn change(
        &self,
        user: UserId,
        connection: &str,
        entry: &str,
        hidden: Option<bool>,
    ) -> Result<Shown, StoreError> {
        let hidden = hidden.map_or("", |hidden| if hidden { "1" } else { "0" });
        let (kept, remembered) = (millis(self.times.kept), millis(self.times.remembered));
        let args = vec![connection, entry, hidden, kept.as_str(), remembered.as_str()];
        let (changed, state, at): (u8, String, i64) =
            timed("redis", "presence.change", self.redis.run(&CHANGE, self.key(user), args)).await?;
        Ok(Shown { state: state_named(&state)?, at: Timestamp::from_millis(at), changed: changed == 1 })
    }

    /// Clears away a batch of what a dead node left. Several nodes may try; one does.
    async fn inherit(&self, dead: &str, pulse: &mut Pulse) -> Result<(), StoreError> {
        let redis = self.redis.commands();
        let heir: Option<String> = redis
            .set(
                self.key_of("heir", dead),
                &*self.node,
                Some(Expiration::PX(HEIR_MAX.as_millis() as i64)),
                Some(SetOptions::NX),
                false,
            )
            .await
            .map_err(fault)?;
        if heir.is_none() {
            return Ok(());
        }
        let estate = self.key_of("node", dead);
        let left: Vec<String> = redis.srandmember(&estate, Some(TAKEN_OVER_MAX)).await.map_err(fault)?;
        let cleared = left.iter().filter_map(|member| {
            // Written by this code, and by nothing else.
            let (user, connection) = member.split_once(':')?;
            let user = user.parse().ok()?;
            Some(async move { Ok::<_, StoreError>((user, self.change(user, connection, "", None).await?)) })
        });
        let cleared = try_join_all(cleared).await?;
        pulse.changes.extend(cleared.into_iter().filter(|(_, shown)| shown.changed));
        pulse.more |= left.len() == TAKEN_OVER_MAX;
        let all = left.len() < TAKEN_OVER_MAX;
        if !left.is_empty() {
            let _: i64 = redis.srem(&estate, left).await.map_err(fault)?;
        }
        if all {
            let _: i64 = redis.zrem(self.key("nodes"), dead).await.map_err(fault)?;
        }
        let _: i64 = redis.del(self.key_of("heir", dead)).await.map_err(fault)?;
        Ok(())
    }
}

#[async_trait]
impl PresenceStore for RedisPresence {
    async fn put(
        &self,
        user: UserId,
        connection: u64,
        activity: Activity,
        hidden: Option<bool>,
    ) -> Result<Shown, StoreError> {
        let connection = connection.to_string();
        let entry = format!("{} {}", activity_name(activity), self.node);
        let ours = self.key_of("node", &self.node);
        // Sent in this order on one connection: an entry that no list names could outlive its node.
        let listed = async {
            let added: Result<i64, _> = self.redis.commands().sadd(ours, format!("{user}:{connection}")).await;
            added.map_err(fault)
        };
        self.redis.must_be_connected()?;
        let (_, shown) = try_join!(listed, self.change(user, &connection, &entry, hidden))?;
        Ok(shown)
    }

    async fn remove(&self, user: UserId, connection: u64) -> Result<Shown, StoreError> {
        let connection = connection.to_string();
        let shown = self.change(user, &connection, "", None).await?;
        let ours = self.key_of("node", &self.node);
        // What stays on the list is taken away again after this node, which does nothing.
        let _: Result<i64, _> = self.redis.commands().srem(ours, format!("{user}:{connection}")).await;
        Ok(shown)
    }

    async fn hide(&self, user: UserId, hidden: bool) -> Result<Shown, StoreError> {
        self.change(user, "", "", Some(hidden)).await
    }

    async fn read(&self, users: &[UserId]) -> Result<Snapshot, StoreError> {
        if users.is_empty() {
            return Ok(Snapshot { at: Timestamp::default(), people: Vec::new() });
        }
        let one = |user: &UserId| {
            let key = self.key(user);
            async move { self.redis.run::<(String, i64, i64)>(&READ, key, Vec::<String>::new()).await }
        };
        let answers = timed("redis", "presence.read", try_join_all(users.iter().map(one))).await?;
        // In a cluster each person's node has its own clock: the earliest is true of all.
        let mut at = i64::MAX;
        let mut people = Vec::with_capacity(users.len());
        for (state, since, now) in answers {
            at = at.min(now);
            let since = (since > 0).then(|| Timestamp::from_millis(since));
            people.push(Seen { state: state_named(&state)?, since });
        }
        Ok(Snapshot { at: Timestamp::from_millis(at), people })
    }

    async fn beat(&self) -> Result<Pulse, StoreError> {
        let lease = millis(self.times.lease);
        let args = vec![&*self.node, lease.as_str()];
        let (lapsed, dead): (u8, Vec<String>) =
            timed("redis", "presence.beat", self.redis.run(&BEAT, self.key("nodes"), args)).await?;
        let mut pulse = Pulse { lapsed: lapsed == 1, ..Pulse::default() };
        for node in dead {
            if let Err(error) = self.inherit(&node, &mut pulse).await {
                // What is cleared away already must be announced; the next beat goes on.
                tracing::warn!(%error, "entries of a dead node are not cleared away yet");
            }
        }
        Ok(pulse)
    }
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}

const fn activity_name(activity: Activity) -> &'static str {
    match activity {
        Activity::Online => "online",
        Activity::Idle => "idle",
        Activity::Invisible => "invisible",
    }
}

fn state_named(name: &str) -> Result<State, StoreError> {
    match name {
        "online" => Ok(State::Online),
        "idle" => Ok(State::Idle),
        "offline" => Ok(State::Offline),
        other => Err(StoreError::broken(format!("presence state {other:?}"))),
    }
}
