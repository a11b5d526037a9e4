//! Who goes on talking is not asked about again, and is refused all the same from the moment that they may no longer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use chat::Gates;
use kernel::{RoomId, UserId};
use schemas::chat::{Posting, Role, RoomPatch};

use super::town::{Town, code};
use crate::stores;

/// A town whose log has gates.
async fn town() -> Town {
    let log = stores::cassandra_local().await.swap_remove(0);
    Town::with(postgres::testing::fresh().await, log, |bus| bus)
}

/// Says so often that the room's gate is known to stand.
async fn talk(town: &Town, who: UserId, room: RoomId) {
    for text in ["one", "two", "three"] {
        town.say(who, room, text).await;
    }
}

fn asked(town: &Town) -> usize {
    town.people.asked.swap(0, Ordering::Relaxed)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_talk_are_asked_about_twice_and_then_no_more() {
    let town = town().await;
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    let room = town.direct(ada, ben).await;
    asked(&town);
    talk(&town, ada, room).await;
    assert_eq!(asked(&town), 2);
    talk(&town, ada, room).await;
    assert_eq!(asked(&town), 0);
    talk(&town, ben, room).await;
    assert_eq!(asked(&town), 2, "each for themselves");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_ends_what_goes_on_and_what_was_not_one_goes_on() {
    let town = town().await;
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    let room = town.direct(ada, ben).await;
    let gates = Gates::new(town.db.clone(), Arc::clone(&town.log));
    talk(&town, ada, room).await;
    talk(&town, ben, room).await;

    // The gate moves for nothing: they are asked about, and go on.
    gates.parted(ben, ada).await.unwrap();
    asked(&town);
    talk(&town, ada, room).await;
    assert_eq!(asked(&town), 2, "when the gate had moved, and once more after the new one was seen");
    talk(&town, ben, room).await;

    town.people.block(ben, ada);
    gates.parted(ben, ada).await.unwrap();
    for one in [ada, ben] {
        assert_eq!(code(town.try_say(one, room, "hello?").await), "blocked");
        assert_eq!(code(town.try_say(one, room, "hello??").await), "blocked");
    }
    let [cleo, dana] = ["cleo", "dana"].map(|handle| town.person(handle));
    gates.parted(cleo, dana).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_or_silenced_is_refused_at_once() {
    let town = town().await;
    let [ada, ben, cleo] = ["ada", "ben", "cleo"].map(|handle| town.person(handle));
    let room = town.group(ada, &[ben, cleo]).await;
    talk(&town, ben, room).await;
    talk(&town, cleo, room).await;
    town.chat.remove(&town.ctx(ada), room, ben).await.unwrap();
    assert_eq!(code(town.try_say(ben, room, "still here?").await), "room_not_found");
    talk(&town, cleo, room).await;
    town.chat.remove(&town.ctx(cleo), room, cleo).await.unwrap();
    assert_eq!(code(town.try_say(cleo, room, "and me?").await), "room_not_found");

    let channel = town.channel(ada, Posting::Everyone).await;
    talk(&town, ben, channel).await;
    let patch = RoomPatch { name: None, posting: Some(Posting::Staff) };
    town.chat.change(&town.ctx(ada), channel, patch).await.unwrap();
    assert_eq!(code(town.try_say(ben, channel, "quiet now?").await), "role_required");

    town.chat.add(&town.ctx(ada), channel, vec![cleo]).await.unwrap();
    talk(&town, cleo, channel).await;
    town.chat.set_role(&town.ctx(ada), channel, cleo, Role::Member).await.unwrap();
    assert_eq!(code(town.try_say(cleo, channel, "no longer?").await), "role_required");
}
