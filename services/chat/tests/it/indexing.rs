//! What the log in Cassandra tells the search index.

use std::sync::Arc;

use ::postgres::Db;
use chat::documents::{Logged, document_id};
use chat::log::cassandra::{Cassandra, Indexing};
use chat::log::{Body, MessageLog};
use chat::sequencer::local::Local;
use index::pipeline::Mapping as _;
use kernel::{Clock, RoomId};

use crate::stores::{draft, eventually, room, user};

struct World {
    /// Where the marks are.
    marks: Db,
    log: Arc<Cassandra>,
}

impl World {
    async fn new() -> Self {
        let marks = ::postgres::testing::fresh().await;
        let sequencer = Arc::new(Local::new(Clock::system()));
        let indexing = Some(Indexing::start(marks.clone()));
        let cassandra = ::cassandra::testing::shared().await;
        Self { log: Cassandra::open_indexed(cassandra, sequencer, indexing).await.unwrap(), marks }
    }

    /// What is to be read now: a mark each, which may speak of several.
    async fn marks_told(&self) -> Vec<Vec<String>> {
        let sql = "SELECT document, last FROM search_marks WHERE ready AND NOT onward ORDER BY document";
        let marks: Vec<(String, Option<String>)> = sqlx::query_as(sql).fetch_all(self.marks.pool()).await.unwrap();
        let mapping = Logged(self.log.clone());
        let documents = |(first, last): (String, Option<String>)| match last {
            Some(last) => mapping.between(&first, &last),
            None => vec![first],
        };
        marks.into_iter().map(documents).collect()
    }

    async fn told(&self) -> Vec<String> {
        self.marks_told().await.concat()
    }
}

/// What the sweep will look after, should nobody else: documents, and whether all that follow are meant.
async fn standing(marks: &Db) -> Vec<(String, bool)> {
    let sql = "SELECT document, onward FROM search_marks WHERE NOT ready ORDER BY document";
    sqlx::query_as(sql).fetch_all(marks.pool()).await.unwrap()
}

fn documents(room: RoomId, seqs: &[u64]) -> Vec<String> {
    seqs.iter().map(|seq| document_id(room, *seq)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_room_stand_under_one_mark_and_each_is_told() {
    let (world, room) = (World::new().await, room());
    for n in 0..3 {
        world.log.append(draft(room, user(), &n.to_string())).await.unwrap();
    }
    eventually("all are told", async || world.told().await == documents(room, &[1, 2, 3])).await;
    assert_eq!(standing(&world.marks).await, [(document_id(room, 0), true)]);
    // The node stops in good order: nothing is left to sweep up.
    let World { marks, log } = world;
    drop(log);
    eventually("the standing mark goes", async || standing(&marks).await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_at_once_is_told_by_few_marks() {
    const MESSAGES: u64 = 60;
    let (world, rooms) = (World::new().await, [room(), room()]);
    for room in rooms {
        let says = (0..MESSAGES).map(|n| world.log.append(draft(room, user(), &n.to_string())));
        futures_util::future::try_join_all(says).await.unwrap();
    }
    let all: Vec<u64> = (1..=MESSAGES).collect();
    let mut wanted = rooms.map(|room| documents(room, &all)).concat();
    wanted.sort();
    eventually("all are told", async || world.told().await == wanted).await;
    // They may be told of while others are still being written, and in a room's pieces then.
    let marks = world.marks_told().await.len() as u64;
    assert!(marks < MESSAGES, "{marks} marks tell of {} messages", 2 * MESSAGES);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_has_a_mark_of_its_own() {
    let (world, room) = (World::new().await, room());
    for n in 0..2 {
        world.log.append(draft(room, user(), &n.to_string())).await.unwrap();
    }
    eventually("both are told", async || world.told().await == documents(room, &[1, 2])).await;
    sqlx::query("DELETE FROM search_marks WHERE ready").execute(world.marks.pool()).await.unwrap();
    let mut message = world.log.get(room, 1).await.unwrap().unwrap();
    message.body = Body { version: 2, text: "changed".to_owned(), ..message.body };
    assert!(world.log.replace(&message).await.unwrap());
    eventually("the change is told", async || world.told().await == documents(room, &[1])).await;
    assert_eq!(standing(&world.marks).await, [(document_id(room, 0), true)], "the room's own mark is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_written_untold_is_left_to_the_sweep() {
    let (world, whole, broken) = (World::new().await, room(), room());
    for room in [whole, broken] {
        world.log.append(draft(room, user(), "one")).await.unwrap();
    }
    // Larger than Cassandra takes.
    let error = world.log.append(draft(broken, user(), &"x".repeat(40 << 20))).await;
    assert!(error.is_err(), "{error:?}");
    let World { marks, log } = world;
    drop(log);
    let standing = async || standing(&marks).await;
    eventually("one mark goes", async || standing().await.len() == 1).await;
    assert_eq!(standing().await, [(document_id(broken, 0), true)]);
}
