//! Registering, logging in, sessions and their tokens.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use kernel::{Clock, Ctx, Page, Secret, SessionId, StoreError, Timestamp, UserId};
use live::bus::Bus;
use live::{Allowance, Limiter, Rate};
use postgres::{Db, fault};
use schemas::accounts::{Account, Device, LogIn, Platform, Registration, Session, SignedIn, Tokens};
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

use crate::metrics::METRICS;
use crate::model::{self, Handle};
use crate::password::Hasher;
use crate::store::{self, Ending, NewSession};
use crate::tokens::access;
use crate::tokens::keys::Keyring;
use crate::tokens::refresh::{self, Family, RefreshKey, RefreshToken, Verdict};
use crate::{Error, Settings, events};

/// Sessions that an account may have; the ones seen last are kept.
pub const SESSIONS_MAX: i64 = 50;
/// How long an ended session is kept, so that its tokens are told from noise.
const ENDED_SESSION_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const PRUNE_EVERY: Duration = Duration::from_secs(60 * 60);
const PRUNE_BATCH: i64 = 1_000;
/// How often a node looks for new signing keys.
const KEYS_EVERY: Duration = Duration::from_secs(60);

/// Where a request without an account comes from.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    pub now: Timestamp,
    pub address: IpAddr,
}

/// Accounts and their sessions.
pub struct Service {
    pub(crate) db: Db,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) hasher: Hasher,
    pub(crate) keys: Keyring,
    limiter: Arc<dyn Limiter>,
    refresh_key: RefreshKey,
    settings: Settings,
}

impl Service {
    /// Opens the keys, making them if this is the first node ever.
    pub async fn start(
        db: Db,
        limiter: Arc<dyn Limiter>,
        bus: Arc<dyn Bus>,
        settings: Settings,
        now: Timestamp,
    ) -> Result<Arc<Self>, Error> {
        let hasher = Hasher::start(settings.hashing_threads).await?;
        let keys = Keyring::open(&db, &settings, now).await?;
        let fresh: [u8; 32] = rand::random();
        let refresh_key = RefreshKey::new(db.secret("accounts.refresh", &fresh).await?);
        Ok(Arc::new(Self { db, bus, hasher, keys, limiter, refresh_key, settings }))
    }

    /// Makes an account, and a first session for the device that asks.
    pub async fn register(&self, from: Origin, wish: Registration) -> Result<SignedIn, Error> {
        let outcome = self.try_register(from, wish).await;
        METRICS.registered(&outcome);
        outcome
    }

    async fn try_register(&self, from: Origin, wish: Registration) -> Result<SignedIn, Error> {
        let handle = Handle::parse(&wish.handle)?;
        let name = model::name(&wish.name)?;
        let password = model::password(wish.password.expose().to_owned(), &handle)?;
        let (device, platform) = device(wish.device)?;
        self.limit(&format!("register:{}", network(from.address)), self.settings.registration_rate()).await?;

        let hash = self.hasher.hash(password).await?;
        let account = Account {
            id: UserId::new(from.now),
            handle: handle.to_string(),
            name,
            bio: String::new(),
            private: false,
            created_at: from.now,
            updated_at: from.now,
        };
        let mut tx = self.db.begin().await?;
        store::insert_account(&mut tx, &account, &hash).await.map_err(|error| match error {
            StoreError::Constraint(name) if name == store::HANDLE_TAKEN => Error::HandleTaken,
            other => Error::Store(other),
        })?;
        events::account(&mut tx, events::ACCOUNT_CREATED, &account, from.now).await?;
        let (first, expires_at) = open_session(&mut tx, account.id, device, platform, from.now).await?;
        tx.commit().await.map_err(fault)?;
        let tokens = self.tokens(account.id, 1, &first, expires_at, from.now)?;
        Ok(SignedIn { account, tokens })
    }

    /// Opens a session. Whether the account exists shows neither in the answer nor in the time that it takes.
    pub async fn log_in(&self, from: Origin, proof: LogIn) -> Result<SignedIn, Error> {
        let outcome = self.try_log_in(from, proof).await;
        METRICS.logged_in(&outcome);
        outcome
    }

    async fn try_log_in(&self, from: Origin, proof: LogIn) -> Result<SignedIn, Error> {
        let (device, platform) = device(proof.device)?;
        self.limit(&format!("log-in:{}", network(from.address)), self.settings.address_rate()).await?;
        // What cannot be a handle is limited, hashed and refused like one that nobody has.
        let handle = Handle::shape(&proof.handle);
        let bucket = attempts_key(handle.as_ref().map_or("", Handle::as_str));
        self.limit(&bucket, self.settings.account_rate()).await?;

        let found = match &handle {
            Some(handle) => store::credentials_by_handle(&self.db, handle).await?,
            None => None,
        };
        let hash = found.as_ref().map(|it| it.password_hash.clone());
        let right = self.hasher.verify(Secret::new(proof.password.expose().to_owned()), hash).await?;
        let Some(found) = found.filter(|_| right) else { return Err(Error::WrongCredentials) };
        self.limiter.reset(&bucket).await;

        let mut tx = self.db.begin().await?;
        // Deleted, or given another password, while this one was being verified: it is wrong now.
        let account = store::lock_account(&mut tx, found.id, Some(&found.password_hash)).await?;
        let account = account.ok_or(Error::WrongCredentials)?;
        let (first, expires_at) = open_session(&mut tx, account.id, device, platform, from.now).await?;
        let ended = store::revoke(&mut tx, account.id, Ending::Beyond(SESSIONS_MAX), from.now).await?;
        events::sessions_ended(&mut tx, account.id, &ended, from.now).await?;
        tx.commit().await.map_err(fault)?;
        events::close(&*self.bus, account.id, &ended).await;
        let tokens = self.tokens(account.id, found.token_version, &first, expires_at, from.now)?;
        Ok(SignedIn { account, tokens })
    }

    /// Swaps a refresh token for the next one and a new access token.
    pub async fn refresh(&self, now: Timestamp, text: &str) -> Result<Tokens, Error> {
        let presented = self.refresh_key.open(text).ok_or(Error::RefreshTokenInvalid)?;
        let successor = self.refresh_key.successor(&presented);
        let mut tx = self.db.begin().await?;
        let holder = store::lock_family(&mut tx, presented.session, now).await?.ok_or(Error::RefreshTokenInvalid)?;
        let family = match holder.family.judge(&presented.hash(), &successor.hash(), now) {
            Verdict::Swap => holder.family.swapped(successor.hash(), now),
            Verdict::Repeat => holder.family,
            Verdict::Reused => {
                let ended = store::revoke(&mut tx, holder.user, Ending::One(presented.session), now).await?;
                events::sessions_ended(&mut tx, holder.user, &ended, now).await?;
                tx.commit().await.map_err(fault)?;
                METRICS.reused_tokens.inc();
                tracing::warn!(user = %holder.user, session = %presented.session, "a refresh token was used twice");
                events::close(&*self.bus, holder.user, &ended).await;
                return Err(Error::RefreshTokenReused);
            }
        };
        let expires_at = now.plus(refresh::LIFETIME);
        store::update_family(&mut tx, presented.session, &family, expires_at, now).await?;
        tx.commit().await.map_err(fault)?;
        self.tokens(holder.user, holder.token_version, &successor, expires_at, now)
    }

    /// The caller's sessions: at most [`SESSIONS_MAX`], so one page.
    pub async fn sessions(&self, ctx: &Ctx) -> Result<Page<Session>, Error> {
        let rows = store::sessions(&self.db, ctx.user, ctx.now).await?;
        let items = rows.into_iter().map(|row| Session {
            current: row.id == ctx.session,
            id: row.id,
            device: row.device,
            platform: store::platform(&row.platform),
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            expires_at: row.expires_at,
        });
        Ok(Page { items: items.collect(), next: None })
    }

    /// Ends one session of the caller.
    pub async fn log_out(&self, ctx: &Ctx, session: SessionId) -> Result<(), Error> {
        if self.end(ctx, Ending::One(session)).await? { Ok(()) } else { Err(Error::SessionNotFound) }
    }

    /// Ends all sessions of the caller, or all but the one that asks.
    pub async fn log_out_everywhere(&self, ctx: &Ctx, keep_current: bool) -> Result<(), Error> {
        self.end(ctx, Ending::AllBut(keep_current.then_some(ctx.session))).await.map(drop)
    }

    async fn end(&self, ctx: &Ctx, ending: Ending) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        store::lock_account(&mut tx, ctx.user, None).await?;
        let ended = store::revoke(&mut tx, ctx.user, ending, ctx.now).await?;
        events::sessions_ended(&mut tx, ctx.user, &ended, ctx.now).await?;
        tx.commit().await.map_err(fault)?;
        events::close(&*self.bus, ctx.user, &ended).await;
        Ok(!ended.is_empty())
    }

    /// New tokens for a session whose old ones are void from now on: after a change of password.
    pub(crate) async fn replace_tokens(
        &self,
        tx: &mut PgConnection,
        ctx: &Ctx,
    ) -> Result<(RefreshToken, Timestamp), Error> {
        let first = RefreshToken::first(ctx.session);
        let expires_at = ctx.now.plus(refresh::LIFETIME);
        store::update_family(tx, ctx.session, &Family::new(first.hash()), expires_at, ctx.now).await?;
        Ok((first, expires_at))
    }

    pub(crate) fn tokens(
        &self,
        user: UserId,
        version: i32,
        refresh_token: &RefreshToken,
        refresh_expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Tokens, Error> {
        let key = self.keys.current().ok_or(Error::NoKey)?;
        let (access_token, claims) = access::issue(user, refresh_token.session, version, &key, now);
        Ok(Tokens {
            session: refresh_token.session,
            access_token: access_token.into(),
            access_expires_at: claims.expires_at,
            refresh_token: self.refresh_key.seal(refresh_token).into(),
            refresh_expires_at,
        })
    }

    /// Takes one attempt at a password of the account with this handle.
    pub(crate) async fn attempt(&self, handle: &str) -> Result<(), Error> {
        self.limit(&attempts_key(handle), self.settings.account_rate()).await
    }

    pub(crate) async fn forgive(&self, handle: &str) {
        self.limiter.reset(&attempts_key(handle)).await;
    }

    async fn limit(&self, key: &str, rate: Rate) -> Result<(), Error> {
        match self.limiter.take(key, rate).await {
            Allowance::Granted { .. } => Ok(()),
            Allowance::Refused { wait } => Err(Error::TooManyAttempts(wait)),
        }
    }

    /// Makes a new key sign access tokens. Tokens under the one before stay valid until they expire.
    pub async fn rotate_keys(&self, now: Timestamp) -> Result<(), Error> {
        Ok(self.keys.rotate(now).await?)
    }

    /// Keeps house until `stop`: takes up new keys, and deletes sessions that ended long ago.
    pub async fn run(self: Arc<Self>, clock: Clock, stop: CancellationToken) {
        let mut keys = tokio::time::interval(KEYS_EVERY);
        let mut prune = tokio::time::interval(PRUNE_EVERY);
        loop {
            let done = tokio::select! {
                () = stop.cancelled() => return,
                _ = keys.tick() => self.keys.reload(clock.now()).await.map_err(Error::from),
                _ = prune.tick() => self.prune(clock.now()).await,
            };
            if let Err(error) = done {
                tracing::warn!(%error, "keeping house among the accounts failed; it will be tried again");
            }
        }
    }

    async fn prune(&self, now: Timestamp) -> Result<(), Error> {
        while store::prune_sessions(&self.db, now.minus(ENDED_SESSION_KEPT), PRUNE_BATCH).await? > 0 {}
        Ok(())
    }
}

async fn open_session(
    tx: &mut PgConnection,
    user: UserId,
    device: String,
    platform: Platform,
    now: Timestamp,
) -> Result<(RefreshToken, Timestamp), Error> {
    let first = RefreshToken::first(SessionId::new(now));
    let expires_at = now.plus(refresh::LIFETIME);
    let session = NewSession { id: first.session, user, device, platform, refresh: first.hash(), expires_at };
    store::insert_session(tx, &session, now).await?;
    Ok((first, expires_at))
}

fn device(device: Option<Device>) -> Result<(String, Platform), Error> {
    match device {
        Some(device) => Ok((model::device(&device.name)?, device.platform)),
        None => Ok(("Unnamed device".to_owned(), Platform::Other)),
    }
}

fn attempts_key(handle: &str) -> String {
    format!("password:{handle}")
}

/// What attempts are counted by: an IPv6 customer holds a whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
        v4 => v4,
    }
}
