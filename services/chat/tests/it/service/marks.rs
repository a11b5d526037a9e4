//! How far everybody has come, and who types.

use std::time::Duration;

use live::Topic;
use schemas::chat::{ChatSettingsPatch, Posting};

use super::town::{Town, code};

#[tokio::test(flavor = "multi_thread")]
async fn marks_count_what_is_unread_and_only_rise() {
    let town = Town::new().await;
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    let room = town.group(ada, &[ben]).await;
    for text in ["one", "two, @ben", "three", "@ben: four"] {
        town.say(ada, room, text).await;
    }
    let of_ben = town.membership(ben, room).await;
    assert_eq!((of_ben.read_seq, of_ben.unread, of_ben.mentions), (0, 4, 2));
    // Who spoke has read.
    let of_ada = town.membership(ada, room).await;
    assert_eq!((of_ada.read_seq, of_ada.unread), (4, 0));

    town.follow([Topic::User(ben)]).await;
    let marks = town.chat.read(&town.ctx(ben), room, 2).await.unwrap();
    assert_eq!((marks.read_seq, marks.delivered_seq, marks.unread, marks.mentions), (2, 2, 2, 1));
    let told = town.hear().await;
    assert_eq!((told.kind(), told.body["read_seq"].as_u64()), ("read.moved", Some(2)));
    // Back is no way, and nobody reads what is not there.
    assert_eq!(town.chat.read(&town.ctx(ben), room, 1).await.unwrap(), marks);
    assert!(town.is_quiet().await);
    assert_eq!(town.chat.read(&town.ctx(ben), room, 1_000_000).await.unwrap().read_seq, 4);

    town.say(ben, room, "five").await;
    town.say(ada, room, "six").await;
    let of_ben = town.membership(ben, room).await;
    assert_eq!((of_ben.read_seq, of_ben.unread), (5, 1));
    town.chat.flush(town.clock.now()).await.unwrap();
    let of_ben = town.membership(ben, room).await;
    assert_eq!((of_ben.read_seq, of_ben.unread, of_ben.mentions), (5, 1, 0));

    let cleo = town.person("cleo");
    assert_eq!(code(town.chat.read(&town.ctx(cleo), room, 1).await), "room_not_found");
    town.chat.add(&town.ctx(ada), room, vec![cleo]).await.unwrap();
    assert_eq!(town.membership(cleo, room).await.unread, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_told_together_and_not_of_those_who_hide_them() {
    let town = Town::new().await;
    let [ada, ben, cleo] = ["ada", "ben", "cleo"].map(|handle| town.person(handle));
    let room = town.group(ada, &[ben, cleo]).await;
    town.say(ada, room, "hello").await;
    let hide = ChatSettingsPatch { hide_receipts: Some(true) };
    assert!(town.chat.change_settings(&town.ctx(cleo), hide).await.unwrap().hide_receipts);
    town.follow([Topic::Room(room)]).await;
    town.chat.delivered(&town.ctx(ben), room, 1).await.unwrap();
    town.chat.delivered(&town.ctx(cleo), room, 1).await.unwrap();
    town.chat.read(&town.ctx(cleo), room, 1).await.unwrap();
    town.chat.flush(town.clock.now()).await.unwrap();
    let told = town.hear().await;
    assert_eq!(told.kind(), "receipt");
    let expected = serde_json::json!([{ "user": ben, "read_seq": 0, "delivered_seq": 1 }]);
    assert_eq!(told.body["receipts"], expected);
    assert!(town.is_quiet().await);
    let receipts = town.chat.receipts(&town.ctx(ada), room).await.unwrap().receipts;
    let mut seen: Vec<_> = receipts.into_iter().map(|one| (one.user, one.read_seq, one.delivered_seq)).collect();
    seen.sort_unstable();
    let mut expected = [(ada, 1, 1), (ben, 0, 1)];
    expected.sort_unstable();
    assert_eq!(seen, expected);
    // Who hides sees none.
    assert!(town.chat.receipts(&town.ctx(cleo), room).await.unwrap().receipts.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_end_at_a_hundred_members_and_typing_at_two_hundred_and_fifty() {
    let town = Town::new().await;
    let ada = town.person("ada");
    let people: Vec<_> = (1..250).map(|n| town.person(&format!("p{n}"))).collect();
    let room = town.group(ada, &people[..99]).await;
    town.say(ada, room, "hello").await;
    town.follow([Topic::Room(room)]).await;
    town.chat.read(&town.ctx(people[0]), room, 1).await.unwrap();
    town.chat.flush(town.clock.now()).await.unwrap();
    assert_eq!(town.hear().await.kind(), "receipt");
    assert_eq!(town.chat.receipts(&town.ctx(ada), room).await.unwrap().receipts.len(), 100);

    town.chat.add(&town.ctx(ada), room, vec![people[99]]).await.unwrap();
    assert_eq!(town.hear().await.kind(), "member.joined");
    town.chat.read(&town.ctx(people[1]), room, 1).await.unwrap();
    town.chat.flush(town.clock.now()).await.unwrap();
    assert!(town.is_quiet().await);
    assert_eq!(code(town.chat.receipts(&town.ctx(ada), room).await), "room_too_large");

    town.chat.add(&town.ctx(ada), room, people[100..].to_vec()).await.unwrap();
    assert_eq!(town.hear().await.kind(), "member.joined");
    town.chat.typing(&town.ctx(people[3]), room, true).await.unwrap();
    assert_eq!(town.hear().await.kind(), "typing");
    town.chat.add(&town.ctx(ada), room, vec![town.person("one_more")]).await.unwrap();
    assert_eq!(town.hear().await.kind(), "member.joined");
    town.chat.typing(&town.ctx(people[4]), room, true).await.unwrap();
    assert!(town.is_quiet().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_expires_by_itself_and_is_not_told_too_often() {
    let town = Town::new().await;
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    let room = town.direct(ada, ben).await;
    town.follow([Topic::Room(room)]).await;
    town.chat.typing(&town.ctx(ada), room, true).await.unwrap();
    let told = town.hear().await;
    assert_eq!((told.kind(), told.body["expires_in_ms"].as_u64()), ("typing", Some(8_000)));
    town.pass(Duration::from_millis(2_900));
    town.chat.typing(&town.ctx(ada), room, true).await.unwrap();
    assert!(town.is_quiet().await);
    town.pass(Duration::from_millis(100));
    town.chat.typing(&town.ctx(ada), room, true).await.unwrap();
    assert_eq!(town.hear().await.kind(), "typing");
    town.chat.typing(&town.ctx(ada), room, false).await.unwrap();
    assert_eq!(town.hear().await.body["expires_in_ms"].as_u64(), Some(0));

    let channel = town.channel(ada, Posting::Everyone).await;
    town.follow([Topic::Room(channel)]).await;
    town.chat.typing(&town.ctx(ben), channel, true).await.unwrap();
    assert!(town.is_quiet().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_mute_until_a_time_or_for_good() {
    let town = Town::new().await;
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    let room = town.direct(ada, ben).await;
    let later = town.clock.now().plus(Duration::from_secs(3600));
    town.chat.mute(&town.ctx(ada), room, Some(later)).await.unwrap();
    assert_eq!(town.membership(ada, room).await.muted_until, Some(later));
    town.chat.mute(&town.ctx(ada), room, None).await.unwrap();
    let forever = town.membership(ada, room).await.muted_until.unwrap();
    assert_eq!(forever.to_string(), "9999-01-01T00:00:00.000Z");
    assert_eq!(town.membership(ben, room).await.muted_until, None);
    town.chat.unmute(&town.ctx(ada), room).await.unwrap();
    assert_eq!(town.membership(ada, room).await.muted_until, None);
    let cleo = town.person("cleo");
    assert_eq!(code(town.chat.mute(&town.ctx(cleo), room, None).await), "room_not_found");
}
