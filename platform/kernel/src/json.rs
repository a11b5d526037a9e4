//! JSON from outside, read strictly: request bodies and the data of socket commands.

use std::fmt;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_path_to_error::Segment;

use crate::{ErrorKind, Problem};

/// Why a text was not read.
#[derive(Debug)]
pub enum Unfit {
    /// It is not JSON (RFC 8259), for this reason.
    Malformed(String),
    /// It is JSON, and not what was asked for: `invalid_body`, with a pointer to the member (RFC 6901).
    Invalid(Problem),
}

impl From<Unfit> for Problem {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Malformed(why) => Self::new(ErrorKind::Invalid, "invalid_body", why),
            Unfit::Invalid(problem) => problem,
        }
    }
}

/// Reads an object. It must fit `T`, hold no `null`, and be all there is.
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, Unfit> {
    read_as::<Whole>(text)?;
    read_as(text)
}

fn read_as<T: DeserializeOwned>(text: &[u8]) -> Result<T, Unfit> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        if !error.inner().is_data() {
            return Unfit::Malformed(error.inner().to_string());
        }
        let pointer = pointer(error.path());
        Unfit::Invalid(Problem::new(ErrorKind::Invalid, "invalid_body", sentence(error.inner())).at(pointer))
    })?;
    deserializer.end().map_err(|error| Unfit::Malformed(error.to_string()))?;
    Ok(value)
}

/// Lets pass what any request may be: an object, without a `null` in it.
///
/// serde would take an array for a struct's members in their order, and a `null` for an absent member; a client that
/// sends `null` means something by it, and must not believe that it was done.
struct Whole;

/// Any value but `null`.
struct Present;

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Whole;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Whole, A::Error> {
                Present.visit_map(members).map(|_| Whole)
            }
        }
        deserializer.deserialize_any(Object)
    }
}

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Present {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value; leave the member out instead")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        while members.next_entry::<IgnoredAny, Self>()?.is_some() {}
        Ok(self)
    }
}

/// What serde says, less the place in the text: the pointer says where.
fn sentence(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "read by serde only")]
    struct Note {
        text: String,
        #[serde(default)]
        tags: Vec<String>,
    }

    /// The pointer of what is invalid; `None` for what is no JSON.
    fn refused(text: &str) -> Option<String> {
        match read::<Note>(text.as_bytes()).unwrap_err() {
            Unfit::Malformed(_) => None,
            Unfit::Invalid(problem) => {
                assert_eq!(problem.code, "invalid_body");
                problem.pointer.map(String::from)
            }
        }
    }

    #[test]
    fn a_refusal_points_to_the_member() {
        let cases = [
            (r#"{"text":7}"#, "/text"),
            (r#"{"text":"x","tags":["a",1]}"#, "/tags/1"),
            (r#"{"text":"x","tag":[]}"#, "/tag"),
            (r"{}", ""),
            (r#"["x",[]]"#, ""),
            (r#"{"text":"x","tags":null}"#, "/tags"),
            (r#"{"text":"x","tags":[[null]]}"#, "/tags/0/0"),
            ("7", ""),
        ];
        for (text, pointer) in cases {
            assert_eq!(refused(text).as_deref(), Some(pointer), "{text}");
        }
        for text in ["", r#"{"text":"#, r#"{"text":"x"} x"#] {
            assert_eq!(refused(text), None, "{text}");
        }
    }
}
