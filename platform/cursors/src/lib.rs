//! Signed cursors: places in lists that only Plaza can make.
//!
//! ## Decisions
//! - A cursor whose place is an id needs no signature: whatever it names, the reader is asked again what they may see. One that
//!   names something that is kept for a viewer, or that is costly to go on from, is signed ([`Signer`]), so that it is
//!   ours, this viewer's, and this list's.
//! - The signature is cut to 16 bytes: forging one takes 2¹²⁷ tries on average, and cursors travel in addresses.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::{Cursor, CursorError, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

/// How much of the signature a cursor carries, in bytes.
const MAC_BYTES: usize = 16;

/// Signs cursors, so that they are ours, this viewer's, and this list's.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

impl Signer {
    /// # Panics
    /// Never: HMAC takes keys of any length.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    /// A cursor for `viewer` in the list that is described by `list`: what was asked for.
    pub fn seal(&self, viewer: UserId, list: &impl Serialize, position: &impl Serialize) -> Cursor {
        // Our own types always serialise.
        let payload = serde_json::to_vec(position).unwrap_or_default();
        let mut sealed = self.mac(viewer, list, &payload).finalize().into_bytes()[..MAC_BYTES].to_vec();
        sealed.extend(payload);
        Cursor::from(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// # Errors
    /// When it was not made by [`Signer::seal`] for the same viewer and list.
    pub fn open<P: DeserializeOwned>(
        &self,
        viewer: UserId,
        list: &impl Serialize,
        cursor: &Cursor,
    ) -> Result<P, CursorError> {
        if cursor.as_str().len() > Cursor::LENGTH_MAX {
            return Err(CursorError);
        }
        let sealed = URL_SAFE_NO_PAD.decode(cursor.as_str()).map_err(|_| CursorError)?;
        let (mac, payload) = sealed.split_at_checked(MAC_BYTES).ok_or(CursorError)?;
        self.mac(viewer, list, payload).verify_truncated_left(mac).map_err(|_| CursorError)?;
        serde_json::from_slice(payload).map_err(|_| CursorError)
    }

    fn mac(&self, viewer: UserId, list: &impl Serialize, payload: &[u8]) -> Hmac<Sha256> {
        let list = serde_json::to_vec(list).unwrap_or_default();
        let mut mac = self.0.clone();
        mac.update(viewer.uuid().as_bytes());
        mac.update(&(list.len() as u64).to_be_bytes());
        mac.update(&list);
        mac.update(payload);
        mac
    }
}

#[cfg(test)]
mod tests {
    use kernel::Timestamp;

    use super::*;

    #[test]
    fn a_cursor_comes_back_for_the_same_viewer_and_list_only() {
        let signer = Signer::new(b"key");
        let [ada, ben] = [1, 2].map(|ms| UserId::new(Timestamp::from_millis(ms)));
        let cursor = signer.seal(ada, &"tea", &(7, "x"));
        let opened = |signer: &Signer, viewer, list: &str| signer.open::<(u32, String)>(viewer, &list, &cursor);
        assert_eq!(opened(&signer, ada, "tea"), Ok((7, "x".to_owned())));
        assert!(opened(&signer, ben, "tea").is_err());
        assert!(opened(&signer, ada, "teas").is_err());
        assert!(opened(&Signer::new(b"other"), ada, "tea").is_err());
        assert!(signer.open::<u32>(ada, &"tea", &cursor).is_err(), "another list's position");
    }

    #[test]
    fn a_changed_cursor_is_refused() {
        let signer = Signer::new(b"key");
        let ada = UserId::new(Timestamp::from_millis(1));
        let cursor = signer.seal(ada, &"tea", &7);
        let bytes = URL_SAFE_NO_PAD.decode(cursor.as_str()).unwrap();
        for place in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[place] ^= 1;
            let changed = Cursor::from(URL_SAFE_NO_PAD.encode(bytes));
            assert!(signer.open::<u32>(ada, &"tea", &changed).is_err(), "byte {place}");
        }
        for forged in ["", "x", "%%", &"A".repeat(Cursor::LENGTH_MAX), &"A".repeat(Cursor::LENGTH_MAX + 1)] {
            assert!(signer.open::<u32>(ada, &"tea", &Cursor::from(forged.to_owned())).is_err());
        }
    }
}
