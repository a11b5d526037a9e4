//! The Cassandra log when writers die, memories are lost, and zombies write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chat::log::{Body, Draft, Head, MessageLog, Span, cassandra::Cassandra};
use chat::sequencer::{Key, Known, Moment, PENDING_MAX, Reserve, Sequencer, Standing, local::Local};
use kernel::{Clock, Fail as _, RoomId, StoreError};

use crate::stores::{self, draft, eventually, heads, known, room, seqs, texts, user};

/// A memory for which nothing stalls until it is told so: what a test does in between may take as long as it likes.
struct Memory {
    local: Local,
    stalls: AtomicBool,
    /// No gate can be moved.
    is_away: AtomicBool,
}

impl Memory {
    fn new(stalls: bool) -> Arc<Self> {
        let local = Local::new(Clock::system());
        Arc::new(Self { local, stalls: AtomicBool::new(stalls), is_away: AtomicBool::new(false) })
    }

    fn stalls(&self) -> bool {
        self.stalls.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Sequencer for Memory {
    fn now(&self, room: RoomId) -> Option<Moment> {
        self.local.now(room)
    }

    async fn reserve(&self, key: &Key, payload: &str, known: Known) -> Result<Reserve, StoreError> {
        Ok(match self.local.reserve(key, payload, known).await? {
            Reserve::Given { seq, stamp, stalled, gate } => {
                Reserve::Given { seq, stamp, stalled: stalled && self.stalls(), gate }
            }
            other => other,
        })
    }

    async fn move_gate(&self, room: RoomId) -> Result<(), StoreError> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(StoreError::unavailable("told to be away"));
        }
        self.local.move_gate(room).await
    }

    async fn settle(&self, key: &Key, seq: u64, stamp: i64) -> Result<(), StoreError> {
        self.local.settle(key, seq, stamp).await
    }

    async fn standing(&self, room: RoomId) -> Result<Standing, StoreError> {
        let mut standing = self.local.standing(room).await?;
        if let Standing::Known { pending, .. } = &mut standing
            && !self.stalls()
        {
            pending.iter_mut().for_each(|(_, age)| *age = Duration::ZERO);
        }
        Ok(standing)
    }

    async fn settled(&self, rooms: &[RoomId]) -> Result<Vec<Option<Head>>, StoreError> {
        self.local.settled(rooms).await
    }

    async fn seed(&self, room: RoomId, head: Head) -> Result<(), StoreError> {
        self.local.seed(room, head).await
    }
}

/// One node, and the hands to do what a dying one does.
struct Lab {
    db: ::cassandra::Db,
    sequencer: Arc<Memory>,
    log: Arc<Cassandra>,
}

impl Lab {
    async fn new() -> Self {
        Self::over(::cassandra::testing::shared().await, Memory::new(true)).await
    }

    /// One where nothing stalls until its memory is told so.
    async fn patient() -> Self {
        Self::over(::cassandra::testing::shared().await, Memory::new(false)).await
    }

    async fn over(db: ::cassandra::Db, sequencer: Arc<Memory>) -> Self {
        let log = Cassandra::open(db.clone(), Arc::clone(&sequencer) as Arc<dyn Sequencer>).await.unwrap();
        Self { db, sequencer, log }
    }

    /// The same store, and a new, empty memory.
    async fn after_losing_memory(&self) -> Self {
        Self::over(self.db.clone(), Memory::new(true)).await
    }

    async fn say(&self, room: RoomId, text: &str) -> u64 {
        self.log.append(draft(room, user(), text)).await.unwrap().message.seq
    }

    /// Takes a number and dies: its number and stamp.
    async fn die_after_reserve(&self, draft: &Draft) -> (u64, i64) {
        match self.sequencer.reserve(&key(draft), &payload(draft), known(self.sequencer.now(draft.room))).await.unwrap()
        {
            Reserve::Given { seq, stamp, .. } => (seq, stamp),
            other => panic!("{other:?}"),
        }
    }

    async fn write_row(&self, draft: &Draft, seq: u64, stamp: i64) {
        let cql = "INSERT INTO messages (room, bucket, seq, body) VALUES (?, ?, ?, ?) USING TIMESTAMP ?";
        let insert = self.db.prepare(cql).await.unwrap();
        let values = (draft.room.uuid(), (seq >> 14) as i32, seq as i64, payload(draft), stamp);
        self.db.write(&insert, values).await.unwrap();
    }

    async fn write_key(&self, draft: &Draft, seq: u64, stamp: i64) {
        let cql = "INSERT INTO message_keys (room, sender, client_id, seq) VALUES (?, ?, ?, ?) USING TIMESTAMP ?";
        let insert = self.db.prepare(cql).await.unwrap();
        let values = (draft.room.uuid(), draft.sender.uuid(), draft.client_id, seq as i64, stamp);
        self.db.write(&insert, values).await.unwrap();
    }

    async fn log(&self, room: RoomId) -> Vec<(u64, String)> {
        let page = self.log.page(room, Span::Latest, 100).await.unwrap();
        texts(&page).into_iter().map(|(seq, text)| (seq, text.to_owned())).collect()
    }
}

fn key(draft: &Draft) -> Key {
    Key { room: draft.room, sender: draft.sender, client_id: draft.client_id }
}

fn payload(draft: &Draft) -> String {
    let body = Body {
        id: kernel::MessageId::new(draft.at),
        sender: Some(draft.sender),
        client_id: Some(draft.client_id),
        text: draft.text.clone(),
        reply_to: None,
        mentions: Vec::new(),
        version: 1,
        created_at: draft.at,
        edited_at: None,
        deleted_at: None,
    };
    serde_json::to_string(&body).unwrap()
}

fn entries(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    expected.iter().map(|(seq, text)| (*seq, (*text).to_owned())).collect()
}

/// A little below 4 KiB of a message with all that is stored of it, the log goes from one request to two.
#[tokio::test(flavor = "multi_thread")]
async fn the_row_and_the_key_are_written_of_short_and_of_long_messages() {
    let nodes = stores::cassandra_local().await;
    let (room, ada) = (room(), user());
    let lengths = || (3_540..=3_841).chain([12_000]);
    let said: Vec<Draft> = lengths().map(|length| draft(room, ada, &"a".repeat(length))).collect();
    for draft in &said {
        nodes[0].append(draft.clone()).await.unwrap();
    }
    for (seq, (draft, length)) in (1..).zip(said.iter().zip(lengths())) {
        let found = nodes[1].get(room, seq).await.unwrap().expect("what was acknowledged");
        assert_eq!(found.body.text.len(), length);
        let looked_up = nodes[1].look_up(&draft.key(), None).await.unwrap();
        assert_eq!(looked_up.found(), Some(&found));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_repeat_of_a_sender_whose_node_died_gets_the_first_number_and_text() {
    let (lab, room) = (Lab::new().await, room());
    lab.say(room, "one").await;
    let mut lost = draft(room, user(), "two");
    assert_eq!(lab.die_after_reserve(&lost).await.0, 2);
    lost.text = "two, said again".to_owned();
    let repeat = lab.log.append(lost).await.unwrap();
    assert_eq!((repeat.message.seq, repeat.message.body.text.as_str(), repeat.duplicate), (2, "two", true));
    assert_eq!(lab.log(room).await, entries(&[(1, "one"), (2, "two")]));
    assert_eq!(heads(&*lab.log, &[room]).await, [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_waits_at_a_hole_and_a_reader_fills_it() {
    let (lab, room) = (Lab::patient().await, room());
    lab.say(room, "one").await;
    lab.die_after_reserve(&draft(room, user(), "two")).await;
    lab.say(room, "three").await;
    assert_eq!(heads(&*lab.log, &[room]).await, [1]);
    assert_eq!(seqs(&lab.log.page(room, Span::After(0), 10).await.unwrap()), [1]);
    assert_eq!(lab.log(room).await, entries(&[(1, "one")]));
    lab.sequencer.stalls.store(true, Ordering::Relaxed);
    eventually("the dead writer's message is finished", async || lab.log(room).await.len() == 3).await;
    assert_eq!(lab.log(room).await, entries(&[(1, "one"), (2, "two"), (3, "three")]));
    assert_eq!(heads(&*lab.log, &[room]).await, [3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_writer_finishes_what_is_stalled() {
    let (lab, room) = (Lab::new().await, room());
    lab.say(room, "one").await;
    let lost = draft(room, user(), "two");
    lab.die_after_reserve(&lost).await;
    let mut last = 2;
    eventually("a writer is told of the stalled one", async || {
        last = lab.say(room, "more").await;
        heads(&*lab.log, &[room]).await == [last]
    })
    .await;
    assert_eq!(lab.log.get(room, 2).await.unwrap().unwrap().body.text, "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_nobody_wrote_is_void_after_the_memory_is_lost() {
    let (lab, room) = (Lab::patient().await, room());
    lab.say(room, "one").await;
    let lost = draft(room, user(), "two");
    let (seq, stamp) = lab.die_after_reserve(&lost).await;
    assert_eq!(seq, 2);
    lab.say(room, "three").await;

    let lab = lab.after_losing_memory().await;
    assert_eq!(lab.say(room, "four").await, 4);
    let expected = entries(&[(1, "one"), (2, ""), (3, "three"), (4, "four")]);
    assert_eq!(lab.log(room).await, expected);
    let void = lab.log.get(room, 2).await.unwrap().unwrap();
    assert!(void.body.is_deleted() && void.body.sender.is_none());

    // A zombie's late write changes nothing …
    lab.write_row(&lost, seq, stamp).await;
    lab.write_key(&lost, seq, stamp).await;
    assert_eq!(lab.log(room).await, expected);
    // … and its sender's repeat is a new message, once.
    let repeat = lab.log.append(lost.clone()).await.unwrap();
    assert_eq!((repeat.message.seq, repeat.duplicate), (5, false));
    let again = lab.log.append(lost).await.unwrap();
    assert_eq!((again.message, again.duplicate), (repeat.message, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_without_its_key_is_found_by_its_sender_after_the_memory_is_lost() {
    let (lab, room) = (Lab::new().await, room());
    lab.say(room, "one").await;
    let half = draft(room, user(), "two");
    let (seq, stamp) = lab.die_after_reserve(&half).await;
    lab.write_row(&half, seq, stamp).await;

    let lab = lab.after_losing_memory().await;
    let repeat = lab.log.append(half).await.unwrap();
    assert_eq!((repeat.message.seq, repeat.duplicate), (2, true));
    assert_eq!(lab.say(room, "three").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moment_of_a_lost_memory_spares_no_look() {
    let (lab, room) = (Lab::new().await, room());
    lab.say(room, "one").await;
    let moment = lab.log.now(room).unwrap();
    let said = draft(room, user(), "two");
    let unseen = lab.log.look_up(&said.key(), Some(moment)).await.unwrap();
    let first = lab.log.append_new(said.clone(), unseen.clone()).await.unwrap();
    // More than what is read back when a memory was lost.
    for _ in 0..PENDING_MAX {
        lab.say(room, "later").await;
    }

    // By who had it from the memory before, and by who asks the next node.
    let lab = lab.after_losing_memory().await;
    let again = lab.log.append_new(said.clone(), unseen).await.unwrap();
    assert_eq!((again.message, again.duplicate), (first.message.clone(), true));
    let unseen = lab.log.look_up(&said.key(), Some(moment)).await.unwrap();
    let again = lab.log.append_new(said, unseen).await.unwrap();
    assert_eq!((again.message, again.duplicate), (first.message, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_its_row_is_no_message() {
    let (lab, room) = (Lab::new().await, room());
    lab.say(room, "one").await;
    let half = draft(room, user(), "two");
    let (seq, stamp) = lab.die_after_reserve(&half).await;
    lab.write_key(&half, seq, stamp).await;

    let lab = lab.after_losing_memory().await;
    // Somebody else gets the number that the lost memory gave.
    assert_eq!(lab.say(room, "other").await, 2);
    let repeat = lab.log.append(half).await.unwrap();
    assert_eq!((repeat.message.seq, repeat.message.body.text.as_str(), repeat.duplicate), (3, "two", false));
    assert_eq!(lab.log(room).await, entries(&[(1, "one"), (2, "other"), (3, "two")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zombie_under_a_number_given_again_leaves_the_later_message_whole() {
    let (lab, room) = (Lab::new().await, room());
    lab.say(room, "one").await;
    let late = draft(room, user(), "from the grave");
    let (seq, stamp) = lab.die_after_reserve(&late).await;

    let lab = lab.after_losing_memory().await;
    let living = lab.log.append(draft(room, user(), "alive")).await.unwrap().message;
    assert_eq!(living.seq, seq);
    lab.write_row(&late, seq, stamp).await;
    assert_eq!(lab.log.get(room, seq).await.unwrap(), Some(living.clone()));

    // Nor does a writer that repeats its own first write undo an edit.
    let mut edited = living.clone();
    edited.body.version = 2;
    edited.body.text = "alive and well".to_owned();
    assert!(lab.log.replace(&edited).await.unwrap());
    let mut first = draft(room, living.body.sender.unwrap(), "alive");
    first.client_id = living.body.client_id.unwrap();
    lab.write_row(&first, seq, stamp + 1).await;
    assert_eq!(lab.log.get(room, seq).await.unwrap(), Some(edited));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_of_several_partitions_is_read_back_and_read_across_their_border() {
    const BUCKET: u64 = 1 << 14;
    let lab = Lab::new().await;
    // Only the last rows of each bucket: what reading back and paging look at.
    for buckets in [1, 2, 3, 6] {
        let room = room();
        for full in 1..buckets {
            lab.write_row(&draft(room, user(), "old"), full * BUCKET - 1, 1).await;
        }
        let head = buckets * BUCKET - 1;
        for seq in head - 70..=head {
            lab.write_row(&draft(room, user(), "old"), seq, 1).await;
        }
        let lab = lab.after_losing_memory().await;
        assert_eq!(heads(&*lab.log, &[room]).await, [head], "{buckets} buckets");
        for n in 1..=3 {
            assert_eq!(lab.say(room, "new").await, head + n);
        }
        let page = lab.log.page(room, Span::Latest, 10).await.unwrap();
        assert_eq!(seqs(&page), (head - 6..=head + 3).collect::<Vec<_>>());
        let page = lab.log.page(room, Span::After(head - 2), 10).await.unwrap();
        assert_eq!(seqs(&page), (head - 1..=head + 3).collect::<Vec<_>>());
        let latest = lab.log.latest(&[(room, head + 3)]).await.unwrap();
        assert_eq!(latest[0].as_ref().map(|message| message.seq), Some(head + 3));
        let lab = lab.after_losing_memory().await;
        assert_eq!(heads(&*lab.log, &[room]).await, [head + 3]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_gate_does_not_move_the_outcome_is_open() {
    let lab = Lab::new().await;
    lab.log.move_gate(room()).await.unwrap();
    lab.sequencer.is_away.store(true, Ordering::Relaxed);
    assert_eq!(lab.log.move_gate(room()).await.unwrap_err().code(), "outcome_unknown");
}
