//! The rules of rooms and messages, and their limits.

use kernel::UserId;
use schemas::chat::{Posting, Role, RoomKind};

use crate::error::Error;

/// Characters of a message.
pub const TEXT_CHARS_MAX: usize = 4_000;
/// Bytes of a message: 4,000 characters of any script, though not 4,000 emoji.
pub const TEXT_BYTES_MAX: usize = 12_000;
/// People that one message mentions.
pub const MENTIONS_MAX: usize = 50;
/// Characters of a room's name.
pub const NAME_CHARS_MAX: usize = 80;
/// Bytes of one emoji: a family of four with skin tones has 41.
pub const EMOJI_BYTES_MAX: usize = 64;
/// Members of a group; admins of a channel.
pub const MEMBERS_MAX: usize = 1_000;
/// People added by one request.
pub const ADDED_AT_ONCE_MAX: usize = 1_000;
/// Rooms that one person is in.
pub const ROOMS_PER_PERSON_MAX: i32 = 500;
/// Receipts are told in rooms of at most so many members.
pub const RECEIPTS_MEMBERS_MAX: u32 = 100;
/// Typing is told in rooms of at most so many members.
pub const TYPING_MEMBERS_MAX: u32 = 250;

/// How a person stands towards a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub kind: RoomKind,
    pub posting: Posting,
    pub member_count: u32,
    /// `None`: not a member.
    pub role: Option<Role>,
    /// Whom a direct room is with.
    pub other: Option<UserId>,
}

/// What is done in a room that not everybody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Read,
    Post,
    /// Change its name or who may post.
    Change,
    Add,
    Remove {
        oneself: bool,
        role: Role,
    },
    SetRole,
    DeleteOfOthers,
}

impl Standing {
    /// Whether the person may do it; else why not.
    pub fn may(&self, act: Act) -> Result<(), Error> {
        let Some(role) = self.role else {
            return match (self.kind, act) {
                (RoomKind::Channel, Act::Read) => Ok(()),
                (RoomKind::Channel, Act::Post) if self.posting == Posting::Everyone => Ok(()),
                (RoomKind::Channel, _) => Err(Error::RoleRequired),
                _ => Err(Error::RoomNotFound),
            };
        };
        if self.kind == RoomKind::Direct {
            return match act {
                Act::Read | Act::Post => Ok(()),
                Act::DeleteOfOthers => Err(Error::NotAuthor),
                _ => Err(Error::DirectIsFixed),
            };
        }
        let allowed = match act {
            Act::Read => true,
            Act::Post => self.posting == Posting::Everyone || role >= Role::Admin,
            Act::Change | Act::Add => role >= Role::Admin,
            Act::Remove { oneself: true, .. } => true,
            Act::Remove { oneself: false, role: of } => role >= Role::Admin && role > of,
            Act::SetRole => role == Role::Owner,
            Act::DeleteOfOthers if role < Role::Admin => return Err(Error::NotAuthor),
            Act::DeleteOfOthers => true,
        };
        if allowed { Ok(()) } else { Err(Error::RoleRequired) }
    }
}

/// A room's name, without the blanks around it.
pub fn name(text: &str) -> Result<String, Error> {
    let name = text.trim();
    let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err(Error::NameInvalid) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(kind: RoomKind, role: Option<Role>, posting: Posting) -> Standing {
        Standing { kind, posting, member_count: 3, role, other: None }
    }

    #[test]
    fn who_is_not_in_a_room_does_not_learn_of_it_unless_it_is_open() {
        let group = standing(RoomKind::Group, None, Posting::Everyone);
        assert!(matches!(group.may(Act::Read), Err(Error::RoomNotFound)));
        assert!(matches!(group.may(Act::Add), Err(Error::RoomNotFound)));
        let channel = standing(RoomKind::Channel, None, Posting::Staff);
        assert!(channel.may(Act::Read).is_ok());
        assert!(matches!(channel.may(Act::Post), Err(Error::RoleRequired)));
        assert!(standing(RoomKind::Channel, None, Posting::Everyone).may(Act::Post).is_ok());
    }

    #[test]
    fn roles_of_a_group_allow_what_they_should() {
        let of = |role| standing(RoomKind::Group, Some(role), Posting::Everyone);
        let remove = |role| Act::Remove { oneself: false, role };
        for (act, member, admin, owner) in [
            (Act::Read, true, true, true),
            (Act::Post, true, true, true),
            (Act::Change, false, true, true),
            (Act::Add, false, true, true),
            (Act::Remove { oneself: true, role: Role::Owner }, true, true, true),
            (remove(Role::Member), false, true, true),
            (remove(Role::Admin), false, false, true),
            (remove(Role::Owner), false, false, false),
            (Act::SetRole, false, false, true),
            (Act::DeleteOfOthers, false, true, true),
        ] {
            let allowed = [Role::Member, Role::Admin, Role::Owner].map(|role| of(role).may(act).is_ok());
            assert_eq!(allowed, [member, admin, owner], "{act:?}");
        }
        assert!(of(Role::Member).may(Act::Post).is_ok());
        let quiet = standing(RoomKind::Channel, Some(Role::Member), Posting::Staff);
        assert!(matches!(quiet.may(Act::Post), Err(Error::RoleRequired)));
    }

    #[test]
    fn a_direct_room_is_for_two_and_for_talking() {
        let direct = standing(RoomKind::Direct, Some(Role::Member), Posting::Everyone);
        assert!(direct.may(Act::Post).is_ok());
        assert!(matches!(direct.may(Act::Add), Err(Error::DirectIsFixed)));
        let leave = Act::Remove { oneself: true, role: Role::Member };
        assert!(matches!(direct.may(leave), Err(Error::DirectIsFixed)));
        assert!(matches!(direct.may(Act::DeleteOfOthers), Err(Error::NotAuthor)));
    }

    #[test]
    fn names_end_at_eighty_characters() {
        assert_eq!(name("  Tea room ").unwrap(), "Tea room");
        assert!(name(&"ü".repeat(80)).is_ok());
        for wrong in [&"ü".repeat(81), "", "   ", "two\nlines"] {
            assert!(name(wrong).is_err(), "{wrong:?}");
        }
    }
}
