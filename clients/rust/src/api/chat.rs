//! Rooms and who is in them. What is said there is heard by the socket.

use kernel::{Cursor, Page, RoomId, UserId};
use reqwest::Method;
use schemas::chat::{Member, MembersAdd, MembersAdded, Role, RoleChange, Room, RoomChanges, RoomCreate, RoomPatch};

use super::{Request, Session};
use crate::ApiError;

impl Session {
    pub async fn create_room(&self, room: &RoomCreate) -> Result<Room, ApiError> {
        self.create("/v1/rooms", room).await
    }

    /// The room of the two of us; made if there is none yet.
    pub async fn direct(&self, user: UserId) -> Result<Room, ApiError> {
        self.create_room(&RoomCreate::Direct { user }).await
    }

    pub async fn group(&self, name: &str, members: &[UserId]) -> Result<Room, ApiError> {
        self.create_room(&RoomCreate::Group { name: name.to_owned(), members: members.to_vec() }).await
    }

    pub async fn room(&self, room: RoomId) -> Result<Room, ApiError> {
        self.get(&format!("/v1/rooms/{room}")).await
    }

    pub async fn update_room(&self, room: RoomId, patch: &RoomPatch) -> Result<Room, ApiError> {
        self.send(Request::new(Method::PATCH, &format!("/v1/rooms/{room}")).body(patch)).await
    }

    /// What changed among our rooms since `changed_after`, which is the cursor of an earlier call; without it, all of them.
    pub async fn rooms(&self, changed_after: Option<&Cursor>, limit: u32) -> Result<RoomChanges, ApiError> {
        let request = Request::new(Method::GET, "/v1/rooms").page(None, limit);
        let since = changed_after.map(|cursor| ("changed_after", cursor.as_str()));
        self.send(request.query(since.as_slice())).await
    }

    pub async fn members(&self, room: RoomId, cursor: Option<&Cursor>, limit: u32) -> Result<Page<Member>, ApiError> {
        self.send(Request::new(Method::GET, &format!("/v1/rooms/{room}/members")).page(cursor, limit)).await
    }

    pub async fn set_role(&self, room: RoomId, user: UserId, role: Role) -> Result<(), ApiError> {
        let path = format!("/v1/rooms/{room}/members/{user}");
        self.send(Request::new(Method::PATCH, &path).body(&RoleChange { role })).await
    }

    pub async fn add_members(&self, room: RoomId, users: &[UserId]) -> Result<MembersAdded, ApiError> {
        self.create(&format!("/v1/rooms/{room}/members"), &MembersAdd { users: users.to_vec() }).await
    }

    pub async fn remove_member(&self, room: RoomId, user: UserId) -> Result<(), ApiError> {
        self.delete(&format!("/v1/rooms/{room}/members/{user}")).await
    }
}
