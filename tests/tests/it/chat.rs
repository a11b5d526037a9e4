//! Conversations: two people with two devices each, groups, channels, marks, and what a device missed.

use std::time::Duration;

use plaza_client::{Event, ResumeStatus};
use schemas::chat::{
    HistoryGet, MessageCreated, MessageDeleted, MessageEdited, Posting, ReactionAdded, ReadMoved, ReceiptsMoved,
    RoomCreate, RoomJoined, RoomLeft, Typing,
};
use system_tests::wait::until;
use system_tests::{Deployment, Device};

crate::on_both_stores![
    two_people_talk_on_two_devices_each,
    a_repeat_returns_the_first_result,
    what_was_missed_arrives_on_another_node,
    a_new_room_is_heard_at_once_and_a_left_one_no_more,
    reading_moves_the_own_devices_and_tells_the_others,
    edits_reactions_and_deletions_reach_everybody,
    typing_shows_and_ends_by_itself,
    a_channel_is_heard_by_whoever_follows_it,
    a_block_closes_the_direct_room,
    history_is_read_from_any_place,
    a_device_that_was_away_learns_what_changed_without_reading_every_room,
    the_lines_of_the_clients_readme_say_hello,
];

#[path = "../../../clients/rust/examples/hello.rs"]
#[expect(dead_code, reason = "an example has a main function")]
mod example;

async fn hears(device: &Device, text: &str) -> MessageCreated {
    device.told("message.created", |event: &MessageCreated| event.message.text == text).await
}

async fn two_people_talk_on_two_devices_each(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let adas_phone = ada.log_in("phone").await.unwrap();
    let bens_phone = ben.log_in("phone").await.unwrap();
    let room = ada.session.direct(ben.id()).await.unwrap();
    assert_eq!(ben.session.direct(ada.id()).await.unwrap().id, room.id, "one such room a pair");
    let devices =
        [ada.device_by(0).await, adas_phone.device_by(1).await, ben.device_by(0).await, bens_phone.device_by(1).await];

    let mut seqs = Vec::new();
    for (device, text) in devices.iter().zip(["one", "two", "three", "four"]) {
        let sent = device.socket.send_message(room.id, text).await.unwrap();
        assert!(!sent.duplicate);
        seqs.push(sent.message.seq);
    }
    assert_eq!(seqs, [1, 2, 3, 4], "numbers are dense");
    for device in &devices {
        hears(device, "four").await;
        let heard: Vec<MessageCreated> = device.all("message.created");
        let heard: Vec<_> = heard.iter().map(|event| (event.message.seq, event.message.text.as_str())).collect();
        assert_eq!(heard, [(1, "one"), (2, "two"), (3, "three"), (4, "four")]);
    }
}

async fn a_repeat_returns_the_first_result(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let room = ada.session.direct(ben.id()).await.unwrap().id;
    let (on_ada, on_ben) = (ada.device_by(0).await, ben.device_by(1).await);
    // The second is made after a moment that the first one's answer told, where there are any.
    for text in ["once", "twice"] {
        let message = on_ada.socket.message(room, text);
        let first = on_ada.socket.send(&message).await.unwrap();
        // On another node, as after a lost connection.
        on_ada.socket.bounce(Duration::ZERO).await.unwrap();
        let again = on_ada.socket.send(&message).await.unwrap();
        assert!(!first.duplicate && again.duplicate);
        assert_eq!(first.message, again.message);
    }

    on_ada.socket.send_message(room, "after").await.unwrap();
    hears(&on_ben, "after").await;
    assert_eq!(on_ben.all::<MessageCreated>("message.created").len(), 3);
}

async fn what_was_missed_arrives_on_another_node(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let room = ada.session.direct(ben.id()).await.unwrap().id;
    let (on_ada, on_ben) = (ada.device_by(0).await, ben.device().await);
    on_ada.socket.send_message(room, "before").await.unwrap();
    hears(&on_ben, "before").await;

    on_ben.socket.bounce(Duration::from_millis(700)).await.unwrap();
    on_ben.until("ben is away", |event| matches!(event, Event::Disconnected { .. }).then_some(())).await;
    for number in 0..20 {
        on_ada.socket.send_message(room, format!("missed {number}")).await.unwrap();
    }
    hears(&on_ben, "missed 19").await;
    let resumed = |event: &Event| matches!(event, Event::Connected { how: ResumeStatus::Resumed, .. });
    assert_eq!(on_ben.count(resumed), 1, "{on_ben:?}");
    let heard: Vec<u64> = on_ben.all::<MessageCreated>("message.created").iter().map(|it| it.message.seq).collect();
    assert_eq!(heard, (1..=21).collect::<Vec<_>>());
    assert_eq!(on_ben.count(|event| matches!(event, Event::Gap { .. } | Event::Resync { .. })), 0);
}

async fn a_new_room_is_heard_at_once_and_a_left_one_no_more(plaza: &Deployment) {
    let (ada, ben, cleo) = (plaza.person("ada").await, plaza.person("ben").await, plaza.person("cleo").await);
    let (on_ada, on_ben, on_cleo) = (ada.device_by(0).await, ben.device_by(1).await, cleo.device_by(1).await);
    let room = ada.session.group("engines", &[ben.id()]).await.unwrap().id;
    on_ben.told("room.joined", |event: &RoomJoined| event.room.id == room).await;
    on_ada.socket.send_message(room, "welcome").await.unwrap();
    hears(&on_ben, "welcome").await;

    assert_eq!(ada.session.add_members(room, &[cleo.id()]).await.unwrap().added, [cleo.id()]);
    on_cleo.told("room.joined", |event: &RoomJoined| event.room.id == room).await;
    on_cleo.socket.send_message(room, "hello from cleo").await.unwrap();
    hears(&on_ben, "hello from cleo").await;

    ada.session.remove_member(room, ben.id()).await.unwrap();
    on_ben.told("room.left", |event: &RoomLeft| event.room == room).await;
    on_ada.socket.send_message(room, "without ben").await.unwrap();
    hears(&on_cleo, "without ben").await;
    let refused = on_ben.socket.send_message(room, "still here?").await.unwrap_err();
    assert_eq!(refused.code(), Some("room_not_found"), "{refused}");
    let overheard: Vec<MessageCreated> = on_ben.all("message.created");
    assert!(overheard.iter().all(|event| event.message.text != "without ben"));
}

async fn reading_moves_the_own_devices_and_tells_the_others(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let bens_phone = ben.log_in("phone").await.unwrap();
    let room = ada.session.direct(ben.id()).await.unwrap().id;
    let (on_ada, on_ben, on_phone) = (ada.device_by(0).await, ben.device_by(1).await, bens_phone.device_by(0).await);
    for text in ["one", "two", "three"] {
        on_ada.socket.send_message(room, text).await.unwrap();
    }
    hears(&on_ben, "three").await;
    let marks = on_ben.socket.read(room, 2).await.unwrap();
    assert_eq!((marks.read_seq, marks.unread), (2, 1));

    on_phone.told("read.moved", |event: &ReadMoved| (event.room, event.read_seq, event.unread) == (room, 2, 1)).await;
    on_ada
        .told("receipt", |event: &ReceiptsMoved| {
            event.receipts.iter().any(|receipt| receipt.user == ben.id() && receipt.read_seq == 2)
        })
        .await;
    let marks = on_phone.socket.read(room, 1).await.unwrap();
    assert_eq!(marks.read_seq, 2, "marks only move forward");
    assert_eq!(ben.session.room(room).await.unwrap().membership.unwrap().unread, 1);
}

async fn edits_reactions_and_deletions_reach_everybody(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let room = ada.session.direct(ben.id()).await.unwrap().id;
    let (on_ada, on_ben) = (ada.device_by(0).await, ben.device_by(1).await);
    let seq = on_ada.socket.send_message(room, "a tpyo").await.unwrap().message.seq;
    on_ada.socket.edit_message(room, seq, "a typo").await.unwrap();
    on_ben.told("message.edited", |event: &MessageEdited| (event.seq, event.text.as_str()) == (seq, "a typo")).await;
    on_ben.socket.react(room, seq, "👍").await.unwrap();
    on_ada.told("reaction.added", |event: &ReactionAdded| event.user == ben.id() && event.emoji == "👍").await;
    assert!(on_ben.socket.edit_message(room, seq, "not his").await.is_err_and(|error| !error.is_temporary()));

    on_ada.socket.delete_message(room, seq).await.unwrap();
    on_ben.told("message.deleted", |event: &MessageDeleted| event.seq == seq).await;
    let history = on_ben.socket.catch_up(room, 0).await.unwrap();
    assert_eq!((history.len(), history[0].text.as_str()), (1, ""));
    assert!(history[0].deleted_at.is_some());
}

async fn typing_shows_and_ends_by_itself(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let room = ada.session.direct(ben.id()).await.unwrap().id;
    let (on_ada, on_ben) = (ada.device_by(0).await, ben.device_by(1).await);
    on_ada.socket.start_typing(room).await.unwrap();
    let typing: Typing = on_ben.told("typing", |event: &Typing| event.user == ada.id()).await;
    assert!((1..=30_000).contains(&typing.expires_in_ms), "clients end it by themselves: {typing:?}");
    on_ada.socket.stop_typing(room).await.unwrap();
    on_ben.told("typing", |event: &Typing| event.expires_in_ms == 0).await;
    assert_eq!(on_ada.all::<Typing>("typing").len(), 0, "nobody is told of their own");
}

async fn a_channel_is_heard_by_whoever_follows_it(plaza: &Deployment) {
    let (ada, ben, cleo) = (plaza.person("ada").await, plaza.person("ben").await, plaza.person("cleo").await);
    let channel = RoomCreate::Channel { name: "launch".to_owned(), posting: Posting::Staff };
    let room = ada.session.create_room(&channel).await.unwrap().id;
    let (on_ada, on_ben, on_cleo) = (ada.device_by(0).await, ben.device_by(1).await, cleo.device_by(1).await);
    for device in [&on_ben, &on_cleo] {
        device.socket.follow_channel(room).await.unwrap();
    }
    on_ada.socket.send_message(room, "lift-off").await.unwrap();
    hears(&on_ben, "lift-off").await;
    let refused = on_ben.socket.send_message(room, "me too").await.unwrap_err();
    assert!(!refused.is_temporary(), "{refused}");

    on_ben.socket.unfollow_channel(room).await.unwrap();
    on_ada.socket.send_message(room, "in orbit").await.unwrap();
    // By then it has passed ben's node, so that following again cannot bring it.
    hears(&on_cleo, "in orbit").await;
    on_ben.socket.follow_channel(room).await.unwrap();
    on_ada.socket.send_message(room, "docked").await.unwrap();
    hears(&on_ben, "docked").await;
    assert!(on_ben.all::<MessageCreated>("message.created").iter().all(|event| event.message.text != "in orbit"));
}

async fn a_block_closes_the_direct_room(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let room = ada.session.direct(ben.id()).await.unwrap().id;
    let (on_ada, on_ben) = (ada.device_by(0).await, ben.device_by(1).await);
    // So long that their nodes no longer ask about each message.
    for text in ["hello", "are you there?", "look", "goodbye"] {
        on_ada.socket.send_message(room, text).await.unwrap();
        on_ben.socket.send_message(room, text).await.unwrap();
    }
    hears(&on_ada, "goodbye").await;
    ada.session.block(ben.id()).await.unwrap();
    for device in [&on_ada, &on_ben, &on_ben, &on_ada] {
        let refused = device.socket.send_message(room, "and now?").await.unwrap_err();
        assert!(!refused.is_temporary(), "{refused}");
    }
    assert!(ben.session.direct(ada.id()).await.is_err());
    ada.session.unblock(ben.id()).await.unwrap();
    on_ben.socket.send_message(room, "friends again").await.unwrap();
    hears(&on_ada, "friends again").await;
    let said = on_ada.socket.catch_up(room, 0).await.unwrap();
    assert!(said.len() == 9 && said.iter().all(|message| message.text != "and now?"));
}

async fn history_is_read_from_any_place(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let room = ada.session.direct(ben.id()).await.unwrap().id;
    let (on_ada, on_ben) = (ada.device_by(0).await, ben.device_by(1).await);
    for number in 1..=30 {
        on_ada.socket.send_message(room, number.to_string()).await.unwrap();
    }
    let page = async |before, after, around| {
        let limit = kernel::PageSize::try_from(10).ok();
        let page = HistoryGet { room, before, after, around, limit };
        let page = on_ben.socket.history(&page).await.unwrap();
        assert_eq!(page.last_seq, 30);
        let seqs: Vec<u64> = page.messages.iter().map(|message| message.seq).collect();
        (seqs[0], seqs.len(), seqs.is_sorted())
    };
    assert_eq!(page(None, None, None).await, (21, 10, true));
    assert_eq!(page(Some(21), None, None).await, (11, 10, true));
    assert_eq!(page(None, Some(5), None).await, (6, 10, true));
    let (first, length, sorted) = page(None, None, Some(15)).await;
    assert!(sorted && length == 10 && (first..first + 10).contains(&15));
    assert_eq!(on_ben.socket.catch_up(room, 0).await.unwrap().len(), 30);
}

async fn a_device_that_was_away_learns_what_changed_without_reading_every_room(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let mut rooms = Vec::new();
    for number in 0..5 {
        rooms.push(ada.session.group(&format!("room {number}"), &[ben.id()]).await.unwrap().id);
    }
    let on_ben = ben.device_by(1).await;
    let everything = on_ben.socket.room_changes(None).await.unwrap();
    assert_eq!((everything.rooms.len(), everything.left.len(), everything.more), (5, 0, false));
    // What has only just changed may be listed twice; then there is nothing.
    let mut cursor = everything.cursor;
    let quiet = until("nothing changes any more", Duration::from_secs(60), async || {
        let changes = on_ben.socket.room_changes(Some(cursor.clone())).await.ok()?;
        cursor = changes.cursor;
        changes.rooms.is_empty().then_some(())
    });
    quiet.await;

    let on_ada = ada.device_by(0).await;
    on_ada.socket.send_message(rooms[3], "only here").await.unwrap();
    let changes = on_ben.socket.room_changes(Some(cursor)).await.unwrap();
    assert_eq!(changes.rooms.len(), 1, "not all rooms: {changes:?}");
    let room = changes.rooms.iter().find(|room| room.id == rooms[3]).unwrap();
    assert_eq!(room.membership.as_ref().unwrap().unread, 1);
}

async fn the_lines_of_the_clients_readme_say_hello(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let on_ben = ben.device().await;
    let (url, handle) = (plaza.bases()[0].clone(), ada.session.me().handle.clone());
    let (password, other) = (system_tests::people::PASSWORD.to_owned(), ben.id());
    // It goes on to listen until it is told to stop.
    let running = tokio::spawn(async move { example::hello(&url, handle, password, other).await });
    let heard = hears(&on_ben, "Hello!").await;
    assert_eq!(heard.message.sender, Some(ada.id()));
    running.abort();
}
