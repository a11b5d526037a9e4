//! Hashing passwords: slow on purpose, so only a few at a time.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use kernel::Secret;
use tokio::sync::Semaphore;

use crate::Error;

/// Argon2id, with the parameters that OWASP's cheat sheet on password storage names first.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes that may wait for a thread, for each that runs. At about 25 ms each, the last one waits under a second.
const WAITING_PER_THREAD: usize = 32;

/// Hashes and verifies on `threads` blocking threads at most: a storm of log-ins holds `threads` × 19 MiB, and whoever
/// finds the queue full is asked to come again.
#[derive(Debug, Clone)]
pub struct Hasher {
    running: Arc<Semaphore>,
    places: Arc<Semaphore>,
    argon: Argon2<'static>,
    /// Verified in place of the hash of an account that does not exist, so that both take the same time.
    decoy: Arc<str>,
}

impl Hasher {
    pub async fn start(threads: usize) -> Result<Self, Error> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| Error::hashing(&error))?;
        let mut hasher = Self {
            running: Arc::new(Semaphore::new(threads)),
            places: Arc::new(Semaphore::new(threads * (1 + WAITING_PER_THREAD))),
            argon: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            decoy: Arc::from(""),
        };
        let nobody: u128 = rand::random();
        hasher.decoy = hasher.hash(Secret::new(nobody.to_string())).await?.into();
        Ok(hasher)
    }

    /// A PHC string with a salt of its own.
    pub async fn hash(&self, password: Secret) -> Result<String, Error> {
        self.work(move |argon| argon.hash_password(password.expose().as_bytes()).map(|hash| hash.to_string()))
            .await?
            .map_err(|error| Error::hashing(&error))
    }

    /// Whether `password` is the one of `hash`. Takes as long, and says no, when there is no hash.
    pub async fn verify(&self, password: Secret, hash: Option<String>) -> Result<bool, Error> {
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.as_ref().to_owned());
        let matches = self
            .work(move |argon| match PasswordHash::new(&hash) {
                Ok(hash) => argon.verify_password(password.expose().as_bytes(), &hash).is_ok(),
                Err(_) => false,
            })
            .await?;
        Ok(matches && exists)
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Error::Busy)?;
        let turn = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Error::Busy)?;
        let argon = self.argon.clone();
        tokio::task::spawn_blocking(move || {
            // Held by the work itself: a caller that goes away does not stop it.
            let _held = (place, turn);
            work(&argon)
        })
        .await
        .map_err(|error| Error::hashing(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn only_the_same_password_verifies() {
        let hasher = Hasher::start(2).await.unwrap();
        let hash = hasher.hash(secret("an engine that weaves")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(hasher.verify(secret("an engine that weaves"), Some(hash.clone())).await.unwrap());
        assert!(!hasher.verify(secret("an engine that weave"), Some(hash)).await.unwrap());
        assert!(!hasher.verify(secret("an engine that weaves"), None).await.unwrap());
        assert!(!hasher.verify(secret("x"), Some(String::new())).await.unwrap());
    }

    #[tokio::test]
    async fn a_full_queue_says_so_and_empties_again() {
        let hasher = Hasher::start(1).await.unwrap();
        let running = Arc::clone(&hasher.running).acquire_owned().await.unwrap();
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..=WAITING_PER_THREAD {
            let hasher = hasher.clone();
            waiting.spawn(async move { hasher.work(|_| ()).await });
        }
        while hasher.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(hasher.work(|_| ()).await, Err(Error::Busy)));
        drop(running);
        while let Some(done) = waiting.join_next().await {
            done.unwrap().unwrap();
        }
        assert!(hasher.work(|_| ()).await.is_ok());
    }
}
