//! What every message log must do: see the MUSTs of `MessageLog`.

use std::collections::BTreeSet;
use std::sync::Arc;

use chat::log::{
    Draft, EMOJI_PER_MESSAGE_MAX, LogError, MessageLog, REACTIONS_PER_PERSON_MAX, Reacted, Reaction, Span, Tally,
};
use futures_util::future::join_all;
use kernel::{Clock, Timestamp};

use crate::stores::{self, draft, heads, room, seqs, texts, user};

type Nodes = Vec<Arc<dyn MessageLog>>;

macro_rules! conformance {
    ($($case:ident),* $(,)?) => {
        conformance!(@on postgres: $($case),*);
        conformance!(@on cassandra_local: $($case),*);
        conformance!(@on cassandra_redis: $($case),*);
    };
    (@on $store:ident: $($case:ident),*) => {
        mod $store {$(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                super::$case(super::stores::$store().await).await;
            }
        )*}
    };
}

conformance! {
    numbers_are_dense_and_a_repeat_returns_the_first,
    a_repeat_is_known_where_nobody_looked,
    under_a_gate_that_was_moved_nothing_is_appended,
    of_many_writers_with_one_client_id_one_wins,
    the_same_client_id_of_others_or_elsewhere_is_another_message,
    what_one_node_appends_all_nodes_read,
    pages_are_contiguous_in_every_direction,
    a_page_ends_at_its_limit,
    of_two_changes_from_one_version_one_is_refused,
    a_deleted_message_is_still_found_by_its_sender,
    heads_and_latest_messages_come_in_the_order_asked,
    reactions_are_counted_from_who_reacted,
    reactions_of_one_person_end_at_ten,
    kinds_of_emoji_end_at_fifty,
}

async fn numbers_are_dense_and_a_repeat_returns_the_first(nodes: Nodes) {
    let (room, ada) = (room(), user());
    for n in 1..=5 {
        let node = &nodes[n as usize % nodes.len()];
        let said = draft(room, ada, &format!("message {n}"));
        let first = node.append(said.clone()).await.unwrap();
        assert_eq!((first.message.seq, first.duplicate), (n, false));
        for other in &nodes {
            let mut repeat = said.clone();
            repeat.text = "said differently".to_owned();
            let again = other.append(repeat).await.unwrap();
            assert_eq!((again.message, again.duplicate), (first.message.clone(), true));
        }
    }
    assert_eq!(heads(&*nodes[0], &[room]).await, [5]);
}

/// Where a log has no gates, it tells of none, and every sender is asked about.
async fn under_a_gate_that_was_moved_nothing_is_appended(nodes: Nodes) {
    let (room, ada) = (room(), user());
    let append = async |node: &dyn MessageLog, gate| {
        let said = draft(room, ada, "said");
        let mut looked_up = node.look_up(&said.key(), None).await.unwrap();
        looked_up.gate = gate;
        node.append_new(said, looked_up).await
    };
    let Some(gate) = append(&*nodes[0], None).await.unwrap().gate else {
        return nodes[1].move_gate(room).await.unwrap();
    };
    assert_eq!(append(&*nodes[1], Some(gate)).await.unwrap().gate, Some(gate));
    nodes[2].move_gate(room).await.unwrap();
    for node in &nodes {
        assert!(matches!(append(&**node, Some(gate)).await, Err(LogError::Moved)));
    }
    let after = append(&*nodes[0], None).await.unwrap();
    assert_eq!(after.message.seq, 3);
    assert_ne!(after.gate, Some(gate));
}

async fn a_repeat_is_known_where_nobody_looked(nodes: Nodes) {
    let (room, ada) = (room(), user());
    // The room is known from then on.
    nodes[0].append(draft(room, ada, "first")).await.unwrap();
    let moment = nodes[0].now(room);
    let append = async |node: &dyn MessageLog, said: &Draft| {
        let unseen = node.look_up(&said.key(), moment).await.unwrap();
        node.append_new(said.clone(), unseen).await.unwrap()
    };
    for seq in 2..=3 {
        let said = draft(room, ada, "once");
        let first = append(&*nodes[1], &said).await;
        assert_eq!((first.message.seq, first.duplicate), (seq, false));
        for node in &nodes {
            let again = append(&**node, &said).await;
            assert_eq!((again.message, again.duplicate), (first.message.clone(), true));
        }
    }
    assert_eq!(heads(&*nodes[0], &[room]).await, [3]);
}

async fn of_many_writers_with_one_client_id_one_wins(nodes: Nodes) {
    let (room, ada) = (room(), user());
    for round in 1..=5 {
        let said = draft(room, ada, "once");
        let writers = (0..12).map(|n| nodes[n % nodes.len()].append(said.clone()));
        let outcomes: Vec<_> = join_all(writers).await.into_iter().map(Result::unwrap).collect();
        assert!(outcomes.iter().all(|outcome| outcome.message == outcomes[0].message));
        assert_eq!(outcomes.iter().filter(|outcome| !outcome.duplicate).count(), 1, "round {round}");
        assert_eq!(outcomes[0].message.seq, round);
    }
}

async fn the_same_client_id_of_others_or_elsewhere_is_another_message(nodes: Nodes) {
    let (here, there, ada, ben) = (room(), room(), user(), user());
    let mut said = draft(here, ada, "hello");
    assert_eq!(nodes[0].append(said.clone()).await.unwrap().message.seq, 1);
    said.sender = ben;
    let of_ben = nodes[0].append(said.clone()).await.unwrap();
    assert_eq!((of_ben.message.seq, of_ben.duplicate), (2, false));
    said.room = there;
    let elsewhere = nodes[0].append(said).await.unwrap();
    assert_eq!((elsewhere.message.seq, elsewhere.duplicate), (1, false));
}

async fn what_one_node_appends_all_nodes_read(nodes: Nodes) {
    let (room, ada, ben) = (room(), user(), user());
    let mut said = draft(room, ada, "Grüße, @ben 👋");
    said.mentions = vec![ben];
    nodes[0].append(draft(room, ben, "first")).await.unwrap();
    said.reply_to = Some(1);
    let appended = nodes[0].append(said.clone()).await.unwrap().message;
    assert_eq!((appended.body.sender, appended.body.reply_to), (Some(ada), Some(1)));
    assert_eq!((&appended.body.mentions, appended.body.created_at), (&said.mentions, said.at));
    for node in &nodes {
        assert_eq!(node.get(room, 2).await.unwrap().as_ref(), Some(&appended));
        assert_eq!(node.page(room, Span::Latest, 1).await.unwrap(), std::slice::from_ref(&appended));
        assert_eq!(node.get(room, 3).await.unwrap(), None);
    }
}

async fn pages_are_contiguous_in_every_direction(nodes: Nodes) {
    let (room, ada) = (room(), user());
    let node = &nodes[0];
    assert_eq!(node.page(room, Span::Latest, 10).await.unwrap(), []);
    assert_eq!(node.page(room, Span::After(0), 10).await.unwrap(), []);
    for n in 1..=12 {
        node.append(draft(room, ada, &n.to_string())).await.unwrap();
    }
    let page = async |span| seqs(&nodes[1].page(room, span, 5).await.unwrap());
    assert_eq!(page(Span::Latest).await, [8, 9, 10, 11, 12]);
    assert_eq!(page(Span::Before(8)).await, [3, 4, 5, 6, 7]);
    assert_eq!(page(Span::Before(3)).await, [1, 2]);
    assert_eq!(page(Span::Before(1)).await, [0; 0]);
    assert_eq!(page(Span::After(0)).await, [1, 2, 3, 4, 5]);
    assert_eq!(page(Span::After(10)).await, [11, 12]);
    assert_eq!(page(Span::After(12)).await, [0; 0]);
    assert_eq!(page(Span::After(1_000)).await, [0; 0]);
    assert_eq!(page(Span::Around(6)).await, [4, 5, 6, 7, 8]);
    assert_eq!(page(Span::Around(1)).await, [1, 2, 3, 4, 5]);
    assert_eq!(page(Span::Around(12)).await, [10, 11, 12]);
    let everything = nodes[2].page(room, Span::After(0), 100).await.unwrap();
    let expected: Vec<(u64, String)> = (1..=12).map(|n| (n, n.to_string())).collect();
    assert_eq!(texts(&everything), expected.iter().map(|(n, t)| (*n, t.as_str())).collect::<Vec<_>>());
}

async fn a_page_ends_at_its_limit(nodes: Nodes) {
    let (room, ada) = (room(), user());
    for _ in 0..11 {
        let says = (0..10).map(|n| nodes[n % 3].append(draft(room, ada, "…")));
        join_all(says).await.into_iter().for_each(|appended| drop(appended.unwrap()));
    }
    for (span, expected) in [(Span::Latest, 11..=110), (Span::After(0), 1..=100), (Span::Before(110), 10..=109)] {
        let page = nodes[0].page(room, span, 1_000_000).await.unwrap();
        assert_eq!(seqs(&page), expected.collect::<Vec<_>>(), "{span:?}");
    }
}

async fn of_two_changes_from_one_version_one_is_refused(nodes: Nodes) {
    let (room, ada) = (room(), user());
    let first = nodes[0].append(draft(room, ada, "frist")).await.unwrap().message;
    let mut edited = first.clone();
    edited.body.version = 2;
    edited.body.text = "first".to_owned();
    edited.body.edited_at = Some(Timestamp::from_millis(1_700_000_000_000));
    let mut other = edited.clone();
    other.body.text = "1st".to_owned();
    let (one, two) = tokio::join!(nodes[0].replace(&edited), nodes[1].replace(&other));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one ^ two, "{one} {two}");
    let kept = nodes[2].get(room, 1).await.unwrap().unwrap();
    assert_eq!(kept, if one { edited.clone() } else { other });
    assert!(!nodes[0].replace(&edited).await.unwrap());
    let mut again = kept;
    again.body.version = 3;
    again.body.text = "The first.".to_owned();
    assert!(nodes[0].replace(&again).await.unwrap());
    assert_eq!(nodes[1].page(room, Span::Latest, 10).await.unwrap(), [again]);
}

async fn a_deleted_message_is_still_found_by_its_sender(nodes: Nodes) {
    let (room, ada) = (room(), user());
    let said = draft(room, ada, "oops");
    let mut message = nodes[0].append(said.clone()).await.unwrap().message;
    message.body.version = 2;
    message.body.text = String::new();
    message.body.deleted_at = Some(said.at);
    assert!(nodes[0].replace(&message).await.unwrap());
    let repeat = nodes[1].append(said).await.unwrap();
    assert_eq!((repeat.message, repeat.duplicate), (message, true));
    assert_eq!(nodes[1].append(draft(room, ada, "next")).await.unwrap().message.seq, 2);
}

async fn heads_and_latest_messages_come_in_the_order_asked(nodes: Nodes) {
    let ada = user();
    let rooms: Vec<_> = (0..30).map(|_| room()).collect();
    for (n, room) in rooms.iter().enumerate() {
        for m in 0..n % 4 {
            nodes[m % 3].append(draft(*room, ada, &format!("{n}.{m}"))).await.unwrap();
        }
    }
    let found = heads(&*nodes[1], &rooms).await;
    assert_eq!(found, (0..30).map(|n| n % 4).collect::<Vec<u64>>());
    let asked: Vec<_> = rooms.iter().copied().zip(found.iter().copied()).collect();
    let latest = nodes[2].latest(&asked).await.unwrap();
    for (n, latest) in latest.into_iter().enumerate() {
        let expected = (n % 4).checked_sub(1).map(|m| (rooms[n], m as u64 + 1, format!("{n}.{m}")));
        assert_eq!(latest.map(|message| (message.room, message.seq, message.body.text)), expected);
    }
    assert_eq!(heads(&*nodes[0], &[]).await, [0; 0]);
    assert_eq!(nodes[0].latest(&[]).await.unwrap(), []);
}

async fn reactions_are_counted_from_who_reacted(nodes: Nodes) {
    let (room, ada, ben) = (room(), user(), user());
    let at = Clock::system().now();
    for n in 0..20 {
        nodes[0].append(draft(room, ada, &n.to_string())).await.unwrap();
    }
    let reaction = |user, seq, emoji: &str| Reaction { room, seq, user, emoji: emoji.to_owned(), at };
    assert_eq!(nodes[0].react(&reaction(ada, 3, "👍")).await.unwrap(), Reacted::Added);
    assert_eq!(nodes[1].react(&reaction(ada, 3, "👍")).await.unwrap(), Reacted::Unchanged);
    for (user, seq, emoji) in [(ben, 3, "👍"), (ben, 3, "🎉"), (ben, 19, "👀")] {
        assert_eq!(nodes[1].react(&reaction(user, seq, emoji)).await.unwrap(), Reacted::Added);
    }
    let tally = |seq, emoji: &str, count, mine| Tally { seq, emoji: emoji.to_owned(), count, mine };
    let mut seen = nodes[2].tallies(room, 1, 20, ada).await.unwrap();
    seen.sort_by(|a, b| (a.seq, &a.emoji).cmp(&(b.seq, &b.emoji)));
    assert_eq!(seen, [tally(3, "🎉", 1, false), tally(3, "👍", 2, true), tally(19, "👀", 1, false)]);
    assert_eq!(nodes[2].tallies(room, 4, 18, ada).await.unwrap(), []);

    assert!(nodes[2].unreact(&reaction(ada, 3, "👍")).await.unwrap());
    assert!(!nodes[2].unreact(&reaction(ada, 3, "👍")).await.unwrap());
    let mut seen = nodes[0].tallies(room, 3, 3, ada).await.unwrap();
    seen.sort_by(|a, b| a.emoji.cmp(&b.emoji));
    assert_eq!(seen, [tally(3, "🎉", 1, false), tally(3, "👍", 1, false)]);

    let people: BTreeSet<_> = (0..5).map(|_| user()).collect();
    for person in &people {
        nodes[0].react(&reaction(*person, 7, "🙂")).await.unwrap();
    }
    let mut listed = Vec::new();
    loop {
        let page = nodes[1].reactors(room, 7, "🙂", listed.last().copied(), 2).await.unwrap();
        listed.extend(page.iter().map(|(user, _)| *user));
        if page.len() < 2 {
            break;
        }
    }
    assert_eq!(listed, people.into_iter().collect::<Vec<_>>());
}

fn emoji(n: usize) -> String {
    char::from_u32(0x1F600 + n as u32).unwrap().to_string()
}

async fn reactions_of_one_person_end_at_ten(nodes: Nodes) {
    let (room, ada, ben, at) = (room(), user(), user(), Clock::system().now());
    nodes[0].append(draft(room, ada, "lovely")).await.unwrap();
    for n in 0..REACTIONS_PER_PERSON_MAX {
        let reaction = Reaction { room, seq: 1, user: ada, emoji: emoji(n), at };
        assert_eq!(nodes[0].react(&reaction).await.unwrap(), Reacted::Added);
    }
    let mut eleventh = Reaction { room, seq: 1, user: ada, emoji: emoji(10), at };
    assert_eq!(nodes[0].react(&eleventh).await.unwrap(), Reacted::TooManyOfPerson);
    eleventh.user = ben;
    assert_eq!(nodes[0].react(&eleventh).await.unwrap(), Reacted::Added);
}

async fn kinds_of_emoji_end_at_fifty(nodes: Nodes) {
    let (room, ada, at) = (room(), user(), Clock::system().now());
    nodes[0].append(draft(room, ada, "lovely")).await.unwrap();
    let people: Vec<_> = (0..5).map(|_| user()).collect();
    for n in 0..EMOJI_PER_MESSAGE_MAX {
        let reaction = Reaction { room, seq: 1, user: people[n / 10], emoji: emoji(n), at };
        assert_eq!(nodes[0].react(&reaction).await.unwrap(), Reacted::Added);
    }
    let other = Reaction { room, seq: 1, user: ada, emoji: emoji(50), at };
    assert_eq!(nodes[0].react(&other).await.unwrap(), Reacted::TooManyOfMessage);
    let known = Reaction { emoji: emoji(49), ..other };
    assert_eq!(nodes[0].react(&known).await.unwrap(), Reacted::Added);
}
