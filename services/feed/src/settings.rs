use serde::Deserialize;

/// How posts reach their readers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// From so many followers on, an author's posts are not written to everybody's timeline, but looked up by readers.
    /// They are written again when less than half of that is left.
    pub pull_followers_min: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { pull_followers_min: 10_000 }
    }
}
