//! Lists are read a page at a time, behind an opaque cursor.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// One page of a list. `next` is absent on the last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// A page out of up to `size + 1` items: the one too many tells that there is more, and `cursor` is asked for the
    /// position of the last one kept.
    pub fn cut(mut items: Vec<T>, size: PageSize, cursor: impl Fn(&T) -> Cursor) -> Self {
        let more = items.len() > size.get();
        items.truncate(size.get());
        let next = if more { items.last().map(cursor) } else { None };
        Self { items, next }
    }

    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next: self.next }
    }
}

/// Where a page ends, as text that means nothing to the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this cursor was not made by this list")]
pub struct CursorError;

impl Cursor {
    /// Longest cursor that is read, in bytes.
    pub const LENGTH_MAX: usize = 512;

    pub fn encode(position: &impl Serialize) -> Self {
        // A position is a tuple of ids, times and numbers, which always serialise.
        Self(URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).unwrap_or_default()))
    }

    pub fn decode<P: DeserializeOwned>(&self) -> Result<P, CursorError> {
        if self.0.len() > Self::LENGTH_MAX {
            return Err(CursorError);
        }
        let bytes = URL_SAFE_NO_PAD.decode(&self.0).map_err(|_| CursorError)?;
        serde_json::from_slice(&bytes).map_err(|_| CursorError)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Cursor {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// How many items a page may hold: 1 to 100, 50 unless told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct PageSize(u32);

impl PageSize {
    pub const DEFAULT: Self = Self(50);
    pub const MAX: Self = Self(100);

    #[must_use]
    pub const fn get(self) -> usize {
        self.0 as usize
    }

    /// What a store is asked for: one more than the page holds, to learn whether there is more.
    #[must_use]
    pub const fn plus_one(self) -> i64 {
        self.0 as i64 + 1
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl TryFrom<u32> for PageSize {
    type Error = &'static str;

    fn try_from(size: u32) -> Result<Self, &'static str> {
        if (1..=Self::MAX.0).contains(&size) { Ok(Self(size)) } else { Err("a page holds 1 to 100 items") }
    }
}

impl From<PageSize> for u32 {
    fn from(size: PageSize) -> Self {
        size.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_a_forged_one_is_refused() {
        let cursor = Cursor::encode(&(7u64, "x"));
        assert_eq!(cursor.decode::<(u64, String)>(), Ok((7, "x".to_owned())));
        assert_eq!(cursor.decode::<u64>(), Err(CursorError));
        assert_eq!(Cursor::from("%%".to_owned()).decode::<u64>(), Err(CursorError));
        assert_eq!(Cursor::from("A".repeat(513)).decode::<u64>(), Err(CursorError));
    }

    #[test]
    fn page_sizes_end_at_one_hundred() {
        assert!(PageSize::try_from(0).is_err());
        assert!(PageSize::try_from(100).is_ok());
        assert!(PageSize::try_from(101).is_err());
    }

    #[test]
    fn one_item_too_many_means_there_is_a_next_page() {
        let size = PageSize(2);
        assert_eq!(Page::cut(vec![1, 2], size, Cursor::encode).next, None);
        let page = Page::cut(vec![1, 2, 3], size, Cursor::encode);
        assert_eq!((page.items, page.next), (vec![1, 2], Some(Cursor::encode(&2))));
    }
}
