//! (being built)

crate::types! { "chat": }
