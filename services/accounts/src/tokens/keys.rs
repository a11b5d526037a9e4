//! The keys that sign access tokens, shared by all nodes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _};
use kernel::Timestamp;
use parking_lot::RwLock;
use postgres::{Db, StoreResult, fault};
use sha2::{Digest as _, Sha256};

use super::access;
use crate::Settings;

/// Shortest key that may be configured, in bytes: as long as what HMAC-SHA-256 puts out.
pub const KEY_BYTES_MIN: usize = 32;
/// How often a key that is not known may make this node look for new ones.
const RELOAD_EVERY: Duration = Duration::from_secs(1);
/// How long a key still verifies after another took its place: a token's life, and the time until every node signs with
/// the new one.
const RETIREMENT: Duration = Duration::from_secs(access::LIFETIME.as_secs() + 5 * 60);

/// One key and its name.
#[derive(Clone)]
pub struct Key {
    kid: Arc<str>,
    mac: Hmac<Sha256>,
}

impl Key {
    #[must_use]
    pub fn new(kid: String, value: Vec<u8>) -> Self {
        #[allow(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mac = Hmac::<Sha256>::new_from_slice(&value).expect("HMAC takes keys of any length");
        Self { kid: kid.into(), mac }
    }

    /// A configured key is named after itself, so that all nodes call it the same.
    fn configured(text: &str) -> Self {
        Self::new(name_of(text.as_bytes()), text.as_bytes().to_vec())
    }

    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// A fresh MAC under this key.
    pub(super) fn hmac(&self) -> Hmac<Sha256> {
        self.mac.clone()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {}", self.kid)
    }
}

fn name_of(value: &[u8]) -> String {
    Sha256::digest(value)[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All keys that verify, the one that signs first.
#[derive(Debug)]
pub struct Keyring {
    /// `None`: the keys come from the configuration and never change while this runs.
    db: Option<Db>,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    keys: Vec<Key>,
    loaded_at: Timestamp,
}

impl Keyring {
    /// The configured keys; without any, those in PostgreSQL, where the first node to start makes one.
    pub async fn open(db: &Db, settings: &Settings, now: Timestamp) -> StoreResult<Self> {
        if let Some(key) = &settings.signing_key {
            let keys = std::iter::once(key).chain(&settings.previous_signing_key);
            let keys = keys.map(|key| Key::configured(key.expose())).collect();
            return Ok(Self { db: None, state: RwLock::new(State { keys, loaded_at: now }) });
        }
        add(db, now).await?;
        let keys = load(db, now).await?;
        Ok(Self { db: Some(db.clone()), state: RwLock::new(State { keys, loaded_at: now }) })
    }

    /// The key that signs.
    #[must_use]
    pub fn current(&self) -> Option<Key> {
        self.state.read().keys.first().cloned()
    }

    /// The key called `kid`. One that is not known may have been made by another node since: looks again, but not for
    /// every token that somebody invents.
    pub async fn find(&self, kid: &str, now: Timestamp) -> StoreResult<Option<Key>> {
        if let Some(key) = self.known(kid) {
            return Ok(Some(key));
        }
        let due = now.since(self.state.read().loaded_at) >= RELOAD_EVERY;
        if due {
            self.reload(now).await?;
        }
        Ok(self.known(kid))
    }

    /// Looks which keys there are now.
    pub async fn reload(&self, now: Timestamp) -> StoreResult<()> {
        let Some(db) = &self.db else { return Ok(()) };
        // First of all, so that a thousand unknown tokens at once make one look.
        self.state.write().loaded_at = now;
        let keys = load(db, now).await?;
        self.state.write().keys = keys;
        Ok(())
    }

    /// Makes a new key that signs from now on; the others verify until the last token under them has expired.
    pub async fn rotate(&self, now: Timestamp) -> StoreResult<()> {
        let Some(db) = &self.db else { return Ok(()) };
        let mut tx = db.begin().await?;
        sqlx::query("UPDATE signing_keys SET retires_at = $1 WHERE retires_at IS NULL")
            .bind(now.plus(RETIREMENT))
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        insert(&mut tx, now).await?;
        tx.commit().await.map_err(fault)?;
        self.reload(now).await
    }

    fn known(&self, kid: &str) -> Option<Key> {
        self.state.read().keys.iter().find(|key| key.kid() == kid).cloned()
    }
}

/// Makes the first key, unless there is one.
async fn add(db: &Db, now: Timestamp) -> StoreResult<()> {
    let mut tx = db.begin().await?;
    insert(&mut tx, now).await?;
    tx.commit().await.map_err(fault)
}

async fn insert(tx: &mut sqlx::PgConnection, now: Timestamp) -> StoreResult<()> {
    let value: [u8; KEY_BYTES_MIN] = rand::random();
    sqlx::query("INSERT INTO signing_keys (kid, value, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(name_of(&value))
        .bind(value.as_slice())
        .bind(now)
        .execute(tx)
        .await
        .map(drop)
        .map_err(fault)
}

async fn load(db: &Db, now: Timestamp) -> StoreResult<Vec<Key>> {
    let rows: Vec<(String, Vec<u8>)> = sqlx::query_as(
        "SELECT kid, value FROM signing_keys WHERE retires_at IS NULL OR retires_at > $1
         ORDER BY retires_at IS NULL DESC, created_at DESC",
    )
    .bind(now)
    .fetch_all(db.pool())
    .await
    .map_err(fault)?;
    Ok(rows.into_iter().map(|(kid, value)| Key::new(kid, value)).collect())
}
