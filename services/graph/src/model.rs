//! What two people may do to what is between them. Nothing here touches a store.

use schemas::graph::Relation;

/// People that one may follow or have asked to follow, together: so that an accepted request always has room.
pub const FOLLOWING_MAX: u64 = 7_500;
pub const BLOCKS_MAX: u64 = 10_000;
pub const MUTES_MAX: u64 = 10_000;
pub const CLOSE_FRIENDS_MAX: u64 = 1_000;

/// What one person does towards another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Side {
    pub follows: bool,
    pub requested: bool,
    pub blocks: bool,
    pub mutes: bool,
    pub close_friend: bool,
}

/// Everything between two people, seen from one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Between {
    pub mine: Side,
    pub theirs: Side,
}

/// How many a person already follows, has asked, blocks, mutes and has for close friends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    pub following: u64,
    pub requests_out: u64,
    pub blocks: u64,
    pub mutes: u64,
    pub close_friends: u64,
}

/// What a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Follows a public person, or asks a private one.
    Follow {
        private: bool,
    },
    /// Also takes a request back.
    Unfollow,
    Accept,
    Decline,
    RemoveFollower,
    Block,
    Unblock,
    Mute,
    Unmute,
    /// Counts them among the close friends.
    AddCloseFriend,
    RemoveCloseFriend,
    /// One of the two is gone.
    Forget,
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// They block me: they do not exist for me.
    NotFound,
    /// I block them.
    Blocked,
    FollowingLimit,
    BlockLimit,
    MuteLimit,
    CloseFriendLimit,
    /// They do not ask to follow me.
    NoRequest,
}

impl Between {
    /// What is between the two after I have done `act`. Doing what is done already changes nothing.
    pub fn after(self, act: Act, load: &Load) -> Result<Self, Refusal> {
        // Blocking back must be possible; everything else would tell that there is somebody.
        if self.theirs.blocks && !matches!(act, Act::Block | Act::Unblock | Act::Forget) {
            return Err(Refusal::NotFound);
        }
        let Self { mut mine, mut theirs } = self;
        match act {
            Act::Follow { .. } if mine.blocks => return Err(Refusal::Blocked),
            Act::Follow { .. } if mine.follows => {}
            Act::Follow { private } => {
                if !mine.requested && load.following + load.requests_out >= FOLLOWING_MAX {
                    return Err(Refusal::FollowingLimit);
                }
                mine.follows = !private;
                mine.requested = private;
            }
            Act::Unfollow => {
                mine.follows = false;
                mine.requested = false;
            }
            Act::Accept if theirs.follows => {}
            Act::Accept if !theirs.requested => return Err(Refusal::NoRequest),
            Act::Accept => {
                theirs.requested = false;
                theirs.follows = true;
            }
            Act::Decline => theirs.requested = false,
            Act::RemoveFollower => theirs.follows = false,
            Act::Block => {
                if !mine.blocks && load.blocks >= BLOCKS_MAX {
                    return Err(Refusal::BlockLimit);
                }
                mine = Side { blocks: true, mutes: mine.mutes, ..Side::default() };
                theirs = Side { blocks: theirs.blocks, mutes: theirs.mutes, ..Side::default() };
            }
            Act::Unblock => mine.blocks = false,
            Act::Mute => {
                if !mine.mutes && load.mutes >= MUTES_MAX {
                    return Err(Refusal::MuteLimit);
                }
                mine.mutes = true;
            }
            Act::Unmute => mine.mutes = false,
            Act::AddCloseFriend if mine.blocks => return Err(Refusal::Blocked),
            Act::AddCloseFriend => {
                if !mine.close_friend && load.close_friends >= CLOSE_FRIENDS_MAX {
                    return Err(Refusal::CloseFriendLimit);
                }
                mine.close_friend = true;
            }
            Act::RemoveCloseFriend => mine.close_friend = false,
            Act::Forget => (mine, theirs) = (Side::default(), Side::default()),
        }
        Ok(Self { mine, theirs })
    }

    /// The same, seen by the other.
    #[must_use]
    pub const fn seen_by_them(self) -> Self {
        Self { mine: self.theirs, theirs: self.mine }
    }

    /// What I may know of it: neither that they block or mute me, nor that I am a close friend of theirs.
    #[must_use]
    pub const fn relation(self) -> Relation {
        Relation {
            follows: self.mine.follows,
            requested: self.mine.requested,
            followed_by: self.theirs.follows,
            requested_by: self.theirs.requested,
            blocks: self.mine.blocks,
            mutes: self.mine.mutes,
            close_friend: self.mine.close_friend,
        }
    }
}

/// The five things that one person can do towards another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    Follow,
    Request,
    Block,
    Mute,
    CloseFriend,
}

/// An edge that begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    pub edge: Edge,
    /// Whether it goes from me to them.
    pub mine: bool,
    pub begins: bool,
}

/// What has to be written to get from `before` to `after`.
#[must_use]
pub fn changes(before: &Between, after: &Between) -> Vec<Change> {
    let mut changes = Vec::new();
    for (mine, old, new) in [(true, &before.mine, &after.mine), (false, &before.theirs, &after.theirs)] {
        let edges = [
            // A request is over before it has become a follow, for those who are told of both.
            (Edge::Request, old.requested, new.requested),
            (Edge::Follow, old.follows, new.follows),
            (Edge::Block, old.blocks, new.blocks),
            (Edge::Mute, old.mutes, new.mutes),
            (Edge::CloseFriend, old.close_friend, new.close_friend),
        ];
        let changed = edges.into_iter().filter(|(_, was, is)| was != is);
        changes.extend(changed.map(|(edge, _, begins)| Change { edge, mine, begins }));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FREE: Load = Load { following: 0, requests_out: 0, blocks: 0, mutes: 0, close_friends: 0 };
    const PUBLIC: Act = Act::Follow { private: false };
    const PRIVATE: Act = Act::Follow { private: true };

    fn after(acts: &[Act]) -> Between {
        acts.iter().fold(Between::default(), |between, act| between.after(*act, &FREE).unwrap())
    }

    #[test]
    fn a_private_person_is_asked_and_accepts() {
        let asked = after(&[PRIVATE]);
        assert_eq!(asked.relation(), Relation { requested: true, ..Relation::default() });
        let accepted = asked.seen_by_them().after(Act::Accept, &FREE).unwrap();
        assert_eq!(accepted.relation(), Relation { followed_by: true, ..Relation::default() });
        assert_eq!(accepted.after(Act::Accept, &FREE), Ok(accepted));
        let declined = asked.seen_by_them().after(Act::Decline, &FREE).unwrap();
        assert_eq!(declined.after(Act::Accept, &FREE), Err(Refusal::NoRequest));
        assert_eq!(after(&[PRIVATE, Act::Unfollow]), Between::default());
    }

    #[test]
    fn a_request_becomes_a_follow_once_the_person_is_public() {
        assert_eq!(after(&[PRIVATE, PUBLIC]), after(&[PUBLIC]));
        // And whoever follows already need not ask when the person turns private.
        assert_eq!(after(&[PUBLIC, PRIVATE]), after(&[PUBLIC]));
    }

    #[test]
    fn a_block_ends_everything_both_ways_and_hides_the_blocker() {
        let mutual = after(&[PUBLIC]).seen_by_them().after(PUBLIC, &FREE).unwrap();
        let blocked = mutual.after(Act::Block, &FREE).unwrap();
        assert_eq!(blocked.relation(), Relation { blocks: true, ..Relation::default() });
        assert_eq!(blocked.after(PUBLIC, &FREE), Err(Refusal::Blocked));
        let victim = blocked.seen_by_them();
        assert_eq!(victim.relation(), Relation::default());
        for act in [PUBLIC, Act::Unfollow, Act::Accept, Act::Decline, Act::RemoveFollower, Act::Mute, Act::Unmute] {
            assert_eq!(victim.after(act, &FREE), Err(Refusal::NotFound), "{act:?}");
        }
        let both = victim.after(Act::Block, &FREE).unwrap();
        assert!(both.mine.blocks && both.theirs.blocks);
        assert_eq!(both.after(Act::Unblock, &FREE), Ok(victim));
        assert_eq!(blocked.after(Act::Unblock, &FREE), Ok(Between::default()));
    }

    #[test]
    fn limits_hold_at_their_number_and_not_before() {
        let none = Between::default();
        let load = Load { following: FOLLOWING_MAX - 2, requests_out: 1, ..FREE };
        assert!(none.after(PUBLIC, &load).is_ok());
        let full = Load { requests_out: 2, ..load };
        assert_eq!(none.after(PUBLIC, &full), Err(Refusal::FollowingLimit));
        assert_eq!(none.after(PRIVATE, &full), Err(Refusal::FollowingLimit));
        // What is there already needs no more room.
        assert!(after(&[PUBLIC]).after(PUBLIC, &full).is_ok());
        assert!(after(&[PRIVATE]).after(PUBLIC, &full).is_ok());

        assert!(none.after(Act::Block, &Load { blocks: BLOCKS_MAX - 1, ..FREE }).is_ok());
        let full = Load { blocks: BLOCKS_MAX, mutes: MUTES_MAX, ..FREE };
        assert_eq!(none.after(Act::Block, &full), Err(Refusal::BlockLimit));
        assert!(none.after(Act::Mute, &Load { mutes: MUTES_MAX - 1, ..FREE }).is_ok());
        assert_eq!(none.after(Act::Mute, &full), Err(Refusal::MuteLimit));
        assert!(none.after(Act::AddCloseFriend, &Load { close_friends: CLOSE_FRIENDS_MAX - 1, ..FREE }).is_ok());
        let full = Load { close_friends: CLOSE_FRIENDS_MAX, ..FREE };
        assert_eq!(none.after(Act::AddCloseFriend, &full), Err(Refusal::CloseFriendLimit));
        assert!(after(&[Act::AddCloseFriend]).after(Act::AddCloseFriend, &full).is_ok());
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            Just(PUBLIC),
            Just(PRIVATE),
            Just(Act::Unfollow),
            Just(Act::Accept),
            Just(Act::Decline),
            Just(Act::RemoveFollower),
            Just(Act::Block),
            Just(Act::Unblock),
            Just(Act::Mute),
            Just(Act::Unmute),
            Just(Act::AddCloseFriend),
            Just(Act::RemoveCloseFriend),
            Just(Act::Forget),
        ]
    }

    proptest! {
        #[test]
        fn whatever_two_people_do_makes_sense(acts in proptest::collection::vec((any::<bool>(), act()), 0..40)) {
            let mut between = Between::default();
            for (by_me, act) in acts {
                let before = between;
                let seen = if by_me { between } else { between.seen_by_them() };
                let Ok(next) = seen.after(act, &FREE) else { continue };
                prop_assert_eq!(next.after(act, &FREE), Ok(next), "twice is once");
                between = if by_me { next } else { next.seen_by_them() };
                for side in [between.mine, between.theirs] {
                    prop_assert!(!(side.follows && side.requested));
                    if between.mine.blocks || between.theirs.blocks {
                        prop_assert!(!side.follows && !side.requested && !side.close_friend);
                    }
                }
                prop_assert_eq!(changes(&before, &between).is_empty(), before == between);
                prop_assert_eq!(changes(&before, &between).len(), changes(&between, &before).len());
            }
        }
    }
}
