//! What content is, and who may read it.

use kernel::{ContentId, MediaId, Timestamp, UserId};
use schemas::content::{Audience, Availability, HashtagSpan, LivestreamState, MentionSpan, Place, Price};

/// A piece of content of any kind, as it is kept. See [`schemas::content::Content`] for which kinds have what.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    pub id: ContentId,
    pub author: UserId,
    /// Of a comment: that of what its thread is about, as it was when last looked at. Never judged by.
    pub audience: Audience,
    pub text: String,
    pub mentions: Vec<MentionSpan>,
    pub hashtags: Vec<HashtagSpan>,
    pub media: Vec<MediaId>,
    pub place: Option<Place>,
    pub thread: Option<Thread>,
    pub title: Option<String>,
    pub state: Option<LivestreamState>,
    pub price: Option<Price>,
    pub availability: Option<Availability>,
    pub version: u32,
    pub created_at: Timestamp,
    pub edited_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
}

/// Where a comment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thread {
    /// What it answers.
    pub parent: ContentId,
    /// What all of it is about: never a comment.
    pub root: ContentId,
    /// 1 right below the root.
    pub depth: i16,
}

impl Content {
    /// Whether its time is over.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Distinct people who are mentioned, in the order of the text.
    #[must_use]
    pub fn mentioned(&self) -> Vec<UserId> {
        let mut people = Vec::with_capacity(self.mentions.len());
        for mention in &self.mentions {
            if !people.contains(&mention.user) {
                people.push(mention.user);
            }
        }
        people
    }

    /// Distinct hashtags, in the order of the text.
    #[must_use]
    pub fn tags(&self) -> Vec<String> {
        let mut tags: Vec<String> = Vec::with_capacity(self.hashtags.len());
        for hashtag in &self.hashtags {
            if !tags.contains(&hashtag.tag) {
                tags.push(hashtag.tag.clone());
            }
        }
        tags
    }
}

/// What the graph says of a reader and an author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// The reader follows the author.
    pub follows: bool,
    /// The author counts the reader among the close friends.
    pub close_friend: bool,
    /// One of the two has blocked the other.
    pub blocked: bool,
}

/// What a reader may see of what one author published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Not even that there is such a person.
    Blocked,
    Partly {
        public: bool,
        followers: bool,
        close_friends: bool,
    },
    /// One's own.
    Everything,
}

impl Sight {
    /// A block outweighs everything. What a private account publishes is its followers' only, but for close friends, each of
    /// whom the author chose.
    #[must_use]
    pub fn of(reader: UserId, author: UserId, private: bool, standing: Standing) -> Self {
        if reader == author {
            return Self::Everything;
        }
        let Standing { follows, close_friend, blocked } = standing;
        if blocked {
            return Self::Blocked;
        }
        Self::Partly { public: follows || !private, followers: follows, close_friends: close_friend }
    }

    #[must_use]
    pub const fn covers(self, audience: Audience) -> bool {
        match self {
            Self::Blocked => false,
            Self::Everything => true,
            Self::Partly { public, followers, close_friends } => match audience {
                Audience::Public => public,
                Audience::Followers => followers,
                Audience::CloseFriends => close_friends,
                Audience::OnlyMe => false,
            },
        }
    }

    /// The audiences that the reader is in.
    #[must_use]
    pub fn audiences(self) -> Vec<Audience> {
        Audience::ALL.into_iter().filter(|audience| self.covers(*audience)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sees_what() {
        use Audience::{CloseFriends, Followers, Public};
        let [ada, ben] = [1, 2].map(|ms| UserId::new(Timestamp::from_millis(ms)));
        for bits in 0..16 {
            let [private, follows, close_friend, blocked] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
            let standing = Standing { follows, close_friend, blocked };
            assert_eq!(Sight::of(ada, ada, private, standing).audiences(), Audience::ALL, "one's own");
            let mut wanted = match (blocked, follows, private) {
                (true, ..) | (false, false, true) => vec![],
                (false, true, _) => vec![Public, Followers],
                (false, false, false) => vec![Public],
            };
            if close_friend && !blocked {
                wanted.push(CloseFriends);
            }
            let sight = Sight::of(ada, ben, private, standing);
            assert_eq!((sight.audiences(), sight == Sight::Blocked), (wanted, blocked), "{private} {standing:?}");
        }
    }
}
