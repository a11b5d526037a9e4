//! (being built)

crate::types! { "graph": }
