//! The use cases, on a database of their own.

use std::time::Duration;

use kernel::{Problem, Timestamp, UserId};
use live::{Lifecycle as _, Topic};
use postgres::outbox::Delivery;
use presence::store::LEASE;
use presence::{
    Relation, Timing, USERS_PER_UNWATCH_MAX, USERS_PER_WATCH_MAX, WATCHED_PER_CONNECTION_MAX, consumer, socket,
};
use schemas::presence::{Activity, Audience, PersonPresence, PresenceSettings, PresenceSettingsPatch, State};

use crate::world::{Graph, World, open_on};

const SECOND: Duration = Duration::from_secs(1);

fn timing() -> Timing {
    Timing::default()
}

async fn see(world: &World, viewer: UserId, person: UserId) -> PersonPresence {
    let peer = world.open(viewer).await;
    world.service.watch(&world.ctx(viewer), &peer, &[person]).await.unwrap().body.people[0]
}

#[tokio::test]
async fn coming_and_going_is_signalled_once_and_repeated_once() {
    let world = World::new().await;
    let ada = world.person();
    world.listen([Topic::Presence(ada)]).await;
    let phone = world.open(ada).await;
    let laptop = world.open(ada).await;
    assert_eq!(world.heard(), [(ada, State::Online)]);
    world.pass(timing().repeat_after - SECOND).await;
    assert_eq!(world.heard(), []);
    world.pass(SECOND).await;
    assert_eq!(world.heard(), [(ada, State::Online)], "once more, for who did not hear it");
    world.pass(timing().repeat_after * 3).await;
    assert_eq!(world.heard(), []);

    assert_eq!(world.service.set(&phone, Activity::Idle).await.unwrap(), State::Online);
    assert_eq!(world.service.set(&laptop, Activity::Idle).await.unwrap(), State::Idle);
    assert_eq!(world.heard(), [(ada, State::Idle)]);
    world.service.closed(&phone).await;
    world.service.closed(&laptop).await;
    world.pass(timing().linger).await;
    assert_eq!(world.heard(), [(ada, State::Offline)]);
}

#[tokio::test]
async fn a_repeat_tells_how_it_is_now_and_when_that_began() {
    let world = World::new().await;
    let ada = world.person();
    world.listen([Topic::Presence(ada)]).await;
    let phone = world.open(ada).await;
    world.pass(SECOND).await;
    world.service.set(&phone, Activity::Idle).await.unwrap();
    let first = world.heard_in_full();
    world.pass(timing().repeat_after).await;
    let repeated = world.heard_in_full();
    assert_eq!(repeated, first[1..], "two changes, one repeat, of the latest");
    assert!(first[0].3 < first[1].3);
}

#[tokio::test]
async fn a_short_disconnect_does_not_flicker() {
    let world = World::new().await;
    let (ada, elsewhere) = (world.person(), world.another_node());
    let phone = world.open(ada).await;
    world.pass(timing().repeat_after).await;
    world.listen([Topic::Presence(ada)]).await;
    world.service.closed(&phone).await;
    world.pass(timing().linger - SECOND).await;
    assert_eq!(see(&world, world.person(), ada).await.state, State::Online);
    let again = open_on(&elsewhere, ada, None).await;
    world.pass(timing().linger).await;
    assert_eq!(world.heard(), []);
    elsewhere.closed(&again).await;
    world.clock.advance(timing().linger - SECOND);
    elsewhere.catch_up().await.unwrap();
    assert_eq!(world.heard(), [], "not yet");
    world.clock.advance(SECOND);
    elsewhere.catch_up().await.unwrap();
    assert_eq!(world.heard(), [(ada, State::Offline)]);
}

#[tokio::test]
async fn people_of_a_dead_node_are_said_to_be_offline() {
    let world = World::new().await;
    let (ada, doomed) = (world.person(), world.another_node());
    world.service.beat().await.unwrap();
    doomed.beat().await.unwrap();
    open_on(&doomed, ada, None).await;
    world.listen([Topic::Presence(ada)]).await;
    drop(doomed);
    world.clock.advance(LEASE);
    world.service.beat().await.unwrap();
    assert_eq!(world.heard(), []);
    world.clock.advance(timing().beat);
    world.service.beat().await.unwrap();
    assert_eq!(world.heard(), [(ada, State::Offline)], "20 s after its last sign of life");
}

#[tokio::test]
async fn a_node_that_stalled_writes_its_people_again() {
    let world = World::new().await;
    let (ada, ben, other) = (world.person(), world.person(), world.another_node());
    world.service.beat().await.unwrap();
    world.open(ada).await;
    world.open(ben).await;
    let ctx = world.ctx(ben);
    let hide = PresenceSettingsPatch { invisible: Some(true), ..PresenceSettingsPatch::default() };
    world.listen([Topic::Presence(ada), Topic::Presence(ben)]).await;
    world.clock.advance(LEASE + SECOND);
    other.beat().await.unwrap();
    world.heard();
    // While nothing of ben is in the store, the setting is all there is.
    other.change_settings(&ctx, hide).await.unwrap();
    world.service.beat().await.unwrap();
    world.service.catch_up().await.unwrap();
    assert_eq!(world.heard(), [(ada, State::Online)]);
}

#[tokio::test]
async fn invisible_is_offline_from_the_first_moment() {
    let world = World::new().await;
    let (ada, ben) = (world.person(), world.person());
    world.listen([Topic::Presence(ada), Topic::Presence(ben)]).await;
    // By the device.
    let phone = open_on(&world.service, ada, Some("invisible")).await;
    world.open(ada).await;
    // By the account.
    let hide = PresenceSettingsPatch { invisible: Some(true), ..PresenceSettingsPatch::default() };
    let settings = world.service.change_settings(&world.ctx(ben), hide).await.unwrap();
    assert!(settings.invisible);
    world.open(ben).await;
    assert_eq!(world.heard(), []);
    assert_eq!(see(&world, world.person(), ada).await.state, State::Offline);

    assert_eq!(world.service.set(&phone, Activity::Online).await.unwrap(), State::Online);
    let show = PresenceSettingsPatch { invisible: Some(false), ..PresenceSettingsPatch::default() };
    world.service.change_settings(&world.ctx(ben), show).await.unwrap();
    assert_eq!(world.heard(), [(ada, State::Online), (ben, State::Online)]);
    world.service.change_settings(&world.ctx(ben), hide).await.unwrap();
    assert_eq!(world.heard(), [(ben, State::Offline)]);
}

#[tokio::test]
async fn who_may_not_be_seen_looks_like_nobody_is_there() {
    let world = World::new().await;
    let (me, away) = (world.person(), world.person());
    let (blocked, private, missing) = (world.person(), world.person(), world.person());
    world.graph.set(me, blocked, Relation { blocked: true, ..Graph::STRANGER });
    world.graph.set(me, private, Relation { private: true, ..Graph::STRANGER });
    world.graph.set(me, missing, Relation::default());
    for user in [blocked, private, missing] {
        world.open(user).await;
    }
    let peer = world.open(me).await;
    let everyone = [away, blocked, private, missing, me];
    let watched = world.service.watch(&world.ctx(me), &peer, &everyone).await.unwrap();
    let nobody = |user| PersonPresence { user, state: State::Offline, last_seen: None };
    let people = watched.body.people;
    assert_eq!(people[..4], [nobody(away), nobody(blocked), nobody(private), nobody(missing)]);
    assert_eq!((people[4].user, people[4].state), (me, State::Online), "oneself");
    assert_eq!(watched.follow, [away, me]);
    assert_eq!(watched.unfollow, [blocked, private, missing]);

    world.graph.set(me, private, Relation { private: true, follows: true, ..Graph::STRANGER });
    let watched = world.service.watch(&world.ctx(me), &peer, &[private]).await.unwrap();
    assert_eq!((watched.body.people[0].state, watched.follow), (State::Online, vec![private]));
}

#[tokio::test]
async fn last_seen_cuts_both_ways_and_says_the_minute() {
    let world = World::new().await;
    let (ada, ben) = (world.person(), world.person());
    let audience = |last_seen| PresenceSettingsPatch { last_seen: Some(last_seen), ..PresenceSettingsPatch::default() };
    let phone = world.open(ada).await;
    world.service.closed(&phone).await;
    world.pass(timing().linger).await;
    let minute: Timestamp = "2026-11-21T10:15:00.000Z".parse().unwrap();

    assert_eq!(see(&world, ben, ada).await.last_seen, None, "for followers");
    world.graph.set(ben, ada, Relation { follows: true, followed_by: true, ..Graph::STRANGER });
    assert_eq!(see(&world, ben, ada).await.last_seen, Some(minute), "not yet written");
    world.service.flush().await.unwrap();
    world.pass(Duration::from_secs(3_600)).await;
    world.service.beat().await.unwrap();
    assert_eq!(see(&world, ben, ada).await.last_seen, Some(minute), "from the database");

    world.service.change_settings(&world.ctx(ben), audience(Audience::Nobody)).await.unwrap();
    assert_eq!(see(&world, ben, ada).await.last_seen, None, "ben shows nobody his");
    world.service.change_settings(&world.ctx(ben), audience(Audience::Everyone)).await.unwrap();
    assert_eq!(see(&world, ben, ada).await.last_seen, Some(minute));
    world.service.change_settings(&world.ctx(ada), audience(Audience::Nobody)).await.unwrap();
    assert_eq!(see(&world, ben, ada).await.last_seen, None);
}

#[tokio::test]
async fn last_seen_stands_still_while_invisible() {
    let world = World::new().await;
    let (ada, ben) = (world.person(), world.person());
    world.graph.set(ben, ada, Relation { follows: true, followed_by: true, ..Graph::STRANGER });
    let phone = world.open(ada).await;
    world.service.set(&phone, Activity::Invisible).await.unwrap();
    let vanished = see(&world, ben, ada).await.last_seen;
    assert!(vanished.is_some());
    world.pass(Duration::from_secs(600)).await;
    world.service.closed(&phone).await;
    world.pass(timing().linger).await;
    world.service.flush().await.unwrap();
    assert_eq!(see(&world, ben, ada).await.last_seen, vanished);
}

#[tokio::test]
async fn settings_are_kept_and_start_with_followers() {
    let world = World::new().await;
    let ada = world.person();
    let default = PresenceSettings { last_seen: Audience::Followers, invisible: false };
    assert_eq!(world.service.settings(ada).await.unwrap(), default);
    let nothing = PresenceSettingsPatch::default();
    assert_eq!(world.service.change_settings(&world.ctx(ada), nothing).await.unwrap(), default);
    let all = PresenceSettingsPatch { last_seen: Some(Audience::Everyone), invisible: Some(true) };
    world.service.change_settings(&world.ctx(ada), all).await.unwrap();
    world.service.change_settings(&world.ctx(ada), nothing).await.unwrap();
    let changed = PresenceSettings { last_seen: Audience::Everyone, invisible: true };
    assert_eq!(world.another_node().settings(ada).await.unwrap(), changed);
}

fn event(kind: &str, payload: serde_json::Value) -> Delivery {
    let now = Timestamp::default();
    Delivery {
        id: kernel::EventId::new(now),
        kind: kind.to_owned(),
        key: String::new(),
        payload,
        trace: None,
        created_at: now,
        tries: 0,
    }
}

#[tokio::test]
async fn a_block_ends_watching_both_ways() {
    let world = World::new().await;
    let (ada, ben) = (world.person(), world.person());
    world.listen([Topic::User(ada), Topic::User(ben)]).await;
    let consumer = consumer(world.service.clone());
    assert!(consumer.wants("block.created"));
    let block = event("block.created", serde_json::json!({ "source": ada, "target": ben }));
    consumer.consume(&block).await.unwrap();
    assert_eq!(
        world.heard_with_orders(),
        [
            format!("{ada} unfollow presence:{ben}"),
            format!("{ada} {ben} Offline"),
            format!("{ben} unfollow presence:{ada}"),
            format!("{ben} {ada} Offline"),
        ]
    );
}

#[tokio::test]
async fn who_follows_a_private_account_no_longer_does_not_see_it_either() {
    let world = World::new().await;
    let (ada, ben) = (world.person(), world.person());
    world.listen([Topic::User(ada), Topic::User(ben)]).await;
    let consumer = consumer(world.service.clone());
    let unfollowed = event("follow.removed", serde_json::json!({ "source": ada, "target": ben }));
    consumer.consume(&unfollowed).await.unwrap();
    assert_eq!(world.heard_with_orders(), Vec::<String>::new(), "everybody sees a public account");
    world.graph.set(ada, ben, Relation { private: true, ..Graph::STRANGER });
    consumer.consume(&unfollowed).await.unwrap();
    assert_eq!(world.heard_with_orders(), [format!("{ada} unfollow presence:{ben}"), format!("{ada} {ben} Offline")]);
}

#[tokio::test]
async fn a_deleted_account_is_forgotten() {
    let world = World::new().await;
    let ada = world.person();
    let all = PresenceSettingsPatch { last_seen: Some(Audience::Everyone), invisible: Some(true) };
    world.service.change_settings(&world.ctx(ada), all).await.unwrap();
    let gone = event("account.deleted", serde_json::json!({ "user": ada, "handle": "ada" }));
    consumer(world.service.clone()).consume(&gone).await.unwrap();
    assert_eq!(world.service.settings(ada).await.unwrap(), PresenceSettings::default());
}

#[tokio::test]
async fn commands_take_as_many_people_as_they_say_and_not_one_more() {
    let world = World::new().await;
    let ada = world.person();
    let (peer, ctx) = (world.open(ada).await, world.ctx(ada));
    let people: Vec<UserId> = (0..=WATCHED_PER_CONNECTION_MAX).map(|_| world.person()).collect();
    let watch =
        async |users: &[UserId]| world.service.watch(&ctx, &peer, users).await.map(|_| ()).map_err(Problem::from);

    let refused = watch(&people[..=USERS_PER_WATCH_MAX]).await.unwrap_err();
    assert_eq!((refused.code, refused.pointer.as_deref()), ("invalid_body", Some("/users")));
    assert_eq!(watch(&[]).await.unwrap_err().code, "invalid_body");
    assert_eq!(watch(&[ada, ada]).await.unwrap_err().code, "invalid_body");
    for users in people[..WATCHED_PER_CONNECTION_MAX].chunks(USERS_PER_WATCH_MAX) {
        watch(users).await.unwrap();
    }
    watch(&people[..USERS_PER_WATCH_MAX]).await.unwrap();
    assert_eq!(watch(&people[WATCHED_PER_CONNECTION_MAX..]).await.unwrap_err().code, "too_many_watched");
    assert!(world.service.unwatch(&peer, &people).is_err(), "501");
    assert_eq!(world.service.unwatch(&peer, &people[..USERS_PER_UNWATCH_MAX]).unwrap(), 0);
    watch(&people[WATCHED_PER_CONNECTION_MAX..]).await.unwrap();
}

#[tokio::test]
async fn commands_on_the_socket_follow_and_unfollow() {
    let world = World::new().await;
    let (ada, ben) = (world.person(), world.person());
    let (peer, ctx) = (world.open(ada).await, world.ctx(ada));
    let commands = socket(world.service.clone());
    let call = async |name: &str, data: serde_json::Value| {
        let data = serde_json::value::to_raw_value(&data).unwrap();
        commands.call(&ctx, &peer, name, &data).await
    };
    let watched = call("presence.watch", serde_json::json!({ "users": [ben] })).await.unwrap();
    assert_eq!(watched.follow, [Topic::Presence(ben)]);
    let body: serde_json::Value = serde_json::from_str(watched.body.get()).unwrap();
    assert_eq!(body["people"], serde_json::json!([{ "user": ben, "state": "offline" }]));
    assert_eq!(body["refresh_after_ms"], 300_000);
    let set = call("presence.set", serde_json::json!({ "state": "invisible" })).await.unwrap();
    assert_eq!(set.body.get(), r#"{"state":"offline"}"#);
    let unwatched = call("presence.unwatch", serde_json::json!({ "users": [ben] })).await.unwrap();
    assert_eq!((unwatched.body.get(), unwatched.unfollow), (r#"{"watching":0}"#, vec![Topic::Presence(ben)]));
    for (name, data) in [
        ("presence.set", serde_json::json!({ "state": "offline" })),
        ("presence.set", serde_json::json!({ "state": "online", "mood": "fine" })),
        ("presence.watch", serde_json::json!({ "users": "ben" })),
        ("presence.watch", serde_json::json!({ "users": ["room_1"] })),
        ("presence.watch", serde_json::json!([[ben]])),
        ("presence.set", serde_json::json!({ "state": null })),
    ] {
        assert_eq!(call(name, data.clone()).await.unwrap_err().code, "invalid_body", "{name} {data}");
    }
}
