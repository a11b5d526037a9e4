//! (being built)

crate::types! { "content": }
