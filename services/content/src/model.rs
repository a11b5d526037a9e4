//! What a post is, and who may read it.

use kernel::{PostId, Timestamp, UserId};
use schemas::content::{Audience, HashtagSpan, MentionSpan, Place, PostKind};

/// A post as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    pub id: PostId,
    pub kind: PostKind,
    pub author: UserId,
    pub audience: Audience,
    pub text: String,
    pub mentions: Vec<MentionSpan>,
    pub hashtags: Vec<HashtagSpan>,
    pub place: Option<Place>,
    pub version: u32,
    pub created_at: Timestamp,
    pub edited_at: Option<Timestamp>,
}

impl Post {
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
    /// One of the two has blocked the other.
    pub blocked: bool,
}

/// What a reader may see of one author's posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Not even that there is such a person.
    Blocked,
    Nothing,
    PublicOnly,
    Everything,
}

impl Sight {
    /// A block outweighs everything, and a private account's posts are its followers' only.
    #[must_use]
    pub fn of(reader: UserId, author: UserId, private: bool, standing: Standing) -> Self {
        if reader == author {
            Self::Everything
        } else if standing.blocked {
            Self::Blocked
        } else if standing.follows {
            Self::Everything
        } else if private {
            Self::Nothing
        } else {
            Self::PublicOnly
        }
    }

    #[must_use]
    pub fn covers(self, audience: Audience) -> bool {
        match self {
            Self::Blocked | Self::Nothing => false,
            Self::PublicOnly => audience == Audience::Public,
            Self::Everything => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sees_what() {
        let [ada, ben] = [1, 2].map(|ms| UserId::new(Timestamp::from_millis(ms)));
        for private in [false, true] {
            for follows in [false, true] {
                for blocked in [false, true] {
                    let standing = Standing { follows, blocked };
                    assert_eq!(Sight::of(ada, ada, private, standing), Sight::Everything, "one's own");
                    let wanted = match (blocked, follows, private) {
                        (true, ..) => Sight::Blocked,
                        (false, false, true) => Sight::Nothing,
                        (false, true, _) => Sight::Everything,
                        (false, false, false) => Sight::PublicOnly,
                    };
                    assert_eq!(Sight::of(ada, ben, private, standing), wanted, "{private} {standing:?}");
                }
            }
        }
        assert!(Sight::PublicOnly.covers(Audience::Public) && !Sight::PublicOnly.covers(Audience::Followers));
        assert!(!Sight::Nothing.covers(Audience::Public) && Sight::Everything.covers(Audience::Followers));
    }
}
