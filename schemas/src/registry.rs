//! Which Rust type stands for which `$defs` entry, so that tests can hold the two against each other.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// One Rust type and the definition that it stands for.
#[derive(Debug, Clone, Copy)]
pub struct Type {
    pub domain: &'static str,
    /// The name in `schemas/<domain>.schema.json#/$defs`.
    pub def: &'static str,
    /// Reads a value into the type and writes it again.
    pub round_trip: fn(&Value) -> Result<Value, serde_json::Error>,
}

/// Every domain's types.
pub fn all_types() -> impl Iterator<Item = &'static Type> {
    [
        crate::accounts::TYPES,
        crate::chat::TYPES,
        crate::content::TYPES,
        crate::engagement::TYPES,
        crate::feed::TYPES,
        crate::graph::TYPES,
        crate::notifications::TYPES,
        crate::presence::TYPES,
        crate::problem::TYPES,
        crate::search::TYPES,
        crate::socket::TYPES,
    ]
    .into_iter()
    .flatten()
}

#[doc(hidden)]
pub fn round_trip<T: Serialize + DeserializeOwned>(value: &Value) -> Result<Value, serde_json::Error> {
    // From text, as at run time: a type may borrow or keep raw JSON, which no `Value` can give.
    let text = serde_json::to_string(value)?;
    serde_json::to_value(serde_json::from_str::<T>(&text)?)
}

/// Lists a domain's types: `types! { "chat": Message, MessagePage = kernel::Page<Message> }`.
///
/// The name is that of the definition; the type, when it is called otherwise, follows the equals sign.
#[macro_export]
macro_rules! types {
    ($domain:literal: $($def:ident $(= $type:ty)?),* $(,)?) => {
        pub const TYPES: &[$crate::Type] = &[$(
            $crate::Type {
                domain: $domain,
                def: stringify!($def),
                round_trip: $crate::types!(@round_trip $def $(= $type)?),
            },
        )*];
    };
    (@round_trip $def:ident) => { $crate::round_trip::<$def> };
    (@round_trip $def:ident = $type:ty) => { $crate::round_trip::<$type> };
}
