//! Following, blocking, muting.

use kernel::{Page, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::accounts::PersonSummary;

/// How many follow a person, and how many that person follows. Exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    pub followers: u64,
    pub following: u64,
}

/// What is between me and a person, as I may know it. Being blocked, muted, or a close friend of theirs is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Relation {
    /// I follow them.
    pub follows: bool,
    /// I have asked to follow them.
    pub requested: bool,
    /// They follow me.
    pub followed_by: bool,
    /// They have asked to follow me.
    pub requested_by: bool,
    /// I block them.
    pub blocks: bool,
    /// I mute them.
    pub mutes: bool,
    /// They are on my list of close friends.
    pub close_friend: bool,
}

/// A person in a list, and when it began: the following, the request, the block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonEntry {
    pub person: PersonSummary,
    pub since: Timestamp,
}

/// What happens between two people, for the devices of one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum GraphEvent {
    #[serde(rename = "relation.changed")]
    RelationChanged { person: UserId, relation: Relation },
    #[serde(rename = "follow.requested")]
    FollowRequested { person: PersonSummary, since: Timestamp },
}

/// Business events of the graph: `source` follows, asks, blocks or mutes `target`, or no longer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeChanged {
    pub source: UserId,
    pub target: UserId,
}

crate::types! { "graph":
    Counts, Relation, PersonEntry, PersonPage = Page<PersonEntry>,
    RelationChanged = GraphEvent, FollowRequested = GraphEvent, EdgeChanged,
}
