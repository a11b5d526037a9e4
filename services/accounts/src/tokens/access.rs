//! Access tokens: a JWT signed with HMAC-SHA-256 (RFC 7519, RFC 7515), good for ten minutes.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use kernel::{SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::keys::Key;

/// How long an access token is good for.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);
/// Longest access token that is looked at, in bytes.
pub const LENGTH_MAX: usize = 1024;

/// What an access token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims {
    pub user: UserId,
    pub session: SessionId,
    /// The account's token version when it was issued.
    pub version: i32,
    pub expires_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Header<'a> {
    alg: &'a str,
    kid: &'a str,
    typ: &'a str,
}

/// Times in whole seconds, as the standard wants them.
#[derive(Serialize, Deserialize)]
struct Payload {
    sub: UserId,
    sid: SessionId,
    ver: i32,
    iat: i64,
    exp: i64,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not a token of ours, or changed on its way.
    Forged,
    Expired,
}

/// A new token, and what it says: its end is a whole second.
#[must_use]
pub fn issue(user: UserId, session: SessionId, version: i32, key: &Key, now: Timestamp) -> (String, Claims) {
    let iat = now.as_millis().div_euclid(1000);
    let exp = now.plus(LIFETIME).as_millis().div_euclid(1000);
    let header = Header { alg: "HS256", kid: key.kid(), typ: "JWT" };
    let signed = format!("{}.{}", part(&header), part(&Payload { sub: user, sid: session, ver: version, iat, exp }));
    let signature = URL_SAFE_NO_PAD.encode(mac(key, &signed).finalize().into_bytes());
    let claims = Claims { user, session, version, expires_at: Timestamp::from_millis(exp * 1000) };
    (format!("{signed}.{signature}"), claims)
}

/// A token taken apart, not believed yet.
#[derive(Debug)]
pub struct Presented<'a> {
    kid: String,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Presented<'a> {
    /// `None` unless it is a JWT of the one algorithm that is used here: a token does not choose how it is checked.
    #[must_use]
    pub fn parse(token: &'a str) -> Option<Self> {
        if token.len() > LENGTH_MAX {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, _) = signed.split_once('.')?;
        let header = URL_SAFE_NO_PAD.decode(header).ok()?;
        let header: Header<'_> = serde_json::from_slice(&header).ok()?;
        if header.alg != "HS256" {
            return None;
        }
        Some(Self { kid: header.kid.to_owned(), signed, signature: URL_SAFE_NO_PAD.decode(signature).ok()? })
    }

    /// Names the key that is said to have signed it.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub fn verify(&self, key: &Key, now: Timestamp) -> Result<Claims, Refusal> {
        // Compares in constant time.
        mac(key, self.signed).verify_slice(&self.signature).map_err(|_| Refusal::Forged)?;
        let (_, payload) = self.signed.split_once('.').ok_or(Refusal::Forged)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| Refusal::Forged)?;
        let payload: Payload = serde_json::from_slice(&payload).map_err(|_| Refusal::Forged)?;
        let expires_at = Timestamp::from_millis(payload.exp.saturating_mul(1000));
        if now >= expires_at {
            return Err(Refusal::Expired);
        }
        Ok(Claims { user: payload.sub, session: payload.sid, version: payload.ver, expires_at })
    }
}

fn part(value: &impl Serialize) -> String {
    // Ids and numbers always serialise.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(value).unwrap_or_default())
}

fn mac(key: &Key, signed: &str) -> Hmac<Sha256> {
    let mut mac = key.hmac();
    mac.update(signed.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_500);

    fn key(byte: u8) -> Key {
        Key::new("k1".to_owned(), vec![byte; 32])
    }

    fn token() -> (String, Claims) {
        issue(UserId::new(NOW), SessionId::new(NOW), 3, &key(1), NOW)
    }

    #[test]
    fn a_token_says_what_was_put_into_it_until_it_expires() {
        let (token, claims) = token();
        let presented = Presented::parse(&token).unwrap();
        assert_eq!(presented.kid(), "k1");
        assert_eq!(presented.verify(&key(1), NOW), Ok(claims));
        assert_eq!(claims.version, 3);
        let last = Timestamp::from_millis(claims.expires_at.as_millis() - 1);
        assert_eq!(presented.verify(&key(1), last), Ok(claims));
        assert_eq!(presented.verify(&key(1), claims.expires_at), Err(Refusal::Expired));
    }

    #[test]
    fn another_key_and_another_algorithm_are_refused() {
        let (token, _) = token();
        assert_eq!(Presented::parse(&token).unwrap().verify(&key(2), NOW), Err(Refusal::Forged));
        let (_, rest) = token.split_once('.').unwrap();
        for header in [r#"{"alg":"none","kid":"k1","typ":"JWT"}"#, r#"{"alg":"RS256","kid":"k1","typ":"JWT"}"#, "{}"] {
            let forged = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header));
            assert!(Presented::parse(&forged).is_none(), "{header}");
        }
        assert!(Presented::parse(&"a".repeat(LENGTH_MAX + 1)).is_none());
    }

    /// RFC 7515, appendix A.1: the signature is the one that everybody else computes.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = Key::new("rfc".to_owned(), URL_SAFE_NO_PAD.decode(secret).unwrap());
        let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0\
                      dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = URL_SAFE_NO_PAD.encode(mac(&key, signed).finalize().into_bytes());
        assert_eq!(signature, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }

    proptest! {
        #[test]
        fn a_changed_token_is_never_believed(at in 0usize..400, byte in any::<char>(), noise in any::<String>()) {
            prop_assert!(Presented::parse(&noise).is_none_or(|it| it.verify(&key(1), NOW).is_err()));
            let (token, claims) = token();
            let mut chars: Vec<char> = token.chars().collect();
            let at = at % chars.len();
            chars[at] = byte;
            let changed: String = chars.into_iter().collect();
            if changed != token {
                let verdict = Presented::parse(&changed).map(|it| it.verify(&key(1), NOW));
                prop_assert!(!matches!(verdict, Some(Ok(_))), "{:?} of {:?}", verdict, claims);
            }
        }
    }
}
