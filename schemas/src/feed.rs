//! (being built)

crate::types! { "feed": }
