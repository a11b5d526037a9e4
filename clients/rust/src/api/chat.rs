//! Rooms. Messages are said, and heard, by the socket.

use kernel::{RoomId, UserId};
use reqwest::Method;
use schemas::chat::{MembersAdd, MembersAdded, Room, RoomCreate, RoomPatch};

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

    pub async fn add_members(&self, room: RoomId, users: &[UserId]) -> Result<MembersAdded, ApiError> {
        self.create(&format!("/v1/rooms/{room}/members"), &MembersAdd { users: users.to_vec() }).await
    }

    pub async fn remove_member(&self, room: RoomId, user: UserId) -> Result<(), ApiError> {
        self.delete(&format!("/v1/rooms/{room}/members/{user}")).await
    }
}
