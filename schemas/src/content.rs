//! Posts.

use kernel::{PostId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::accounts::PersonSummary;

/// Who may read a post, besides its author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    #[default]
    Public,
    Followers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostKind {
    Text,
}

/// Code points `start..end` of the text name a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MentionSpan {
    pub user: UserId,
    pub start: u32,
    pub end: u32,
}

/// Code points `start..end` of the text are a hashtag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashtagSpan {
    pub tag: String,
    pub start: u32,
    pub end: u32,
}

/// Where a post was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceGiven {
    pub latitude: f64,
    pub longitude: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Post {
    pub id: PostId,
    pub kind: PostKind,
    pub author: PersonSummary,
    pub text: String,
    pub mentions: Vec<MentionSpan>,
    pub hashtags: Vec<HashtagSpan>,
    pub audience: Audience,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    pub version: u32,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostCreate {
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceGiven>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostEdit {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceGiven>,
    /// There is only `true`: leaving it out leaves the place as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove_place: Option<bool>,
}

/// Business event `post.created`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostCreated {
    pub post: PostId,
    pub kind: PostKind,
    pub author: UserId,
    pub audience: Audience,
    pub mentions: Vec<UserId>,
    pub hashtags: Vec<String>,
    pub created_at: Timestamp,
}

/// Business event `post.edited`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostEdited {
    pub post: PostId,
    pub kind: PostKind,
    pub author: UserId,
    pub audience: Audience,
    pub mentions: Vec<UserId>,
    pub hashtags: Vec<String>,
    pub version: u32,
    pub edited_at: Timestamp,
}

/// Business event `post.deleted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostDeleted {
    pub post: PostId,
    pub kind: PostKind,
    pub author: UserId,
    pub deleted_at: Timestamp,
}

crate::types! {
    "content":
    HashtagSpan,
    MentionSpan,
    Place,
    PlaceGiven,
    Post,
    PostCreate,
    PostCreated,
    PostDeleted,
    PostEdit,
    PostEdited,
    PostPage = kernel::Page<Post>,
}
