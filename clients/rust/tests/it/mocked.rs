//! Every route against `plaza mock`: the examples of the specs go out and come in as the client's types.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use kernel::{ContentId, Cursor, MediaId, RoomId, SessionId, UserId};
use mock::{Mock, Settings};
use parking_lot::Mutex;
use plaza_client::{Api, Session, Window, Witness};
use schemas::chat::RoomCreate;
use schemas::content::ContentCreate;
use schemas::contract::Validator;
use schemas::engagement::Reaction;
use schemas::media::MediaType;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

const PART_BYTES_MIN: usize = 65_536;

/// Notes which operations were asked for.
#[derive(Default)]
struct Asked(Mutex<BTreeSet<String>>);

impl Witness for Asked {
    fn answer(&self, method: &str, path: &str, _: u16, _: &[u8]) {
        let operation = Validator::shared().operation(&method.parse::<Method>().unwrap(), path);
        let operation = operation.unwrap_or_else(|| panic!("{method} {path} is no operation"));
        self.0.lock().insert(operation.id.clone());
    }

    fn frame(&self, _: &str, _: Option<&str>) {}
}

async fn mock() -> (String, DropGuard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    tokio::spawn(mock::serve(listener, Mock::load(Settings::default()).unwrap(), stop.clone()));
    (base, stop.drop_guard())
}

/// An example of the contract, such as `chat/RoomPatch.name`.
fn example<T: DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../schemas/examples/{name}.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[tokio::test]
async fn every_operation_has_a_call_and_every_example_is_read() {
    let (base, _stop) = mock().await;
    let asked = Arc::new(Asked::default());
    let api = Api::new(&base).unwrap().witnessed_by(asked.clone());
    let me = api.log_in(&example("accounts/LogIn.full")).await.unwrap();
    accounts(&api, &me).await;
    graph(&me).await;
    chat(&me).await;
    content(&me).await;
    media(&api, &me).await;
    engagement(&me).await;
    let all: BTreeSet<String> = Validator::shared().operations().iter().map(|it| it.id.clone()).collect();
    let asked = asked.0.lock();
    let missing: Vec<_> = all.difference(&asked).collect();
    assert!(missing.is_empty(), "{missing:?}: operations that the client has no call for");
}

async fn accounts(api: &Api, me: &Session) {
    let session: SessionId = "ses_01kdvdp79gfhmsc15tadc8xqh2".parse().unwrap();
    api.register(&example("accounts/Registration.full")).await.unwrap();
    me.sessions(None).await.unwrap();
    me.end_session(session).await.unwrap();
    me.log_out_elsewhere().await.unwrap();
    me.log_out_everywhere().await.unwrap();
    me.account().await.unwrap();
    me.update(&example("accounts/AccountPatch.profile")).await.unwrap();
    me.change_password(&example("accounts/PasswordChange.new")).await.unwrap();
    me.delete_account(&example("accounts/Deletion.sure")).await.unwrap();
    me.person(ben()).await.unwrap();
    me.chat_settings().await.unwrap();
    me.change_chat_settings(&example("chat/ChatSettingsPatch.hide")).await.unwrap();
    me.presence_settings().await.unwrap();
    me.change_presence_settings(&example("presence/PresenceSettingsPatch.hide")).await.unwrap();
    // The mock hands out one of the tokens that it knows.
    assert_eq!(me.fresh_access_token().await.unwrap().expose(), "mock-ada");
}

async fn graph(me: &Session) {
    let ben = ben();
    me.follow(ben).await.unwrap();
    me.unfollow(ben).await.unwrap();
    me.accept_follower(ben).await.unwrap();
    me.decline_follower(ben).await.unwrap();
    me.remove_follower(ben).await.unwrap();
    me.block(ben).await.unwrap();
    me.unblock(ben).await.unwrap();
    me.mute(ben).await.unwrap();
    me.unmute(ben).await.unwrap();
    me.add_close_friend(ben).await.unwrap();
    me.remove_close_friend(ben).await.unwrap();
    let page = me.followers(ben, None).await.unwrap();
    assert!(!page.items.is_empty());
    me.following(ben, Some(&cursor())).await.unwrap();
    // The mock has one page that names itself as the next: to read to the end must come to one.
    assert!(!me.follow_requests().await.unwrap().is_empty());
    me.sent_follow_requests().await.unwrap();
    me.blocks().await.unwrap();
    me.mutes().await.unwrap();
    me.close_friends().await.unwrap();
}

async fn chat(me: &Session) {
    let (room, ben): (RoomId, _) = ("room_01kdvdq3v2f1gtr8m4n6p0s5wz".parse().unwrap(), ben());
    me.create_room(&example::<RoomCreate>("chat/RoomCreate.group")).await.unwrap();
    me.direct(ben).await.unwrap();
    me.rooms(None, 20).await.unwrap();
    me.rooms(Some(&cursor()), 20).await.unwrap();
    me.room(room).await.unwrap();
    me.update_room(room, &example("chat/RoomPatch.name")).await.unwrap();
    me.members(room, None, 50).await.unwrap();
    me.add_members(room, &[ben]).await.unwrap();
    me.set_role(room, ben, schemas::chat::Role::Admin).await.unwrap();
    me.remove_member(room, ben).await.unwrap();
    me.send_message(room, &example("chat/MessageCreate.plain")).await.unwrap();
    for window in [Window::Newest, Window::Before(42), Window::After(42), Window::Around(42)] {
        me.messages(room, window, 20).await.unwrap();
    }
    me.message(room, 42).await.unwrap();
    me.edit_message(room, 42, &example("chat/MessagePatch.version")).await.unwrap();
    me.delete_message(room, 42).await.unwrap();
    me.reactors(room, 42, "👍", None, 20).await.unwrap();
    me.add_reaction(room, 42, "👍").await.unwrap();
    me.remove_reaction(room, 42, "👍").await.unwrap();
    me.mark_read(room, 42).await.unwrap();
    me.mark_delivered(room, 42).await.unwrap();
    me.receipts(room).await.unwrap();
    me.mute_room(room, None).await.unwrap();
    me.unmute_room(room).await.unwrap();
}

async fn content(me: &Session) {
    let id = post();
    for name in
        ["PostCreate.plain", "StoryCreate.close", "ReelCreate.plain", "ListingCreate.pot", "CommentCreate.answer"]
    {
        me.publish(example::<ContentCreate>(&format!("content/{name}"))).await.unwrap();
    }
    me.content(id).await.unwrap();
    me.edit_content(id, &example("content/ContentEdit.text")).await.unwrap();
    me.delete_content(id).await.unwrap();
    me.content_of(ben(), None, 20).await.unwrap();
    me.comments(id, true, None, 20).await.unwrap();
    me.content_tagged("plaza", None, 20).await.unwrap();
    me.ranked_feed(None, 20).await.unwrap();
    me.feed(None, 20).await.unwrap();
    me.feed_preferences().await.unwrap();
    me.prefer_feed(&example("feed/FeedPreferencesGiven.following")).await.unwrap();
    me.ask_for_less(id).await.unwrap();
    me.take_back_less(id).await.unwrap();
    me.stories(20).await.unwrap();
    me.reels(None, 20).await.unwrap();
    me.listings_near(52.52, 13.405, 25_000.0, None, 20).await.unwrap();
    me.listings_followed(None, 20).await.unwrap();
    me.search(&[("q", "tea at noon")], None, 20).await.unwrap();
    me.complete("pla").await.unwrap();
    me.trending_hashtags().await.unwrap();
}

async fn media(api: &Api, me: &Session) {
    let id: MediaId = "med_01k9v41x6ze5t9mgq2r7wshcb4".parse().unwrap();
    me.media(id).await.unwrap();
    me.append(id, 0, Bytes::from(vec![0; PART_BYTES_MIN])).await.unwrap();
    let media = me.upload(MediaType::Jpeg, Bytes::from(vec![0; PART_BYTES_MIN])).await.unwrap();
    assert!(media.bytes > 0);
    let url = format!("/v1/media/{id}/small?k=aaS2gAAm3rXnU0mCqfJxY0w5hWqk");
    api.rendition(&url).await.unwrap();
    me.delete_upload(id).await.unwrap();
}

async fn engagement(me: &Session) {
    let id = post();
    me.react(id, Reaction::Love).await.unwrap();
    me.unreact(id).await.unwrap();
    me.save(id).await.unwrap();
    me.unsave(id).await.unwrap();
    me.share(id, Some("Tea!")).await.unwrap();
    me.unshare(id).await.unwrap();
    me.reactions(id, None, 20).await.unwrap();
    me.shares(id, None, 20).await.unwrap();
    me.saved(None, 20).await.unwrap();
    me.add_views(vec![example("engagement/View.alone")]).await.unwrap();
    me.inbox(None, 20).await.unwrap();
    me.unread().await.unwrap();
    let until: schemas::notifications::ReadUntil = example("notifications/ReadUntil.now");
    me.read_inbox(until.until).await.unwrap();
}

fn ben() -> UserId {
    "usr_01kdvdnjs8f0na4t2agyygc3v3".parse().unwrap()
}

fn post() -> ContentId {
    "post_01k9v41x6ze5t9mgq2r7wshcb4".parse().unwrap()
}

fn cursor() -> Cursor {
    Cursor::from("b3JhbmdlLXBla29l".to_owned())
}
