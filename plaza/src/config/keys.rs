//! Which settings exist: read off the types that hold them.
//!
//! A derived `Deserialize` tells its deserializer the names of a struct's fields. [`known`] asks for them one path at a
//! time, with a deserializer that notes the answer and gives up.

use serde::de::value::{Error, StrDeserializer};
use serde::de::{DeserializeSeed, Error as _, IntoDeserializer as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};

/// How a setting is written where there is only text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Switch,
    Whole,
    Fraction,
    Text,
    /// Texts, separated by commas.
    List,
}

/// One setting.
#[derive(Debug, Clone)]
pub struct Key {
    pub path: Vec<&'static str>,
    pub kind: Kind,
}

impl Key {
    /// As in the file and in `--set`: `postgres.url`.
    pub fn dotted(&self) -> String {
        self.path.join(".")
    }

    /// As in the environment: `PLAZA_POSTGRES_URL`.
    pub fn variable(&self) -> String {
        format!("PLAZA_{}", self.path.join("_").to_uppercase())
    }
}

/// All settings that `T` and the structs in it hold.
pub fn known<T: for<'de> Deserialize<'de>>() -> Vec<Key> {
    let mut keys = Vec::new();
    let mut open = vec![Vec::new()];
    while let Some(path) = open.pop() {
        let mut found = None;
        // Always an error: the probe stops as soon as it has its answer.
        let _ = T::deserialize(Probe { path: &path, found: &mut found });
        match found {
            Some(Found::Fields(fields)) => {
                open.extend(fields.iter().rev().map(|field| [path.as_slice(), &[*field]].concat()));
            }
            Some(Found::Value(kind)) => keys.push(Key { path, kind }),
            None => {}
        }
    }
    keys
}

/// The name that was probably meant.
pub fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (strsim::jaro_winkler(wrong, name), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

enum Found {
    Fields(&'static [&'static str]),
    Value(Kind),
}

/// Follows `path` into nested structs and notes what is at its end.
struct Probe<'a> {
    path: &'a [&'static str],
    found: &'a mut Option<Found>,
}

impl Probe<'_> {
    fn answer<T>(self, found: Found) -> Result<T, Error> {
        *self.found = Some(found);
        Err(Error::custom("found"))
    }
}

macro_rules! values {
    ($($method:ident => $kind:ident),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            self.answer(Found::Value(Kind::$kind))
        }
    )*};
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Error;

    values! {
        deserialize_any => Text, deserialize_bool => Switch, deserialize_seq => List,
        deserialize_u8 => Whole, deserialize_u16 => Whole, deserialize_u32 => Whole, deserialize_u64 => Whole,
        deserialize_i8 => Whole, deserialize_i16 => Whole, deserialize_i32 => Whole, deserialize_i64 => Whole,
        deserialize_f32 => Fraction, deserialize_f64 => Fraction,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.path.split_first() {
            None => self.answer(Found::Fields(fields)),
            Some((first, rest)) => visitor.visit_map(OneField { name: first, rest, found: self.found }),
        }
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct map enum identifier ignored_any
    }
}

/// A map with the one entry that leads on.
struct OneField<'a> {
    name: &'static str,
    rest: &'a [&'static str],
    found: &'a mut Option<Found>,
}

impl<'de> MapAccess<'de> for OneField<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let name: StrDeserializer<'_, Error> = self.name.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Probe { path: self.rest, found: self.found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn every_setting_is_found_with_its_kind() {
        let keys = known::<Config>();
        let kind = |name: &str| keys.iter().find(|key| key.dotted() == name).map(|key| key.kind);
        assert_eq!(kind("listen"), Some(Kind::Text));
        assert_eq!(kind("roles"), Some(Kind::List));
        assert_eq!(kind("postgres.url"), Some(Kind::Text));
        assert_eq!(kind("postgres.connections_max"), Some(Kind::Whole));
        assert_eq!(kind("postgres"), None, "a section is no setting");
    }

    #[test]
    fn no_two_settings_share_a_variable() {
        let mut names: Vec<_> = known::<Config>().iter().map(Key::variable).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
        let names = ["postgres.url", "listen", "roles"];
        assert_eq!(nearest("postgers.url", names.into_iter()), Some("postgres.url"));
        assert_eq!(nearest("zzz", names.into_iter()), None);
    }
}
