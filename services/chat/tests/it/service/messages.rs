//! Saying, changing and reading messages.

use chat::Saying;
use chat::log::Span;
use kernel::PageSize;
use live::Topic;
use schemas::chat::{MessagePatch, Posting};
use uuid::Uuid;

use super::town::{Town, code};

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_returns_the_first_result_and_is_heard_once() {
    let town = Town::new().await;
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    let room = town.direct(ada, ben).await;
    town.follow([Topic::Room(room)]).await;
    let saying = Saying { room, client_id: Uuid::now_v7(), text: "hello".to_owned(), reply_to: None, made_after: None };
    let first = town.chat.send(&town.ctx(ada), saying.clone()).await.unwrap();
    let again = town.chat.send(&town.ctx(ada), saying).await.unwrap();
    assert_eq!((first.duplicate, again.duplicate), (false, true));
    assert_eq!(first.message, again.message);
    let heard = town.hear().await;
    assert_eq!((heard.kind(), heard.body["message"]["seq"].as_u64()), ("message.created", Some(1)));
    assert!(town.is_quiet().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_ends_a_conversation_either_way_and_at_once() {
    let town = Town::new().await;
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    let room = town.direct(ada, ben).await;
    town.say(ada, room, "hi").await;
    town.say(ben, room, "hi!").await;
    town.people.block(ben, ada);
    town.follow([Topic::Room(room)]).await;
    for (one, own) in [(ada, 1), (ben, 2)] {
        let ctx = town.ctx(one);
        assert_eq!(code(town.try_say(one, room, "hello?").await), "blocked");
        assert_eq!(code(town.chat.typing(&ctx, room, true).await), "blocked");
        let patch = MessagePatch { text: "changed".to_owned(), version: None };
        assert_eq!(code(town.chat.edit(&ctx, room, own, patch).await), "blocked");
        assert_eq!(code(town.chat.react(&ctx, room, own, "👍").await), "blocked");
        let history = town.chat.history(&ctx, room, Span::Latest, PageSize::DEFAULT).await.unwrap();
        assert_eq!(history.messages.len(), 2);
    }
    assert!(town.is_quiet().await);
    town.chat.delete(&town.ctx(ada), room, 1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_raises_the_version_and_changes_who_is_mentioned() {
    let town = Town::new().await;
    let [ada, ben, cleo] = ["ada", "ben", "cleo"].map(|handle| town.person(handle));
    let room = town.group(ada, &[ben, cleo]).await;
    let said = town.say(ada, room, "Tea, @ben and @nobody?").await;
    assert_eq!(said.mentions, [ben]);
    assert_eq!(town.membership(ben, room).await.mentions, 1);
    town.follow([Topic::Room(room)]).await;
    let patch = |text: &str, version| MessagePatch { text: text.to_owned(), version };
    assert_eq!(code(town.chat.edit(&town.ctx(ben), room, 1, patch("mine", None)).await), "not_your_message");
    let edited = town.chat.edit(&town.ctx(ada), room, 1, patch("Tea, @CLEO?", Some(1))).await.unwrap();
    assert_eq!((edited.version, &edited.mentions[..], edited.edited_at), (2, &[cleo][..], Some(town.clock.now())));
    assert_eq!(code(town.chat.edit(&town.ctx(ada), room, 1, patch("late", Some(1))).await), "version_moved");
    assert_eq!(town.membership(ben, room).await.mentions, 0);
    assert_eq!(town.membership(cleo, room).await.mentions, 1);
    let heard = town.hear().await;
    assert_eq!((heard.kind(), heard.body["version"].as_u64()), ("message.edited", Some(2)));
    assert_eq!(town.chat.edit(&town.ctx(ada), room, 1, patch("whenever", None)).await.unwrap().version, 3);
    assert_eq!(code(town.chat.edit(&town.ctx(ada), room, 9, patch("nothing", None)).await), "message_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_message_leaves_its_place_and_nothing_else() {
    let town = Town::new().await;
    let [ada, ben, cleo] = ["ada", "ben", "cleo"].map(|handle| town.person(handle));
    let room = town.group(ada, &[ben, cleo]).await;
    town.say(ben, room, "a secret, @cleo").await;
    town.chat.react(&town.ctx(cleo), room, 1, "👀").await.unwrap();
    assert_eq!(code(town.chat.delete(&town.ctx(cleo), room, 1).await), "not_your_message");
    town.follow([Topic::Room(room)]).await;
    // An admin may, and again is once.
    town.chat.delete(&town.ctx(ada), room, 1).await.unwrap();
    town.chat.delete(&town.ctx(ben), room, 1).await.unwrap();
    assert_eq!(town.hear().await.kind(), "message.deleted");
    assert!(town.is_quiet().await);
    let history = town.chat.history(&town.ctx(cleo), room, Span::Latest, PageSize::DEFAULT).await.unwrap();
    let left = &history.messages[0];
    assert_eq!((left.seq, left.text.as_str(), left.version, left.reactions.len()), (1, "", 2, 0));
    assert!(left.deleted_at.is_some() && left.mentions.is_empty());
    assert_eq!(town.membership(cleo, room).await.mentions, 0);
    assert_eq!(code(town.chat.react(&town.ctx(cleo), room, 1, "👀").await), "message_deleted");
    let patch = MessagePatch { text: "back".to_owned(), version: None };
    assert_eq!(code(town.chat.edit(&town.ctx(ben), room, 1, patch).await), "message_deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_point_at_messages_that_are_there() {
    let town = Town::new().await;
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    let room = town.direct(ada, ben).await;
    let say = async |reply_to| {
        let saying = Saying { room, client_id: Uuid::now_v7(), text: "yes".to_owned(), reply_to, made_after: None };
        town.chat.send(&town.ctx(ben), saying).await
    };
    assert_eq!(code(say(Some(1)).await), "reply_not_found");
    say(None).await.unwrap();
    assert_eq!(say(Some(1)).await.unwrap().message.reply_to, Some(1));
    assert_eq!(code(say(Some(u64::MAX)).await), "reply_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn history_shows_what_stands_under_messages_and_who_set_it() {
    let town = Town::new().await;
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    // Ids of one millisecond come in any order.
    let in_order = if ada < ben { [ada, ben] } else { [ben, ada] };
    let room = town.channel(ada, Posting::Everyone).await;
    for n in 1..=5 {
        town.say(ada, room, &n.to_string()).await;
    }
    town.follow([Topic::Room(room)]).await;
    for (user, emoji) in [(ada, "👍"), (ben, "👍"), (ben, "👍"), (ben, "🎉")] {
        town.chat.react(&town.ctx(user), room, 4, emoji).await.unwrap();
    }
    town.chat.unreact(&town.ctx(ben), room, 4, "🎉").await.unwrap();
    let kinds = town.hear_kinds(4).await;
    assert_eq!(kinds, ["reaction.added", "reaction.added", "reaction.added", "reaction.removed"]);
    let history =
        town.chat.history(&town.ctx(ada), room, Span::Around(4), PageSize::try_from(3).unwrap()).await.unwrap();
    assert_eq!(history.messages.iter().map(|message| message.seq).collect::<Vec<_>>(), [3, 4, 5]);
    let shown: Vec<_> = history.messages[1].reactions.iter().map(|t| (t.emoji.as_str(), t.count, t.mine)).collect();
    assert_eq!((shown, history.last_seq), (vec![("👍", 2, true)], 5));
    let who = town.chat.reactors(&town.ctx(ben), room, 4, "👍", None, PageSize::try_from(1).unwrap()).await.unwrap();
    assert_eq!(who.items[0].person.id, in_order[0]);
    let rest = town.chat.reactors(&town.ctx(ben), room, 4, "👍", who.next.as_ref(), PageSize::DEFAULT).await.unwrap();
    assert_eq!((rest.items[0].person.id, rest.next), (in_order[1], None));
    assert_eq!(code(town.chat.react(&town.ctx(ben), room, 4, "lol").await), "invalid_emoji");
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_are_none_are_refused() {
    let town = Town::new().await;
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    let room = town.direct(ada, ben).await;
    town.say(ada, room, &"x".repeat(4_000)).await;
    assert_eq!(code(town.try_say(ada, room, &"x".repeat(4_001)).await), "message_too_long");
    assert_eq!(code(town.try_say(ada, room, " \n ").await), "message_empty");
    let many: String = (0..51).map(|n| format!("@p{n} ")).collect();
    assert_eq!(code(town.try_say(ada, room, &many).await), "too_many_mentions");
}
