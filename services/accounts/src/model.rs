//! What may be a handle, a name, a bio, a password, a device. Nothing here touches a store.

use std::borrow::Cow;
use std::fmt;

use kernel::{Secret, UserId};

/// How people are named in public: `@ada`. Kept in lower case; input in any case is taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(String);

impl Handle {
    pub const LENGTH_MIN: usize = 3;
    pub const LENGTH_MAX: usize = 30;

    pub fn parse(text: &str) -> Result<Self, Violation> {
        let handle = Self::shape(text).ok_or(Violation::Handle)?;
        // An id in its text form is a handle by shape; it must never be somebody else's handle.
        if RESERVED.contains(&handle.as_str()) || handle.as_str().starts_with("usr_") {
            return Err(Violation::HandleReserved);
        }
        Ok(handle)
    }

    /// Like [`Handle::parse`], for looking one up: also takes those that nobody can register.
    #[must_use]
    pub fn shape(text: &str) -> Option<Self> {
        let fits = (Self::LENGTH_MIN..=Self::LENGTH_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        fits.then(|| Self(text.to_ascii_lowercase()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names that would let one person speak for the place, or for everybody.
const RESERVED: &[&str] = &[
    "admin",
    "administrator",
    "all",
    "anonymous",
    "channel",
    "deleted",
    "everyone",
    "here",
    "moderator",
    "nobody",
    "null",
    "official",
    "plaza",
    "root",
    "security",
    "staff",
    "support",
    "system",
    "undefined",
];

/// A person in a path: by id, or by handle in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonRef {
    Id(UserId),
    Handle(Handle),
}

impl PersonRef {
    /// `None` when no person can be called that.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().map(Self::Id).ok().or_else(|| Handle::shape(text).map(Self::Handle))
    }
}

/// Longest name, in characters, after blanks at its ends are cut off.
pub const NAME_LENGTH_MAX: usize = 50;
/// Longest bio, in characters.
pub const BIO_LENGTH_MAX: usize = 300;
/// Longest name of a device, in characters.
pub const DEVICE_LENGTH_MAX: usize = 60;
/// Shortest and longest password, in characters.
pub const PASSWORD_LENGTH_MIN: usize = 10;
pub const PASSWORD_LENGTH_MAX: usize = 256;

pub fn name(text: &str) -> Result<String, Violation> {
    line(text, NAME_LENGTH_MAX).ok_or(Violation::Name)
}

pub fn bio(text: &str) -> Result<String, Violation> {
    let bio = text.trim();
    let fits = bio.chars().count() <= BIO_LENGTH_MAX && bio.chars().all(|c| c == '\n' || is_plain(c));
    fits.then(|| bio.to_owned()).ok_or(Violation::Bio)
}

pub fn device(text: &str) -> Result<String, Violation> {
    line(text, DEVICE_LENGTH_MAX).ok_or(Violation::Device)
}

fn line(text: &str, length_max: usize) -> Option<String> {
    let line = text.trim();
    let fits = (1..=length_max).contains(&line.chars().count()) && line.chars().all(is_plain);
    fits.then(|| line.to_owned())
}

/// No control characters, and none that turn the direction of the text around them (which lets one name pass for
/// another).
fn is_plain(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Whether `text` will do as the password of `handle`.
pub fn password(text: String, handle: &Handle) -> Result<Secret, Violation> {
    if !(PASSWORD_LENGTH_MIN..=PASSWORD_LENGTH_MAX).contains(&text.chars().count()) {
        return Err(Violation::PasswordLength);
    }
    let plain = text.to_lowercase();
    let core = plain.trim_matches(|c: char| !c.is_alphabetic());
    let one_character = plain.chars().all(|c| plain.starts_with(c));
    let common = COMMON.iter().any(|common| plain == *common || (core == *common && plain.len() <= core.len() + 4));
    if one_character || common || core == handle.as_str() || plain == handle.as_str() {
        return Err(Violation::PasswordGuessable);
    }
    Ok(Secret::new(text))
}

/// The start of every list of leaked passwords, as far as it is ten characters long or becomes so by a few digits.
const COMMON: &[&str] = &[
    "0123456789",
    "1029384756",
    "1122334455",
    "1234512345",
    "1234567890",
    "12345678910",
    "123456789a",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "a123456789",
    "abcdefghij",
    "administrator",
    "asdfghjkl",
    "asdfghjkl1",
    "basketball",
    "changeme",
    "computer",
    "correcthorsebatterystaple",
    "football",
    "iloveyou",
    "letmein",
    "letmeinplease",
    "liverpool",
    "manchester",
    "monkey",
    "passw0rd",
    "password",
    "passwordpassword",
    "princess",
    "q1w2e3r4t5",
    "qazwsxedc",
    "qwerasdfzxcv",
    "qwerty",
    "qwertyqwerty",
    "qwertyuiop",
    "sunshine",
    "superman",
    "trustno1",
    "welcome",
    "zxcvbnm",
];

/// A rule that a request broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("A handle is 3 to 30 letters a to z, digits and underscores.")]
    Handle,
    #[error("This handle is reserved.")]
    HandleReserved,
    #[error("A name is 1 to 50 characters on one line.")]
    Name,
    #[error("A bio is at most 300 characters, without control characters.")]
    Bio,
    #[error("A password is 10 to 256 characters.")]
    PasswordLength,
    #[error("This password is easily guessed: it is very common, or it is the handle.")]
    PasswordGuessable,
    #[error("The name of a device is 1 to 60 characters on one line.")]
    Device,
}

impl Violation {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Handle | Self::HandleReserved => "invalid_handle",
            Self::Name => "invalid_name",
            Self::Bio => "invalid_bio",
            Self::PasswordLength | Self::PasswordGuessable => "weak_password",
            Self::Device => "invalid_device",
        }
    }

    /// The member of the request that usually holds it.
    #[must_use]
    pub const fn pointer(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Handle | Self::HandleReserved => "/handle",
            Self::Name => "/name",
            Self::Bio => "/bio",
            Self::PasswordLength | Self::PasswordGuessable => "/password",
            Self::Device => "/device/name",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Timestamp;
    use proptest::prelude::*;

    fn ada() -> Handle {
        Handle::parse("ada").unwrap()
    }

    #[test]
    fn handles_are_three_to_thirty_of_a_small_alphabet() {
        assert_eq!(Handle::parse("Ada_99").unwrap().as_str(), "ada_99");
        assert!(Handle::parse("abc").is_ok());
        assert!(Handle::parse(&"a".repeat(30)).is_ok());
        for wrong in ["", "ab", &"a".repeat(31), "ada lovelace", "ada-l", "adä", "ada\n"] {
            assert_eq!(Handle::parse(wrong), Err(Violation::Handle), "{wrong:?}");
        }
    }

    #[test]
    fn nobody_is_called_everyone_or_like_an_id() {
        assert_eq!(Handle::parse("Everyone"), Err(Violation::HandleReserved));
        let id = UserId::new(Timestamp::from_millis(1));
        assert_eq!(Handle::parse(&id.to_string()), Err(Violation::HandleReserved));
        assert_eq!(PersonRef::parse(&id.to_string()), Some(PersonRef::Id(id)));
        assert_eq!(PersonRef::parse("ADA"), Some(PersonRef::Handle(ada())));
        assert_eq!(PersonRef::parse("a b"), None);
    }

    #[test]
    fn names_end_at_fifty_characters_and_stay_on_one_line() {
        assert_eq!(name("  Ada  ").as_deref(), Ok("Ada"));
        assert!(name(&"é".repeat(50)).is_ok());
        for wrong in ["", "   ", &"é".repeat(51), "two\nlines", "rtl\u{202E}", "bell\u{7}"] {
            assert_eq!(name(wrong), Err(Violation::Name), "{wrong:?}");
        }
    }

    #[test]
    fn bios_end_at_three_hundred_characters() {
        assert!(bio("").is_ok());
        assert!(bio("two\nlines").is_ok());
        assert!(bio(&"é".repeat(300)).is_ok());
        assert_eq!(bio(&"é".repeat(301)), Err(Violation::Bio));
        assert_eq!(bio("nul\0"), Err(Violation::Bio));
    }

    #[test]
    fn device_names_end_at_sixty_characters() {
        assert!(device(&"d".repeat(60)).is_ok());
        assert_eq!(device(&"d".repeat(61)), Err(Violation::Device));
        assert_eq!(device(" "), Err(Violation::Device));
    }

    #[test]
    fn passwords_are_ten_to_two_hundred_and_fifty_six_characters() {
        let try_it = |text: &str| password(text.to_owned(), &ada()).map(drop);
        assert_eq!(try_it("ünguessab"), Err(Violation::PasswordLength));
        assert_eq!(try_it("ünguessabl"), Ok(()));
        let long: String = "ü7".chars().cycle().take(256).collect();
        assert_eq!(try_it(&long), Ok(()));
        assert_eq!(try_it(&format!("{long}x")), Err(Violation::PasswordLength));
    }

    #[test]
    fn guessable_passwords_are_refused() {
        let handle = Handle::parse("lovelace_ada").unwrap();
        for text in ["aaaaaaaaaaaa", "1234567890", "Password123", "iloveyou!!", "Lovelace_Ada", "lovelace_ada1815"] {
            assert_eq!(password(text.to_owned(), &handle), Err(Violation::PasswordGuessable), "{text}");
        }
        assert!(password("password of my own making".to_owned(), &handle).is_ok());
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_keeps_its_rules(text in any::<String>()) {
            if let Ok(handle) = Handle::parse(&text) {
                prop_assert_eq!(Handle::parse(handle.as_str()), Ok(handle.clone()));
                prop_assert_eq!(PersonRef::parse(&text), Some(PersonRef::Handle(handle)));
            }
            if let Ok(name) = name(&text) {
                prop_assert!(name.chars().count() <= NAME_LENGTH_MAX && !name.contains('\n'));
            }
            if let Ok(secret) = password(text.clone(), &ada()) {
                prop_assert_eq!(secret.expose(), text);
            }
        }
    }
}
