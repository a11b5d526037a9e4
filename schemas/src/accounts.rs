//! (being built)

crate::types! { "accounts": }
