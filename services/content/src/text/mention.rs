//! Mentions: `@` and a handle.

/// A handle as it was mentioned, in lower case. Whether it is somebody's is for the accounts to say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle(String);

impl Handle {
    /// Longest handle that is looked for.
    pub const LENGTH_MAX: usize = 30;

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The mention that `rest` begins with, and its length including the `@`.
pub(super) fn at_start(before: Option<char>, rest: &[char]) -> Option<(Handle, usize)> {
    let (sign, word) = rest.split_first()?;
    if !is_sign(*sign) || before.is_some_and(|c| joins_handle(c) || is_sign(c) || ".+-/&#".contains(c)) {
        return None;
    }
    let length = word.iter().position(|c| !in_handle(*c)).unwrap_or(word.len());
    let after = word.get(length).copied();
    // `@ada@elsewhere` is another server's, `@adaé` another name.
    let fits = (1..=Handle::LENGTH_MAX).contains(&length) && !after.is_some_and(|c| is_sign(c) || joins_handle(c));
    fits.then(|| (Handle(word[..length].iter().map(char::to_ascii_lowercase).collect()), 1 + length))
}

const fn is_sign(c: char) -> bool {
    matches!(c, '@' | '＠')
}

const fn in_handle(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Belongs to the same word as a handle beside it. Scripts that put no spaces between words do not count.
const fn joins_handle(c: char) -> bool {
    in_handle(c) || matches!(c, '\u{c0}'..='\u{24f}' | '\u{300}'..='\u{36f}' | '\u{1e00}'..='\u{1eff}')
}
