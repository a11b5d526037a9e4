//! (being built)

crate::types! { "presence": }
