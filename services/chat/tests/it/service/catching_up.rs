//! A device that was away.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chat::SLACK;
use chat::log::{
    Appended, Draft, Head, LogError, LookedUp, Message, MessageLog, Reacted, Reaction, Span, Tally, postgres::Postgres,
};
use chat::sequencer::{Key, Moment};
use kernel::{PageSize, RoomId, Timestamp, UserId};
use schemas::chat::{MessagePatch, RoomChanges};

use super::town::{Town, code};

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// Counts the questions that are asked of a log.
struct Counting {
    log: Arc<dyn MessageLog>,
    asked: AtomicUsize,
}

impl Counting {
    fn count(&self) -> &dyn MessageLog {
        self.asked.fetch_add(1, Ordering::Relaxed);
        &*self.log
    }
}

#[async_trait]
impl MessageLog for Counting {
    fn now(&self, room: RoomId) -> Option<Moment> {
        self.log.now(room)
    }
    async fn look_up(&self, key: &Key, made_after: Option<Moment>) -> Result<LookedUp, LogError> {
        self.count().look_up(key, made_after).await
    }
    async fn append_new(&self, draft: Draft, looked_up: LookedUp) -> Result<Appended, LogError> {
        self.count().append_new(draft, looked_up).await
    }
    async fn move_gate(&self, room: RoomId) -> Result<(), LogError> {
        self.count().move_gate(room).await
    }
    async fn page(&self, room: RoomId, span: Span, length: u64) -> Result<Vec<Message>, LogError> {
        self.count().page(room, span, length).await
    }
    async fn get(&self, room: RoomId, seq: u64) -> Result<Option<Message>, LogError> {
        self.count().get(room, seq).await
    }
    async fn replace(&self, message: &Message) -> Result<bool, LogError> {
        self.count().replace(message).await
    }
    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Head>, LogError> {
        self.count().heads(rooms).await
    }
    async fn latest(&self, heads: &[(RoomId, u64)]) -> Result<Vec<Option<Message>>, LogError> {
        self.count().latest(heads).await
    }
    async fn react(&self, reaction: &Reaction) -> Result<Reacted, LogError> {
        self.count().react(reaction).await
    }
    async fn unreact(&self, reaction: &Reaction) -> Result<bool, LogError> {
        self.count().unreact(reaction).await
    }
    async fn tallies(&self, room: RoomId, first: u64, last: u64, viewer: UserId) -> Result<Vec<Tally>, LogError> {
        self.count().tallies(room, first, last, viewer).await
    }
    async fn reactors(
        &self,
        room: RoomId,
        seq: u64,
        emoji: &str,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<(UserId, Timestamp)>, LogError> {
        self.count().reactors(room, seq, emoji, after, limit).await
    }
}

fn ids(changes: &RoomChanges) -> Vec<RoomId> {
    changes.rooms.iter().map(|room| room.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_away_for_a_week_learns_what_changed_and_nothing_else() {
    let town = Town::new().await;
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    let mut rooms = Vec::new();
    for _ in 0..6 {
        rooms.push(town.group(ada, &[ben]).await);
        town.pass(Duration::from_secs(1));
    }
    town.say(ada, rooms[3], "before").await;
    town.pass(SLACK + Duration::from_millis(1));
    let first = town.chat.changes(&town.ctx(ben), None, PageSize::DEFAULT).await.unwrap();
    assert_eq!(first.rooms.len(), 6);
    assert!(!first.more && first.left.is_empty());
    town.pass(Duration::from_secs(1));
    let nothing = town.chat.changes(&town.ctx(ben), Some(&first.cursor), PageSize::DEFAULT).await.unwrap();
    assert_eq!(ids(&nothing), []);

    town.pass(WEEK);
    town.say(ada, rooms[4], "a new one, @ben").await;
    town.pass(Duration::from_secs(1));
    let patch = MessagePatch { text: "edited".to_owned(), version: None };
    town.chat.edit(&town.ctx(ada), rooms[3], 1, patch).await.unwrap();
    town.pass(Duration::from_secs(1));
    town.chat.remove(&town.ctx(ada), rooms[5], ben).await.unwrap();
    let since = town.chat.changes(&town.ctx(ben), Some(&nothing.cursor), PageSize::DEFAULT).await.unwrap();
    assert_eq!(ids(&since), [rooms[4], rooms[3]]);
    assert_eq!(since.left.iter().map(|left| left.room).collect::<Vec<_>>(), [rooms[5]]);
    let new = &since.rooms[0];
    let own = new.membership.as_ref().unwrap();
    assert_eq!((new.last_seq, own.unread, own.mentions), (1, 1, 1));
    assert_eq!(new.last_message.as_ref().map(|message| message.text.as_str()), Some("a new one, @ben"));
    let edited = &since.rooms[1];
    assert_eq!(edited.last_message.as_ref().map(|message| message.text.as_str()), Some("edited"));
    assert!(edited.history_changed_at > first.rooms[0].history_changed_at);
    assert_eq!(
        code(town.chat.changes(&town.ctx(ben), Some(&"?".to_owned().into()), PageSize::DEFAULT).await),
        "invalid_cursor"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_changes_pass_over_nothing_while_people_talk() {
    let town = Town::new().await;
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    let mut rooms = Vec::new();
    for n in 0..23 {
        rooms.push(if n == 0 { town.direct(ada, ben).await } else { town.group(ada, &[ben]).await });
        // Several rooms of the same moment.
        town.pass(Duration::from_millis(n % 3));
    }
    let size = PageSize::try_from(5).unwrap();
    let mut seen = BTreeSet::new();
    let mut cursor = None;
    for page in 0.. {
        let changes = town.chat.changes(&town.ctx(ben), cursor.as_ref(), size).await.unwrap();
        assert!(changes.rooms.len() <= 5);
        seen.extend(ids(&changes));
        cursor = Some(changes.cursor);
        if !changes.more {
            break;
        }
        town.pass(Duration::from_secs(1));
        town.say(ada, rooms[(page * 7) % rooms.len()], "meanwhile").await;
        assert!(page < 30, "it ends");
    }
    assert_eq!(seen, rooms.into_iter().collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn catching_up_asks_the_log_twice_however_many_rooms_there_are() {
    let db = postgres::testing::fresh().await;
    let counting = Arc::new(Counting { log: Postgres::new(db.clone()), asked: AtomicUsize::new(0) });
    let town = Town::with(db, counting.clone(), |bus| bus);
    let [ada, ben] = ["ada", "ben"].map(|handle| town.person(handle));
    for rooms in [3, 60] {
        for n in 0..rooms {
            let room = town.group(ada, &[ben]).await;
            for _ in 0..n % 3 {
                town.say(ada, room, "hello").await;
            }
        }
        counting.asked.store(0, Ordering::Relaxed);
        let changes = town.chat.changes(&town.ctx(ben), None, PageSize::MAX).await.unwrap();
        assert!(changes.rooms.len() >= rooms);
        assert_eq!(counting.asked.load(Ordering::Relaxed), 2);
    }
}
