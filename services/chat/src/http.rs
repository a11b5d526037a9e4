//! Chat over REST.

use std::num::NonZeroU64;
use std::sync::Arc;

use axum::extract::State;
use kernel::{Cursor, Page, PageSize, RoomId, UserId};
use schemas::chat as wire;
use serde::Deserialize;
use uuid::Uuid;
use web::{Caller, Created, Failure, Json, Method, NoContent, Path, Query, Routes};

use crate::error::Error;
use crate::log::Span;
use crate::service::{Saying, Service};

type Chat = State<Arc<Service>>;
type Answer<T> = Result<Json<T>, Failure>;

#[must_use]
pub fn routes(service: Arc<Service>) -> Routes {
    Routes::new()
        .op("createRoom", Method::POST, "/v1/rooms", create_room)
        .creates()
        .op("listRooms", Method::GET, "/v1/rooms", list_rooms)
        .op("getRoom", Method::GET, "/v1/rooms/{room}", get_room)
        .op("editRoom", Method::PATCH, "/v1/rooms/{room}", edit_room)
        .op("listMembers", Method::GET, "/v1/rooms/{room}/members", list_members)
        .op("addMembers", Method::POST, "/v1/rooms/{room}/members", add_members)
        .creates()
        .op("setMemberRole", Method::PATCH, "/v1/rooms/{room}/members/{user}", set_role)
        .op("removeMember", Method::DELETE, "/v1/rooms/{room}/members/{user}", remove_member)
        .op("listMessages", Method::GET, "/v1/rooms/{room}/messages", list_messages)
        .op("sendMessage", Method::POST, "/v1/rooms/{room}/messages", send_message)
        .creates()
        .op("getMessage", Method::GET, "/v1/rooms/{room}/messages/{seq}", get_message)
        .op("editMessage", Method::PATCH, "/v1/rooms/{room}/messages/{seq}", edit_message)
        .op("deleteMessage", Method::DELETE, "/v1/rooms/{room}/messages/{seq}", delete_message)
        .op("listReactors", Method::GET, "/v1/rooms/{room}/messages/{seq}/reactions/{emoji}", list_reactors)
        .op("addReaction", Method::PUT, "/v1/rooms/{room}/messages/{seq}/reactions/{emoji}", add_reaction)
        .op("removeReaction", Method::DELETE, "/v1/rooms/{room}/messages/{seq}/reactions/{emoji}", remove_reaction)
        .op("markRead", Method::PUT, "/v1/rooms/{room}/read", mark_read)
        .op("markDelivered", Method::PUT, "/v1/rooms/{room}/delivered", mark_delivered)
        .op("listReceipts", Method::GET, "/v1/rooms/{room}/receipts", list_receipts)
        .op("muteRoom", Method::PUT, "/v1/rooms/{room}/mute", mute_room)
        .op("unmuteRoom", Method::DELETE, "/v1/rooms/{room}/mute", unmute_room)
        .op("getChatSettings", Method::GET, "/v1/me/chat", get_settings)
        .op("editChatSettings", Method::PATCH, "/v1/me/chat", edit_settings)
        .with_state(service)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    cursor: Option<Cursor>,
    #[serde(default)]
    limit: PageSize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    changed_after: Option<Cursor>,
    #[serde(default)]
    limit: PageSize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Window {
    #[serde(default, deserialize_with = "kernel::json::whole_or_none")]
    before: Option<u64>,
    #[serde(default, deserialize_with = "kernel::json::whole_or_none")]
    after: Option<u64>,
    #[serde(default, deserialize_with = "kernel::json::whole_or_none")]
    around: Option<u64>,
    #[serde(default)]
    limit: PageSize,
}

/// What at most one of three says.
pub(crate) const fn span(before: Option<u64>, after: Option<u64>, around: Option<u64>) -> Result<Span, Error> {
    match (before, after, around) {
        (None, None, None) => Ok(Span::Latest),
        (Some(seq), None, None) => Ok(Span::Before(seq)),
        (None, Some(seq), None) => Ok(Span::After(seq)),
        (None, None, Some(seq)) => Ok(Span::Around(seq)),
        _ => Err(Error::SpanInvalid),
    }
}

async fn create_room(
    State(chat): Chat,
    Caller(ctx): Caller,
    Json(wish): Json<wire::RoomCreate>,
) -> Result<Created<wire::Room>, Failure> {
    Ok(Created(Box::pin(chat.create(&ctx, wish)).await?))
}

async fn list_rooms(State(chat): Chat, Caller(ctx): Caller, Query(part): Query<Changes>) -> Answer<wire::RoomChanges> {
    Ok(Json(Box::pin(chat.changes(&ctx, part.changed_after.as_ref(), part.limit)).await?))
}

async fn get_room(State(chat): Chat, Caller(ctx): Caller, Path(room): Path<RoomId>) -> Answer<wire::Room> {
    Ok(Json(chat.room(&ctx, room).await?))
}

async fn edit_room(
    State(chat): Chat,
    Caller(ctx): Caller,
    Path(room): Path<RoomId>,
    Json(patch): Json<wire::RoomPatch>,
) -> Answer<wire::Room> {
    Ok(Json(chat.change(&ctx, room, patch).await?))
}

async fn list_members(
    State(chat): Chat,
    Caller(ctx): Caller,
    Path(room): Path<RoomId>,
    Query(part): Query<Part>,
) -> Answer<Page<wire::Member>> {
    Ok(Json(chat.members(&ctx, room, part.cursor.as_ref(), part.limit).await?))
}

async fn add_members(
    State(chat): Chat,
    Caller(ctx): Caller,
    Path(room): Path<RoomId>,
    Json(wish): Json<wire::MembersAdd>,
) -> Result<Created<wire::MembersAdded>, Failure> {
    Ok(Created(Box::pin(chat.add(&ctx, room, wish.users)).await?))
}

async fn set_role(
    State(chat): Chat,
    Caller(ctx): Caller,
    Path((room, user)): Path<(RoomId, UserId)>,
    Json(change): Json<wire::RoleChange>,
) -> Result<NoContent, Failure> {
    chat.set_role(&ctx, room, user, change.role).await?;
    Ok(NoContent)
}

async fn remove_member(
    State(chat): Chat,
    Caller(ctx): Caller,
    Path((room, user)): Path<(RoomId, UserId)>,
) -> Result<NoContent, Failure> {
    chat.remove(&ctx, room, user).await?;
    Ok(NoContent)
}

async fn list_messages(
    State(chat): Chat,
    Caller(ctx): Caller,
    Path(room): Path<RoomId>,
    Query(part): Query<Window>,
) -> Answer<wire::History> {
    let span = span(part.before, part.after, part.around)?;
    Ok(Json(chat.history(&ctx, room, span, part.limit).await?))
}

async fn send_message(
    State(chat): Chat,
    Caller(ctx): Caller,
    Path(room): Path<RoomId>,
    Json(wire::MessageCreate { client_id, text, reply_to }): Json<wire::MessageCreate>,
) -> Result<Created<wire::MessageSent>, Failure> {
    // Before an id is made, which is what it says.
    let moment = chat.moment(room);
    let (client_id, made_after) = client_id.map_or_else(|| (Uuid::now_v7(), moment), |client_id| (client_id, None));
    Ok(Created(Box::pin(chat.send(&ctx, Saying { room, client_id, text, reply_to, made_after })).await?))
}

async fn get_message(
    State(chat): Chat,
    Caller(ctx): Caller,
    Path((room, seq)): Path<(RoomId, NonZeroU64)>,
) -> Answer<wire::Message> {
    Ok(Json(chat.message(&ctx, room, seq.get()).await?))
}

async fn edit_message(
    State(chat): Chat,
    Caller(ctx): Caller,
    Path((room, seq)): Path<(RoomId, NonZeroU64)>,
    Json(patch): Json<wire::MessagePatch>,
) -> Answer<wire::Message> {
    Ok(Json(chat.edit(&ctx, room, seq.get(), patch).await?))
}

async fn delete_message(
    State(chat): Chat,
    Caller(ctx): Caller,
    Path((room, seq)): Path<(RoomId, NonZeroU64)>,
) -> Result<NoContent, Failure> {
    chat.delete(&ctx, room, seq.get()).await?;
    Ok(NoContent)
}

async fn list_reactors(
    State(chat): Chat,
    Caller(ctx): Caller,
    Path((room, seq, emoji)): Path<(RoomId, NonZeroU64, String)>,
    Query(part): Query<Part>,
) -> Answer<Page<wire::Reactor>> {
    Ok(Json(chat.reactors(&ctx, room, seq.get(), &emoji, part.cursor.as_ref(), part.limit).await?))
}

async fn add_reaction(
    State(chat): Chat,
    Caller(ctx): Caller,
    Path((room, seq, emoji)): Path<(RoomId, NonZeroU64, String)>,
) -> Result<NoContent, Failure> {
    chat.react(&ctx, room, seq.get(), &emoji).await?;
    Ok(NoContent)
}

async fn remove_reaction(
    State(chat): Chat,
    Caller(ctx): Caller,
    Path((room, seq, emoji)): Path<(RoomId, NonZeroU64, String)>,
) -> Result<NoContent, Failure> {
    chat.unreact(&ctx, room, seq.get(), &emoji).await?;
    Ok(NoContent)
}

async fn mark_read(
    State(chat): Chat,
    Caller(ctx): Caller,
    Path(room): Path<RoomId>,
    Json(mark): Json<wire::Mark>,
) -> Answer<wire::Marks> {
    Ok(Json(chat.read(&ctx, room, mark.seq).await?))
}

async fn mark_delivered(
    State(chat): Chat,
    Caller(ctx): Caller,
    Path(room): Path<RoomId>,
    Json(mark): Json<wire::Mark>,
) -> Result<NoContent, Failure> {
    chat.delivered(&ctx, room, mark.seq).await?;
    Ok(NoContent)
}

async fn list_receipts(State(chat): Chat, Caller(ctx): Caller, Path(room): Path<RoomId>) -> Answer<wire::Receipts> {
    Ok(Json(chat.receipts(&ctx, room).await?))
}

async fn mute_room(
    State(chat): Chat,
    Caller(ctx): Caller,
    Path(room): Path<RoomId>,
    Json(mute): Json<wire::Mute>,
) -> Result<NoContent, Failure> {
    chat.mute(&ctx, room, mute.until).await?;
    Ok(NoContent)
}

async fn unmute_room(State(chat): Chat, Caller(ctx): Caller, Path(room): Path<RoomId>) -> Result<NoContent, Failure> {
    chat.unmute(&ctx, room).await?;
    Ok(NoContent)
}

async fn get_settings(State(chat): Chat, Caller(ctx): Caller) -> Answer<wire::ChatSettings> {
    Ok(Json(chat.settings(&ctx).await?))
}

async fn edit_settings(
    State(chat): Chat,
    Caller(ctx): Caller,
    Json(patch): Json<wire::ChatSettingsPatch>,
) -> Answer<wire::ChatSettings> {
    Ok(Json(chat.change_settings(&ctx, patch).await?))
}
