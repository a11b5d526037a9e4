//! Messages and marks by REST, for those who have no socket open.

use kernel::{Cursor, Page, RoomId, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use schemas::chat::{History, Mark, Marks, Message, MessageCreate, MessagePatch, MessageSent, Mute, Reactor, Receipts};

use super::{Request, Session};
use crate::ApiError;

/// Which part of a room's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    Newest,
    Before(u64),
    After(u64),
    Around(u64),
}

impl Session {
    /// Says something; the answer means that it is durable.
    pub async fn send_message(&self, room: RoomId, message: &MessageCreate) -> Result<MessageSent, ApiError> {
        self.create(&format!("/v1/rooms/{room}/messages"), message).await
    }

    pub async fn messages(&self, room: RoomId, window: Window, limit: u32) -> Result<History, ApiError> {
        let path = format!("/v1/rooms/{room}/messages");
        let (name, seq) = match window {
            Window::Newest => return self.send(Request::new(Method::GET, &path).page(None, limit)).await,
            Window::Before(seq) => ("before", seq),
            Window::After(seq) => ("after", seq),
            Window::Around(seq) => ("around", seq),
        };
        self.send(Request::new(Method::GET, &path).page(None, limit).query(&[(name, &seq.to_string())])).await
    }

    pub async fn message(&self, room: RoomId, seq: u64) -> Result<Message, ApiError> {
        self.get(&format!("/v1/rooms/{room}/messages/{seq}")).await
    }

    pub async fn edit_message(&self, room: RoomId, seq: u64, patch: &MessagePatch) -> Result<Message, ApiError> {
        self.send(Request::new(Method::PATCH, &format!("/v1/rooms/{room}/messages/{seq}")).body(patch)).await
    }

    pub async fn delete_message(&self, room: RoomId, seq: u64) -> Result<(), ApiError> {
        self.delete(&format!("/v1/rooms/{room}/messages/{seq}")).await
    }

    /// Who reacted to a message with `emoji`, the first first.
    pub async fn reactors(
        &self,
        room: RoomId,
        seq: u64,
        emoji: &str,
        cursor: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<Reactor>, ApiError> {
        self.send(Request::new(Method::GET, &reaction(room, seq, emoji)).page(cursor, limit)).await
    }

    pub async fn add_reaction(&self, room: RoomId, seq: u64, emoji: &str) -> Result<(), ApiError> {
        self.put(&reaction(room, seq, emoji)).await
    }

    pub async fn remove_reaction(&self, room: RoomId, seq: u64, emoji: &str) -> Result<(), ApiError> {
        self.delete(&reaction(room, seq, emoji)).await
    }

    /// Says that we have read up to `seq`.
    pub async fn mark_read(&self, room: RoomId, seq: u64) -> Result<Marks, ApiError> {
        self.send(Request::new(Method::PUT, &format!("/v1/rooms/{room}/read")).body(&Mark { seq })).await
    }

    /// Says that this device has everything up to `seq`.
    pub async fn mark_delivered(&self, room: RoomId, seq: u64) -> Result<(), ApiError> {
        self.send(Request::new(Method::PUT, &format!("/v1/rooms/{room}/delivered")).body(&Mark { seq })).await
    }

    /// How far the others have come, as far as they show it.
    pub async fn receipts(&self, room: RoomId) -> Result<Receipts, ApiError> {
        self.get(&format!("/v1/rooms/{room}/receipts")).await
    }

    /// Wants no notice of a room's messages; without `until`, until we say otherwise.
    pub async fn mute_room(&self, room: RoomId, until: Option<Timestamp>) -> Result<(), ApiError> {
        self.send(Request::new(Method::PUT, &format!("/v1/rooms/{room}/mute")).body(&Mute { until })).await
    }

    pub async fn unmute_room(&self, room: RoomId) -> Result<(), ApiError> {
        self.delete(&format!("/v1/rooms/{room}/mute")).await
    }
}

fn reaction(room: RoomId, seq: u64, emoji: &str) -> String {
    format!("/v1/rooms/{room}/messages/{seq}/reactions/{}", utf8_percent_encode(emoji, NON_ALPHANUMERIC))
}
