//! Addresses that whoever has one may read from, for a while.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::{MediaId, Timestamp};
use sha2::Sha256;

/// How much of the signature an address carries, in bytes.
const MAC_BYTES: usize = 16;
/// When it ends and for whom it is.
const HEAD_BYTES: usize = 5;
/// An address of a hidden thing holds for one to two of these.
pub const HOUR: Duration = Duration::from_secs(60 * 60);
/// An address of a public thing holds for one to two of these.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Who may have an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reach {
    /// Whoever may read the content that shows it: not everybody.
    Hidden = 0,
    /// Everybody. Caches that serve several people may keep the bytes.
    Public = 1,
}

impl Reach {
    const fn period(self) -> Duration {
        match self {
            Self::Hidden => HOUR,
            Self::Public => DAY,
        }
    }
}

/// What a valid address says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    pub reach: Reach,
    pub until: Timestamp,
}

/// Signs addresses.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

impl Signer {
    /// # Panics
    /// Never: HMAC takes keys of any length.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    /// The address of a form. All that are made within one period are the same, so that browsers find what they have.
    #[must_use]
    pub fn address(&self, media: MediaId, form: &str, reach: Reach, now: Timestamp) -> String {
        let period = reach.period().as_secs();
        let now = now.as_millis().max(0).unsigned_abs() / 1000;
        let until = (now / period + 2) * period;
        // Until the year 2106.
        let mut sealed = u32::try_from(until).unwrap_or(u32::MAX).to_be_bytes().to_vec();
        sealed.push(reach as u8);
        let mac = self.mac(media, form, &sealed).finalize().into_bytes();
        sealed.extend(&mac[..MAC_BYTES]);
        format!("/v1/media/{media}/{form}?k={}", URL_SAFE_NO_PAD.encode(sealed))
    }

    /// What `key` allows, if it was made here for this form and holds at `now`.
    #[must_use]
    pub fn open(&self, media: MediaId, form: &str, key: &str, now: Timestamp) -> Option<Link> {
        let sealed = URL_SAFE_NO_PAD.decode(key).ok()?;
        let (head, mac) = sealed.split_at_checked(HEAD_BYTES)?;
        if mac.len() != MAC_BYTES {
            return None;
        }
        self.mac(media, form, head).verify_truncated_left(mac).ok()?;
        let (until, reach) = head.split_first_chunk::<4>()?;
        let until = Timestamp::from_millis(i64::from(u32::from_be_bytes(*until)) * 1000);
        let reach = if reach == [Reach::Public as u8] { Reach::Public } else { Reach::Hidden };
        (now < until).then_some(Link { reach, until })
    }

    fn mac(&self, media: MediaId, form: &str, head: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(media.uuid().as_bytes());
        // Of fixed length, so that nothing can pass from one member to the other.
        mac.update(head);
        mac.update(form.as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn key(address: &str) -> &str {
        address.split_once("?k=").unwrap().1
    }

    #[test]
    fn an_address_holds_for_its_form_and_its_time_only() {
        let (signer, media) = (Signer::new(b"key"), MediaId::new(NOW));
        for reach in [Reach::Hidden, Reach::Public] {
            let address = signer.address(media, "small", reach, NOW);
            let key = key(&address);
            assert_eq!(key.len(), 28);
            let link = signer.open(media, "small", key, NOW).unwrap();
            let left = link.until.since(NOW);
            assert_eq!(link.reach, reach);
            assert!(left > reach.period() && left <= 2 * reach.period(), "{left:?}");
            let last = link.until.minus(Duration::from_millis(1));
            assert!(signer.open(media, "small", key, last).is_some());
            assert!(signer.open(media, "small", key, link.until).is_none());
            assert!(signer.open(media, "medium", key, NOW).is_none());
            assert!(signer.open(MediaId::new(NOW), "small", key, NOW).is_none());
            assert!(Signer::new(b"other").open(media, "small", key, NOW).is_none());
        }
    }

    #[test]
    fn a_changed_address_is_refused() {
        let (signer, media) = (Signer::new(b"key"), MediaId::new(NOW));
        let address = signer.address(media, "small", Reach::Hidden, NOW);
        let sealed = URL_SAFE_NO_PAD.decode(key(&address)).unwrap();
        for place in 0..sealed.len() {
            let mut sealed = sealed.clone();
            sealed[place] ^= 1;
            let key = URL_SAFE_NO_PAD.encode(sealed);
            assert!(signer.open(media, "small", &key, NOW).is_none(), "byte {place}");
        }
        for forged in ["", "x", "%%", &key(&address)[..20], &"A".repeat(28), &"A".repeat(10_000)] {
            assert!(signer.open(media, "small", forged, NOW).is_none(), "{forged}");
        }
    }

    #[test]
    fn addresses_of_one_period_are_the_same() {
        let (signer, media) = (Signer::new(b"key"), MediaId::new(NOW));
        let start = Timestamp::from_millis(1_800_000_000_000 / 3_600_000 * 3_600_000);
        let at = |ms| signer.address(media, "small", Reach::Hidden, start.plus(Duration::from_millis(ms)));
        assert_eq!(at(0), at(3_599_999));
        assert_ne!(at(0), at(3_600_000));
    }
}
