//! Rooms and who is in them.

use chat::model::{MEMBERS_MAX, ROOMS_PER_PERSON_MAX};
use kernel::PageSize;
use live::{Control, Topic, TopicSource as _};
use schemas::chat::{Posting, Role, RoomCreate, RoomKind, RoomPatch};
use std::sync::Arc;
use std::time::Duration;

use super::town::{Town, code};

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_has_one_direct_room_however_often_and_by_whom_it_is_opened() {
    let town = Town::new().await;
    let (ada, ben) = (town.person("ada"), town.person("ben"));
    let (of_ada, of_ben) = (town.ctx(ada), town.ctx(ben));
    let opened = futures_util::future::join_all([
        town.chat.create(&of_ada, RoomCreate::Direct { user: ben }),
        town.chat.create(&of_ben, RoomCreate::Direct { user: ada }),
        town.chat.create(&of_ada, RoomCreate::Direct { user: ben }),
        town.chat.create(&of_ben, RoomCreate::Direct { user: ada }),
    ]);
    let rooms: Vec<_> = opened.await.into_iter().map(|room| room.unwrap().id).collect();
    assert!(rooms.iter().all(|room| *room == rooms[0]));
    let room = town.chat.room(&of_ben, rooms[0]).await.unwrap();
    assert_eq!((room.kind, room.member_count), (RoomKind::Direct, 2));
    assert_eq!(room.with.unwrap().id, ada);
    assert_eq!(town.chat.topics(ben).await.unwrap(), [Topic::Room(rooms[0])]);

    let fixed = town.chat.remove(&of_ada, rooms[0], ada).await;
    assert_eq!(code(fixed), "direct_room_is_fixed");
    assert_eq!(code(town.chat.add(&of_ada, rooms[0], vec![town.person("cleo")]).await), "direct_room_is_fixed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_room_is_with_somebody_who_is_there() {
    let town = Town::new().await;
    let (ada, ben) = (town.person("ada"), town.person("ben"));
    let open = async |user| town.chat.create(&town.ctx(ada), RoomCreate::Direct { user }).await;
    assert_eq!(code(open(ada).await), "room_with_oneself");
    assert_eq!(code(open(kernel::UserId::new(town.clock.now())).await), "person_not_found");
    town.people.block(ben, ada);
    assert_eq!(code(open(ben).await), "blocked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_groups_roles_hold() {
    let town = Town::new().await;
    let [ada, ben, cleo, dana] = ["ada", "ben", "cleo", "dana"].map(|handle| town.person(handle));
    let group = town.group(ada, &[ben, cleo]).await;
    let chat = &town.chat;
    assert_eq!(code(chat.add(&town.ctx(ben), group, vec![dana]).await), "role_required");
    assert_eq!(code(chat.add(&town.ctx(dana), group, vec![dana]).await), "room_not_found");
    assert_eq!(code(chat.room(&town.ctx(dana), group).await), "room_not_found");
    chat.set_role(&town.ctx(ada), group, ben, Role::Admin).await.unwrap();
    assert_eq!(chat.add(&town.ctx(ben), group, vec![dana, cleo]).await.unwrap().added, [dana]);
    assert_eq!(code(chat.remove(&town.ctx(cleo), group, dana).await), "role_required");
    assert_eq!(code(chat.remove(&town.ctx(ben), group, ada).await), "role_required");
    chat.remove(&town.ctx(ben), group, dana).await.unwrap();
    assert_eq!(code(chat.remove(&town.ctx(ben), group, dana).await), "member_not_found");
    assert_eq!(code(town.try_say(dana, group, "still here?").await), "room_not_found");
    assert_eq!(code(chat.set_role(&town.ctx(ben), group, cleo, Role::Admin).await), "role_required");
    let patch = RoomPatch { name: Some(" Coffee room ".to_owned()), posting: Some(Posting::Staff) };
    let changed = chat.change(&town.ctx(ben), group, patch).await.unwrap();
    assert_eq!((changed.name.as_deref(), changed.posting), (Some("Coffee room"), Posting::Staff));
    assert_eq!(code(town.try_say(cleo, group, "hello?").await), "role_required");
    town.say(ben, group, "quiet, please").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_owner_goes_another_one_owns_the_room() {
    let town = Town::new().await;
    let [ada, ben, cleo] = ["ada", "ben", "cleo"].map(|handle| town.person(handle));
    let group = town.group(ada, &[ben, cleo]).await;
    town.chat.set_role(&town.ctx(ada), group, cleo, Role::Admin).await.unwrap();
    town.follow([Topic::Room(group)]).await;
    town.chat.remove(&town.ctx(ada), group, ada).await.unwrap();
    assert_eq!(town.hear_kinds(2).await, ["member.left", "member.updated"]);
    assert_eq!(town.membership(cleo, group).await.role, Role::Owner);
    town.chat.set_role(&town.ctx(cleo), group, ben, Role::Owner).await.unwrap();
    assert_eq!(town.membership(cleo, group).await.role, Role::Admin);
    assert_eq!(town.membership(ben, group).await.role, Role::Owner);
    for user in [ben, cleo] {
        town.chat.remove(&town.ctx(user), group, user).await.unwrap();
    }
    assert_eq!(code(town.chat.room(&town.ctx(cleo), group).await), "room_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_follow_who_comes_and_no_longer_who_goes() {
    let town = Town::new().await;
    let [ada, ben, cleo] = ["ada", "ben", "cleo"].map(|handle| town.person(handle));
    town.follow([Topic::User(ben), Topic::User(cleo)]).await;
    let group = town.group(ada, &[ben]).await;
    let told = town.hear().await;
    assert_eq!((told.topic, told.control), (Topic::User(ben), vec![Control::Follow(group.into())]));
    assert_eq!(told.body["room"]["membership"]["role"], "member");
    town.chat.add(&town.ctx(ada), group, vec![cleo]).await.unwrap();
    let told = town.hear().await;
    assert_eq!((told.topic, told.kind()), (Topic::User(cleo), "room.joined"));
    town.chat.remove(&town.ctx(ada), group, cleo).await.unwrap();
    let told = town.hear().await;
    assert_eq!(
        (told.topic, told.kind(), &told.control[..]),
        (Topic::User(cleo), "room.left", &[Control::Unfollow(group.into())][..])
    );
    assert!(town.chat.topics(cleo).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_repeated_from_the_outbox_as_they_are_true_by_then() {
    use postgres::outbox::{Consumer as _, Delivery};
    let town = Town::new().await;
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    let group = town.group(ada, &[ben]).await;
    town.chat.remove(&town.ctx(ada), group, ben).await.unwrap();
    let kept: Vec<Delivery> = sqlx::query_as(
        "SELECT id, kind, key, payload, trace, created_at, 0::smallint AS tries FROM outbox WHERE kind = 'room.member_left'",
    )
    .fetch_all(town.db.pool())
    .await
    .unwrap();
    assert_eq!(kept.len(), 1);
    let keeper = chat::Keeper { chat: Arc::clone(&town.chat), clock: town.clock.clone() };
    town.follow([Topic::User(ben)]).await;
    keeper.consume(&kept[0]).await.unwrap();
    assert_eq!(town.hear().await.control, [Control::Unfollow(group.into())]);
    town.chat.add(&town.ctx(ada), group, vec![ben]).await.unwrap();
    assert_eq!(town.hear().await.kind(), "room.joined");
    keeper.consume(&kept[0]).await.unwrap();
    assert_eq!(town.hear().await.control, [Control::Follow(group.into())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_has_a_thousand_members_and_not_one_more() {
    let town = Town::new().await;
    let ada = town.person("ada");
    let many: Vec<_> = (1..MEMBERS_MAX).map(|n| town.person(&format!("p{n}"))).collect();
    let too_many = RoomCreate::Group { name: "All".to_owned(), members: [&many[..], &[town.person("x")]].concat() };
    assert_eq!(code(town.chat.create(&town.ctx(ada), too_many).await), "room_full");
    let group = town.group(ada, &many).await;
    assert_eq!(town.chat.room(&town.ctx(ada), group).await.unwrap().member_count, 1_000);
    let last = town.person("last");
    assert_eq!(code(town.chat.add(&town.ctx(ada), group, vec![last]).await), "room_full");
    town.chat.remove(&town.ctx(many[7]), group, many[7]).await.unwrap();
    assert_eq!(town.chat.add(&town.ctx(ada), group, vec![last]).await.unwrap().added, [last]);
    let mut listed = 0;
    let mut cursor = None;
    loop {
        let page = town.chat.members(&town.ctx(last), group, cursor.as_ref(), PageSize::MAX).await.unwrap();
        listed += page.items.len();
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed, 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_in_five_hundred_rooms_and_not_one_more() {
    let town = Town::new().await;
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    let mut rooms = Vec::new();
    for n in 0..ROOMS_PER_PERSON_MAX {
        rooms.push(if n % 2 == 0 { town.group(ada, &[]).await } else { town.channel(ada, Posting::Staff).await });
    }
    let one_more = RoomCreate::Group { name: "One more".to_owned(), members: vec![] };
    assert_eq!(code(town.chat.create(&town.ctx(ada), one_more.clone()).await), "too_many_rooms");
    let of_ben = RoomCreate::Group { name: "Of Ben".to_owned(), members: vec![ada] };
    assert_eq!(code(town.chat.create(&town.ctx(ben), of_ben).await), "too_many_rooms");
    // Nothing was counted for what was refused.
    town.chat.remove(&town.ctx(ada), rooms[0], ada).await.unwrap();
    town.chat.create(&town.ctx(ada), one_more).await.unwrap();
    assert!(town.chat.topics(ben).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_open_to_everybody_and_lets_post_whom_it_says() {
    let town = Town::new().await;
    let [ada, ben, cleo] = ["ada", "ben", "cleo"].map(|handle| town.person(handle));
    let channel = town.channel(ada, Posting::Staff).await;
    town.say(ada, channel, "welcome").await;
    let seen = town.chat.follow(&town.ctx(ben), channel).await.unwrap();
    assert_eq!((seen.last_seq, seen.membership), (1, None));
    assert_eq!(code(town.try_say(ben, channel, "first!").await), "role_required");
    town.chat.react(&town.ctx(ben), channel, 1, "🎉").await.unwrap();
    town.chat.add(&town.ctx(ada), channel, vec![cleo]).await.unwrap();
    assert_eq!(town.membership(cleo, channel).await.role, Role::Admin);
    town.say(cleo, channel, "good evening").await;
    let patch = RoomPatch { posting: Some(Posting::Everyone), ..RoomPatch::default() };
    town.chat.change(&town.ctx(ada), channel, patch).await.unwrap();
    assert_eq!(town.say(ben, channel, "hello!").await.seq, 3);

    let group = town.group(ada, &[]).await;
    assert_eq!(code(town.chat.follow(&town.ctx(ben), group).await), "room_not_found");
    let wished = [Topic::Room(channel), Topic::Room(group), Topic::User(ada)];
    assert_eq!(town.chat.allowed(ben, &wished).await.unwrap(), [Topic::Room(channel)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_account_is_gone_leaves_all_rooms_but_the_direct_ones() {
    use postgres::outbox::{Consumer as _, Delivery};
    let town = Town::new().await;
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    let (group, direct) = (town.group(ada, &[ben]).await, town.direct(ada, ben).await);
    town.pass(Duration::from_secs(60));
    let gone = Delivery {
        id: kernel::EventId::new(town.clock.now()),
        kind: "account.deleted".to_owned(),
        key: ada.to_string(),
        payload: serde_json::json!({ "user": ada, "handle": "ada" }),
        trace: None,
        created_at: town.clock.now(),
        tries: 0,
    };
    let keeper = chat::Keeper { chat: Arc::clone(&town.chat), clock: town.clock.clone() };
    for _ in 0..2 {
        keeper.consume(&gone).await.unwrap();
    }
    assert_eq!(town.membership(ben, group).await.role, Role::Owner);
    assert_eq!(town.chat.topics(ada).await.unwrap(), [Topic::Room(direct)]);
}
