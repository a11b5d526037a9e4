//! The MUSTs of [`Timelines`], on each implementation.

use std::sync::Arc;

use feed::timelines::{BATCH_MAX, LENGTH_MAX, Line};
use feed::{CassandraTimelines, Entry, PostgresTimelines, Timelines};
use kernel::{ContentId, ContentKind, StoreError, Timestamp, UserId};
use tokio::task::JoinSet;

async fn on_postgres() -> Arc<dyn Timelines> {
    Arc::new(PostgresTimelines::new(postgres::testing::fresh().await))
}

async fn on_cassandra() -> Arc<dyn Timelines> {
    let db = ::cassandra::testing::shared().await;
    Arc::new(Box::pin(CassandraTimelines::open(db)).await.unwrap())
}

macro_rules! on_each {
    ($($case:ident),* $(,)?) => {
        mod postgresql {
            $(#[tokio::test]
            async fn $case() {
                super::$case(super::on_postgres().await).await;
            })*
        }
        mod cassandra {
            $(#[tokio::test]
            async fn $case() {
                super::$case(super::on_cassandra().await).await;
            })*
        }
    };
}

on_each! {
    a_confirmed_push_is_in_the_next_page_once,
    pages_are_in_the_order_of_ids_and_short_only_at_the_end,
    a_batch_as_large_as_the_limit_is_written_whole,
    filling_mixes_with_what_is_there,
    lines_of_many_timelines_are_written_at_once,
    what_was_removed_comes_back_when_it_is_written_again,
    an_authors_entries_are_removed_and_no_others,
    trimming_keeps_the_newest_and_all_of_them,
    clearing_concerns_one_timeline,
    concurrent_writers_lose_nothing,
    every_kind_comes_back_as_what_it_was,
}

fn person() -> UserId {
    UserId::new(Timestamp::from_millis(1_800_000_000_000))
}

fn people(count: usize) -> Vec<UserId> {
    (0..count).map(|_| person()).collect()
}

/// Entries of one author, the oldest first; several share a millisecond.
fn entries(author: UserId, count: usize) -> Vec<Entry> {
    let mut entries: Vec<Entry> = (0..count)
        .map(|n| {
            let time = Timestamp::from_millis(1_800_000_000_000 + n as i64 / 3);
            Entry { id: ContentId::new(ContentKind::Post, time), author }
        })
        .collect();
    entries.sort_by_key(|entry| entry.id);
    entries
}

fn newest_first(entries: &[Entry]) -> Vec<Entry> {
    entries.iter().rev().copied().collect()
}

async fn push(timelines: &dyn Timelines, viewers: &[UserId], entry: Entry) -> Result<(), StoreError> {
    let lines: Vec<Line> = viewers.iter().map(|viewer| Line { viewer: *viewer, entry }).collect();
    timelines.write(&lines).await
}

async fn fill(timelines: &dyn Timelines, viewer: UserId, entries: &[Entry]) -> Result<(), StoreError> {
    let lines: Vec<Line> = entries.iter().map(|entry| Line { viewer, entry: *entry }).collect();
    timelines.write(&lines).await
}

async fn all(timelines: &dyn Timelines, viewer: UserId) -> Vec<Entry> {
    timelines.page(viewer, None, 10 * LENGTH_MAX).await.unwrap()
}

async fn a_confirmed_push_is_in_the_next_page_once(timelines: Arc<dyn Timelines>) {
    let (viewers, entry) = (people(3), entries(person(), 1)[0]);
    for _ in 0..2 {
        push(&*timelines, &viewers, entry).await.unwrap();
        for viewer in &viewers {
            assert_eq!(all(&*timelines, *viewer).await, [entry]);
        }
    }
    push(&*timelines, &[], entry).await.unwrap();
    assert_eq!(all(&*timelines, person()).await, []);
}

async fn pages_are_in_the_order_of_ids_and_short_only_at_the_end(timelines: Arc<dyn Timelines>) {
    let (viewer, entries) = (person(), entries(person(), 25));
    // Written in another order than that of the ids.
    for n in 0..entries.len() {
        push(&*timelines, &[viewer], entries[n * 7 % entries.len()]).await.unwrap();
    }
    let (mut seen, mut before) = (Vec::new(), None);
    for wanted in [10, 10, 5, 0] {
        let page = timelines.page(viewer, before, 10).await.unwrap();
        assert_eq!(page.len(), wanted);
        before = page.last().map(|entry| entry.id);
        seen.extend(page);
    }
    assert_eq!(seen, newest_first(&entries));
    // A place need not be an entry's.
    let between = ContentId::floor(ContentKind::Post, entries[9].id.created_at());
    let below: Vec<Entry> = newest_first(&entries).into_iter().filter(|entry| entry.id < between).collect();
    assert_eq!(timelines.page(viewer, Some(between), 100).await.unwrap(), below);
}

async fn a_batch_as_large_as_the_limit_is_written_whole(timelines: Arc<dyn Timelines>) {
    let (viewers, entry) = (people(BATCH_MAX), entries(person(), 1)[0]);
    push(&*timelines, &viewers, entry).await.unwrap();
    for viewer in viewers.iter().step_by(37).chain(viewers.last()) {
        assert_eq!(all(&*timelines, *viewer).await, [entry]);
    }
    let (viewer, entries) = (person(), entries(person(), BATCH_MAX));
    fill(&*timelines, viewer, &entries).await.unwrap();
    assert_eq!(all(&*timelines, viewer).await, newest_first(&entries));
}

async fn filling_mixes_with_what_is_there(timelines: Arc<dyn Timelines>) {
    let viewer = person();
    let mut wanted = entries(person(), 6);
    push(&*timelines, &[viewer], wanted[2]).await.unwrap();
    let more = entries(person(), 6);
    for _ in 0..2 {
        fill(&*timelines, viewer, &wanted).await.unwrap();
        fill(&*timelines, viewer, &more).await.unwrap();
        fill(&*timelines, viewer, &[]).await.unwrap();
    }
    wanted.extend(more);
    wanted.sort_by_key(|entry| entry.id);
    assert_eq!(all(&*timelines, viewer).await, newest_first(&wanted));
}

async fn lines_of_many_timelines_are_written_at_once(timelines: Arc<dyn Timelines>) {
    let (viewers, entries) = (people(20), entries(person(), 20));
    let mut lines = Vec::new();
    for (nth, viewer) in viewers.iter().enumerate() {
        lines.extend(entries[nth..].iter().map(|entry| Line { viewer: *viewer, entry: *entry }));
    }
    // In no order, and one of them twice.
    lines.reverse();
    lines.push(lines[7]);
    for _ in 0..2 {
        timelines.write(&lines).await.unwrap();
        for (nth, viewer) in viewers.iter().enumerate() {
            assert_eq!(all(&*timelines, *viewer).await, newest_first(&entries[nth..]));
        }
    }
    timelines.write(&[]).await.unwrap();
}

async fn what_was_removed_comes_back_when_it_is_written_again(timelines: Arc<dyn Timelines>) {
    let (viewer, entries) = (person(), entries(person(), 4));
    for round in 0..5 {
        fill(&*timelines, viewer, &entries).await.unwrap();
        assert_eq!(all(&*timelines, viewer).await, newest_first(&entries), "round {round}");
        timelines
            .remove(viewer, &[entries[1].id, ContentId::new(ContentKind::Post, Timestamp::from_millis(1))])
            .await
            .unwrap();
        assert_eq!(all(&*timelines, viewer).await.len(), 3, "round {round}");
        timelines.remove(viewer, &[]).await.unwrap();
        push(&*timelines, &[viewer], entries[1]).await.unwrap();
        assert_eq!(all(&*timelines, viewer).await.len(), 4, "round {round}");
        timelines.remove_author(viewer, entries[0].author).await.unwrap();
        assert_eq!(all(&*timelines, viewer).await, [], "round {round}");
        push(&*timelines, &[viewer], entries[0]).await.unwrap();
        timelines.clear(viewer).await.unwrap();
        assert_eq!(all(&*timelines, viewer).await, [], "round {round}");
    }
}

async fn an_authors_entries_are_removed_and_no_others(timelines: Arc<dyn Timelines>) {
    let (viewer, other) = (person(), person());
    let (theirs, stays) = (entries(person(), 300), entries(person(), 300));
    for viewer in [viewer, other] {
        fill(&*timelines, viewer, &theirs).await.unwrap();
        fill(&*timelines, viewer, &stays).await.unwrap();
    }
    timelines.remove_author(viewer, theirs[0].author).await.unwrap();
    assert_eq!(all(&*timelines, viewer).await, newest_first(&stays));
    assert_eq!(all(&*timelines, other).await.len(), 600);
    timelines.remove_author(viewer, person()).await.unwrap();
    assert_eq!(all(&*timelines, viewer).await.len(), 300);
}

async fn trimming_keeps_the_newest_and_all_of_them(timelines: Arc<dyn Timelines>) {
    let [full, over, empty, left_alone] = [person(), person(), person(), person()];
    let (first, second) = (entries(person(), LENGTH_MAX), entries(person(), 5));
    for viewer in [full, over, left_alone] {
        fill(&*timelines, viewer, &first).await.unwrap();
    }
    for viewer in [over, left_alone] {
        fill(&*timelines, viewer, &second).await.unwrap();
    }
    timelines.trim(&[full, over, empty]).await.unwrap();
    assert_eq!(all(&*timelines, full).await, newest_first(&first));
    let mut wanted = [first.clone(), second.clone()].concat();
    wanted.sort_by_key(|entry| entry.id);
    assert_eq!(all(&*timelines, over).await, newest_first(&wanted[5..]));
    assert_eq!(all(&*timelines, empty).await, []);
    assert_eq!(all(&*timelines, left_alone).await.len(), LENGTH_MAX + 5);
    // What is written below a cut is there until the next.
    push(&*timelines, &[over], wanted[0]).await.unwrap();
    assert_eq!(all(&*timelines, over).await.len(), LENGTH_MAX + 1);
    timelines.trim(&[over]).await.unwrap();
    assert_eq!(all(&*timelines, over).await, newest_first(&wanted[5..]));
}

async fn clearing_concerns_one_timeline(timelines: Arc<dyn Timelines>) {
    let ([gone, stays], entries) = ([person(), person()], entries(person(), 3));
    for viewer in [gone, stays] {
        fill(&*timelines, viewer, &entries).await.unwrap();
    }
    timelines.clear(gone).await.unwrap();
    timelines.clear(person()).await.unwrap();
    assert_eq!(all(&*timelines, gone).await, []);
    assert_eq!(all(&*timelines, stays).await.len(), 3);
}

async fn concurrent_writers_lose_nothing(timelines: Arc<dyn Timelines>) {
    let viewers = Arc::new(people(50));
    let entries = entries(person(), 12);
    let mut writers = JoinSet::new();
    // Each entry twice, as when an event is delivered again while the first delivery is still being worked on.
    for entry in entries.iter().chain(&entries) {
        let (timelines, viewers, entry) = (Arc::clone(&timelines), Arc::clone(&viewers), *entry);
        writers.spawn(async move { push(&*timelines, &viewers, entry).await });
    }
    while let Some(written) = writers.join_next().await {
        written.unwrap().unwrap();
    }
    for viewer in &*viewers {
        assert_eq!(all(&*timelines, *viewer).await, newest_first(&entries));
    }
}

async fn every_kind_comes_back_as_what_it_was(timelines: Arc<dyn Timelines>) {
    let (viewer, author) = (person(), person());
    let kinds = ContentKind::ALL.iter().zip(entries(author, ContentKind::ALL.len()));
    let entries: Vec<Entry> =
        kinds.map(|(kind, entry)| Entry { id: ContentId::from_parts(*kind, entry.id.uuid()), author }).collect();
    push(&*timelines, &[viewer], entries[0]).await.unwrap();
    fill(&*timelines, viewer, &entries[1..]).await.unwrap();
    assert_eq!(all(&*timelines, viewer).await, newest_first(&entries));
}
