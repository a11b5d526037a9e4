//! JSON from outside, read strictly: request bodies and the data of socket commands.

use std::fmt;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};
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

/// Greatest whole number that every JSON library keeps exact.
pub const WHOLE_MAX: u64 = (1 << 53) - 1;

/// How serde refuses `7.0` where it was asked for a whole number.
const FRACTION_REFUSED: &str = "invalid type: floating point";

/// Reads an object. It must fit `T`, hold no `null`, and be all there is.
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, Unfit> {
    read_as::<Whole>(text)?;
    read_as(text).or_else(|unfit| match &unfit {
        Unfit::Invalid(problem) if problem.message.starts_with(FRACTION_REFUSED) => read_as(&with_whole_numbers(text)?),
        _ => Err(unfit),
    })
}

/// A member's whole number, at most [`WHOLE_MAX`].
pub fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = u64::deserialize(deserializer)?;
    if number > WHOLE_MAX {
        return Err(serde::de::Error::custom(format_args!("a whole number is at most {WHOLE_MAX}")));
    }
    Ok(number)
}

/// The same of a member that may be absent; with it goes `#[serde(default)]`.
pub fn whole_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    whole(deserializer).map(Some)
}

/// `text` with `7` for `7.0`: JSON Schema, and so our contracts, take both for the same whole number, and libraries of languages
/// with one type for numbers may write either.
fn with_whole_numbers(text: &[u8]) -> Result<Vec<u8>, Unfit> {
    fn make_whole(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(make_whole),
            Value::Object(members) => members.values_mut().for_each(make_whole),
            Value::Number(number) => {
                let found = number.as_f64().filter(|it| it.fract() == 0.0 && it.abs() <= WHOLE_MAX as f64);
                if let Some(found) = found.filter(|_| number.is_f64()) {
                    *number = Number::from(found as i64);
                }
            }
            _ => {}
        }
    }
    let malformed = |error: serde_json::Error| Unfit::Malformed(error.to_string());
    let mut value = serde_json::from_slice(text).map_err(malformed)?;
    make_whole(&mut value);
    serde_json::to_vec(&value).map_err(malformed)
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

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
    enum Counted {
        Egg {
            #[serde(deserialize_with = "whole")]
            count: u64,
            #[serde(default)]
            grams: f64,
        },
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_fraction_of_nothing() {
        for (text, wanted) in
            [("7", 7), ("7.0", 7), ("7e2", 700), ("9007199254740991", WHOLE_MAX), ("9007199254740991.0", WHOLE_MAX)]
        {
            let read = read::<Counted>(format!(r#"{{"kind":"egg","count":{text},"grams":60.5}}"#).as_bytes()).unwrap();
            assert_eq!(read, Counted::Egg { count: wanted, grams: 60.5 }, "{text}");
        }
        for text in ["7.5", "-7.0", "9007199254740992", "9007199254740992.0", "1e300", "1e999", "\"7\""] {
            let refused = read::<Counted>(format!(r#"{{"kind":"egg","count":{text}}}"#).as_bytes());
            assert!(refused.is_err(), "{text}: {refused:?}");
        }
    }
}
