//! What operators may set.

use std::time::Duration;

use kernel::Secret;
use live::Rate;
use serde::Deserialize;

use crate::tokens::keys::KEY_BYTES_MIN;

/// How accounts are protected.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Signs access tokens: any text of at least 32 bytes. Absent: Plaza makes a key and keeps it in PostgreSQL.
    pub signing_key: Option<Secret>,
    /// The `signing_key` before this one. Keep it for 15 minutes after a change.
    pub previous_signing_key: Option<Secret>,
    /// Passwords that are hashed at once. Each takes a thread and 19 MiB.
    pub hashing_threads: usize,
    /// Attempts with a password for one account in 15 minutes, right ones left out.
    pub attempts_per_account: u32,
    /// Attempts with a password from one address in 15 minutes.
    pub attempts_per_address: u32,
    /// Accounts that one address may register in an hour.
    pub registrations_per_address: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            signing_key: None,
            previous_signing_key: None,
            hashing_threads: 2,
            attempts_per_account: 10,
            attempts_per_address: 100,
            registrations_per_address: 60,
        }
    }
}

impl Settings {
    /// Says what cannot be.
    pub fn validate(&self) -> Result<(), String> {
        for key in self.signing_key.iter().chain(&self.previous_signing_key) {
            if key.expose().len() < KEY_BYTES_MIN {
                return Err(format!("signing_key: expected at least {KEY_BYTES_MIN} bytes"));
            }
        }
        if self.previous_signing_key.is_some() && self.signing_key.is_none() {
            return Err("previous_signing_key: needs a signing_key".to_owned());
        }
        if !(1..=64).contains(&self.hashing_threads) {
            return Err("hashing_threads: expected 1 to 64".to_owned());
        }
        for (name, limit) in [
            ("attempts_per_account", self.attempts_per_account),
            ("attempts_per_address", self.attempts_per_address),
            ("registrations_per_address", self.registrations_per_address),
        ] {
            if limit == 0 {
                return Err(format!("{name}: expected at least 1"));
            }
        }
        Ok(())
    }

    pub(crate) const fn account_rate(&self) -> Rate {
        Rate::new(self.attempts_per_account, Duration::from_secs(15 * 60))
    }

    pub(crate) const fn address_rate(&self) -> Rate {
        Rate::new(self.attempts_per_address, Duration::from_secs(15 * 60))
    }

    pub(crate) const fn registration_rate(&self) -> Rate {
        Rate::new(self.registrations_per_address, Duration::from_secs(60 * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_keys_and_limits_of_nothing_are_refused() {
        assert_eq!(Settings::default().validate(), Ok(()));
        let key = |length: usize| Some(Secret::new("k".repeat(length)));
        assert!(Settings { signing_key: key(32), ..Settings::default() }.validate().is_ok());
        assert!(Settings { signing_key: key(31), ..Settings::default() }.validate().is_err());
        assert!(Settings { previous_signing_key: key(32), ..Settings::default() }.validate().is_err());
        assert!(Settings { hashing_threads: 0, ..Settings::default() }.validate().is_err());
        assert!(Settings { attempts_per_account: 0, ..Settings::default() }.validate().is_err());
    }
}
