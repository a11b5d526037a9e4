//! What people do with content.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One of a small fixed set, so that clients can draw them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reaction {
    Like,
    Love,
    Laugh,
    Wow,
    Sad,
    Angry,
}

/// How often what was done, by all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Those that nobody gave are left out.
    pub reactions: BTreeMap<Reaction, u64>,
    pub comments: u64,
    pub shares: u64,
    pub saves: u64,
    pub views: u64,
}

/// What the caller did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mine {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reaction: Option<Reaction>,
    pub saved: bool,
    pub shared: bool,
}

/// What was done with one piece of content, as its reader sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Engagement {
    pub counts: Counts,
    pub mine: Mine,
}

crate::types! {
    "engagement":
    Counts,
    Engagement,
    Mine,
}
