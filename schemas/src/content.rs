//! What people publish: posts, reels, stories, comments, livestreams and listings.

use kernel::{ContentId, ContentKind, MediaId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::accounts::PersonSummary;
use crate::engagement::Engagement;
use crate::media::Attachment;

/// Who may read something, besides its author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    #[default]
    Public,
    Followers,
    /// Those on the author's list of close friends.
    CloseFriends,
    /// The author alone.
    OnlyMe,
}

impl Audience {
    pub const ALL: [Self; 4] = [Self::Public, Self::Followers, Self::CloseFriends, Self::OnlyMe];

    /// As it is called in JSON, in the database and in the index.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Followers => "followers",
            Self::CloseFriends => "close_friends",
            Self::OnlyMe => "only_me",
        }
    }
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

/// Where something was written, or is.
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

/// A piece of content of any kind, as somebody who may read it sees it. What only some kinds have is optional.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Content {
    pub id: ContentId,
    pub kind: ContentKind,
    pub author: PersonSummary,
    /// Empty where the kind needs no words.
    pub text: String,
    pub mentions: Vec<MentionSpan>,
    pub hashtags: Vec<HashtagSpan>,
    pub audience: Audience,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<Attachment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Of a comment: what it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ContentId>,
    /// Of a comment: what the thread is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<ContentId>,
    /// Of a livestream or a listing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Of a livestream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<LivestreamState>,
    /// Of a listing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Of a listing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Availability>,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// Of a story: from then on it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    pub version: u32,
    /// Left out when it cannot be told just now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engagement: Option<Engagement>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LivestreamState {
    Announced,
    Live,
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    Available,
    Reserved,
    Sold,
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// In the smallest unit of the currency.
    pub amount: u64,
    /// ISO 4217, upper case.
    pub currency: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceGiven {
    /// In the smallest unit of the currency.
    pub amount: u64,
    /// ISO 4217, upper case.
    pub currency: String,
}

/// Something to be published: one of the kinds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ContentCreate {
    Post(PostCreate),
    Reel(ReelCreate),
    Story(StoryCreate),
    Comment(CommentCreate),
    Livestream(LivestreamCreate),
    Listing(ListingCreate),
}

macro_rules! creates {
    ($($kind:ident: $create:ident),*) => {$(
        impl From<$create> for ContentCreate {
            fn from(wish: $create) -> Self {
                Self::$kind(wish)
            }
        }
    )*};
}

creates! {
    Post: PostCreate, Reel: ReelCreate, Story: StoryCreate, Comment: CommentCreate, Livestream: LivestreamCreate,
    Listing: ListingCreate
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostCreate {
    /// Empty where pictures say it all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceGiven>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<MediaId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReelCreate {
    /// A video.
    pub media: MediaId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceGiven>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoryCreate {
    /// A picture or a video.
    pub media: MediaId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommentCreate {
    /// What it answers.
    pub parent: ContentId,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LivestreamCreate {
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<LivestreamState>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListingCreate {
    pub title: String,
    pub price: PriceGiven,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceGiven>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<MediaId>,
}

/// What is to change. Each kind has its own of these.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentEdit {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceGiven>,
    /// There is only `true`: leaving it out leaves the place as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove_place: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<LivestreamState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceGiven>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Availability>,
}

/// Business event `content.created`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentCreated {
    pub content: ContentId,
    pub kind: ContentKind,
    pub author: UserId,
    pub audience: Audience,
    pub mentions: Vec<UserId>,
    pub hashtags: Vec<String>,
    /// Of a comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ContentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<ContentId>,
    pub created_at: Timestamp,
    /// Of a story.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Business event `content.edited`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentEdited {
    pub content: ContentId,
    pub kind: ContentKind,
    pub author: UserId,
    pub audience: Audience,
    pub mentions: Vec<UserId>,
    pub hashtags: Vec<String>,
    /// Of a comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ContentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<ContentId>,
    pub version: u32,
    pub edited_at: Timestamp,
}

/// Business event `content.deleted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentDeleted {
    pub content: ContentId,
    pub kind: ContentKind,
    pub author: UserId,
    /// Of a comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ContentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<ContentId>,
    pub deleted_at: Timestamp,
}

/// Business event `content.expired`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentExpired {
    pub content: ContentId,
    pub kind: ContentKind,
    pub author: UserId,
    pub expired_at: Timestamp,
}

crate::types! {
    "content":
    CommentCreate = ContentCreate,
    Content,
    ContentCreate,
    ContentCreated,
    ContentDeleted,
    ContentEdit,
    ContentEdited,
    ContentExpired,
    ContentPage = kernel::Page<Content>,
    HashtagSpan,
    ListingCreate = ContentCreate,
    LivestreamCreate = ContentCreate,
    MentionSpan,
    Place,
    PlaceGiven,
    PostCreate = ContentCreate,
    Price,
    PriceGiven,
    ReelCreate = ContentCreate,
    StoryCreate = ContentCreate,
}
