//! (being built)

crate::types! { "socket": }
