//! Refresh tokens: opaque, worth one swap, and recognised as one of ours without a look at the store.
//!
//! A token is the session's id, a secret of 256 bits, and a tag that a key of ours puts on the two. The secret that
//! follows one is derived from it with the same key: so a swap can be repeated with the same result, and still only
//! hashes are stored. The tag tells a token that was swapped long ago (somebody copied it) from noise (which must not be
//! able to end a session).

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::{SessionId, Timestamp};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// How long a session lives without a refresh.
pub const LIFETIME: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// How long after a swap its repeat still gets the same successor: the answer may have been lost.
pub const GRACE: Duration = Duration::from_secs(60);

/// Leads every refresh token, so that scanners for leaked secrets can find one.
const PREFIX: &str = "plr_";
const TAG_BYTES: usize = 16;
const TOKEN_BYTES: usize = 16 + 32 + TAG_BYTES;

pub type Hash = [u8; 32];

/// The key behind all refresh tokens.
#[derive(Clone)]
pub struct RefreshKey(Vec<u8>);

/// A refresh token that is one of ours, current or not.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    pub session: SessionId,
    secret: [u8; 32],
}

impl RefreshKey {
    #[must_use]
    pub const fn new(key: Vec<u8>) -> Self {
        Self(key)
    }

    /// The text of a token.
    #[must_use]
    pub fn seal(&self, token: &RefreshToken) -> String {
        let mut bytes = Vec::with_capacity(TOKEN_BYTES);
        bytes.extend_from_slice(token.session.uuid().as_bytes());
        bytes.extend_from_slice(&token.secret);
        let tag = self.mac(b"tag", &bytes).finalize().into_bytes();
        bytes.extend_from_slice(&tag[..TAG_BYTES]);
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The token behind a text, if it was sealed here.
    #[must_use]
    pub fn open(&self, text: &str) -> Option<RefreshToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let (signed, tag) = bytes.split_at_checked(TOKEN_BYTES - TAG_BYTES)?;
        if tag.len() != TAG_BYTES {
            return None;
        }
        self.mac(b"tag", signed).verify_truncated_left(tag).ok()?;
        let (session, secret) = signed.split_at(16);
        Some(RefreshToken {
            session: SessionId::from_uuid(Uuid::from_slice(session).ok()?),
            secret: secret.try_into().ok()?,
        })
    }

    /// The one token that follows this one.
    #[must_use]
    pub fn successor(&self, token: &RefreshToken) -> RefreshToken {
        let mut mac = self.mac(b"next", token.session.uuid().as_bytes());
        mac.update(&token.secret);
        RefreshToken { session: token.session, secret: mac.finalize().into_bytes().into() }
    }

    fn mac(&self, purpose: &[u8], message: &[u8]) -> Hmac<Sha256> {
        #[allow(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(purpose);
        mac.update(&[0]);
        mac.update(message);
        mac
    }
}

impl RefreshToken {
    /// The first token of a session.
    #[must_use]
    pub fn first(session: SessionId) -> Self {
        Self { session, secret: rand::random() }
    }

    /// What is stored of it. The secret is random: a plain hash suffices.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Sha256::digest(self.secret).into()
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a refresh token of {}", self.session)
    }
}

/// What is stored of a session's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    pub current: Hash,
    /// The one before, and when it was swapped.
    pub retired: Option<(Hash, Timestamp)>,
}

/// What a presented token gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is current: its successor takes its place.
    Swap,
    /// It was current a moment ago: the same successor again.
    Repeat,
    /// It was swapped before. Two hold it, and one of them is not the owner: the session ends.
    Reused,
}

impl Family {
    #[must_use]
    pub const fn new(first: Hash) -> Self {
        Self { current: first, retired: None }
    }

    /// Judges a token of this family, given the hash of its one possible successor.
    #[must_use]
    pub fn judge(&self, presented: &Hash, successor: &Hash, now: Timestamp) -> Verdict {
        if *presented == self.current {
            return Verdict::Swap;
        }
        match self.retired {
            // Only while the successor is unused: afterwards the owner has certainly got it.
            Some((retired, at)) if retired == *presented && self.current == *successor && now.since(at) <= GRACE => {
                Verdict::Repeat
            }
            _ => Verdict::Reused,
        }
    }

    #[must_use]
    pub const fn swapped(&self, successor: Hash, now: Timestamp) -> Self {
        Self { current: successor, retired: Some((self.current, now)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const T0: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn key() -> RefreshKey {
        RefreshKey::new(vec![7; 32])
    }

    fn judge(family: &Family, token: &RefreshToken, now: Timestamp) -> Verdict {
        family.judge(&token.hash(), &key().successor(token).hash(), now)
    }

    #[test]
    fn a_token_comes_back_from_its_text_and_noise_does_not() {
        let token = RefreshToken::first(SessionId::new(T0));
        let text = key().seal(&token);
        assert_eq!(key().open(&text), Some(token));
        assert_eq!(RefreshKey::new(vec![8; 32]).open(&text), None);
        assert!(text.len() < 100);
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(key().open(&String::from_utf8(changed).unwrap()), None);
        }
        for noise in ["", "plr_", "plr_AAAA", &format!("{text}A"), &text[4..]] {
            assert_eq!(key().open(noise), None, "{noise}");
        }
    }

    #[test]
    fn a_repeat_gets_the_same_successor_up_to_the_end_of_the_grace() {
        let first = RefreshToken::first(SessionId::new(T0));
        let second = key().successor(&first);
        assert_eq!(second, key().successor(&first));
        let family = Family::new(first.hash());
        assert_eq!(judge(&family, &first, T0), Verdict::Swap);
        let family = family.swapped(second.hash(), T0);
        assert_eq!(judge(&family, &first, T0.plus(GRACE)), Verdict::Repeat);
        assert_eq!(judge(&family, &first, T0.plus(GRACE).plus(Duration::from_millis(1))), Verdict::Reused);
        // The successor was used: whoever repeats now is late in another way.
        let family = family.swapped(key().successor(&second).hash(), T0);
        assert_eq!(judge(&family, &first, T0), Verdict::Reused);
        assert_eq!(judge(&family, &second, T0), Verdict::Repeat);
    }

    proptest! {
        /// Whatever answers get lost, the owner is served who asks again within the grace. A thief is caught: with an old
        /// token at once, and after taking the owner's turn by the owner's next try.
        #[test]
        fn owners_are_served_and_copies_are_caught(lost in proptest::collection::vec(any::<bool>(), 1..20), copied_at in 0usize..20) {
            let key = key();
            let mut held = RefreshToken::first(SessionId::new(T0));
            let mut family = Family::new(held.hash());
            let mut copy = held.clone();
            let mut now = T0;
            for (turn, answer_lost) in lost.iter().enumerate() {
                if turn == copied_at {
                    copy = held.clone();
                }
                now = now.plus(Duration::from_secs(600));
                let next = key.successor(&held);
                prop_assert_eq!(judge(&family, &held, now), Verdict::Swap);
                family = family.swapped(next.hash(), now);
                if *answer_lost {
                    now = now.plus(GRACE);
                    prop_assert_eq!(judge(&family, &held, now), Verdict::Repeat);
                }
                held = next;
            }
            now = now.plus(Duration::from_secs(600));
            if copied_at < lost.len() {
                // The thief comes later: caught at once.
                prop_assert_eq!(judge(&family, &copy, now), Verdict::Reused);
            }
            // The thief has the current one and comes first: the owner's try tells.
            let thief = key.successor(&held);
            let family = family.swapped(thief.hash(), now);
            prop_assert_eq!(judge(&family, &held, now.plus(Duration::from_secs(600))), Verdict::Reused);
        }
    }
}
