//! Which OpenSearch, and what is Plaza's in it.

use kernel::Secret;
use serde::Deserialize;

/// Longest prefix of index names, in bytes: with kind, generation and suffix it stays far below OpenSearch's 255.
const PREFIX_BYTES_MAX: usize = 64;

/// Where search documents live when they do not live in Plaza's own index.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `http://` or `https://`, with user and password as usual. Absent: Plaza keeps the index itself.
    pub url: Option<Secret>,
    /// Begins the name of every index, so that several Plazas may share an OpenSearch: `a-z`, `0-9`, `-` and `_`, a letter
    /// first.
    pub prefix: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { url: None, prefix: "plaza-".to_owned() }
    }
}

impl Settings {
    /// Whether indexes can be named so.
    pub fn validate(&self) -> Result<(), &'static str> {
        let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if self.prefix.len() > PREFIX_BYTES_MAX {
            return Err("prefix is longer than 64 bytes");
        }
        if self.prefix.starts_with(|c: char| c.is_ascii_lowercase()) && self.prefix.chars().all(rest) {
            Ok(())
        } else {
            Err("prefix begins with a letter and goes on with a-z, 0-9, - or _")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_what_an_index_may_be_called() {
        let valid = |prefix: &str| Settings { prefix: prefix.to_owned(), ..Settings::default() }.validate().is_ok();
        assert!(Settings::default().validate().is_ok());
        assert!(valid(&"a".repeat(PREFIX_BYTES_MAX)));
        assert!(!valid(&"a".repeat(PREFIX_BYTES_MAX + 1)));
        for wrong in ["", "-a", "_a", "Plaza-", "a*", "a,b", "ä"] {
            assert!(!valid(wrong), "{wrong}");
        }
    }
}
