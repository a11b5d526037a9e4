use bytes::{BufMut as _, Bytes, BytesMut};
use proptest::prelude::*;

use super::*;

const TABLE: u32 = 7;

fn assembler(from: u64, changes_max: usize) -> Assembler {
    Assembler::new(Lsn::new(from), &Settings { batch_changes_max: changes_max, ..Settings::default() })
}

fn begin(commit: u64) -> Event {
    Event::Begin { commit: Lsn::new(commit), at: Timestamp::from_millis(commit as i64), xid: commit as u32 }
}

fn end(commit: u64) -> Event {
    Event::Commit { end: Lsn::new(commit + 5) }
}

/// A table with a key `id` and a text.
fn described(columns: &[(&str, bool)]) -> Event {
    let mut out = BytesMut::from(&b"R"[..]);
    out.put_u32(TABLE);
    out.put_slice(b"public\0posts\0d");
    out.put_u16(columns.len() as u16);
    for (name, key) in columns {
        out.put_u8((*key).into());
        out.put_slice(name.as_bytes());
        out.put_u8(0);
        out.put_u32(25);
        out.put_i32(-1);
    }
    Event::Message(out.freeze())
}

fn posts() -> Event {
    described(&[("id", true), ("text", false)])
}

fn row(out: &mut BytesMut, values: &[Option<&str>]) {
    out.put_u16(values.len() as u16);
    for value in values {
        match value {
            None => out.put_u8(b'n'),
            Some(text) => {
                out.put_u8(b't');
                out.put_u32(text.len() as u32);
                out.put_slice(text.as_bytes());
            }
        }
    }
}

fn insert(values: &[Option<&str>]) -> Event {
    let mut out = BytesMut::from(&b"I"[..]);
    out.put_u32(TABLE);
    out.put_u8(b'N');
    row(&mut out, values);
    Event::Message(out.freeze())
}

fn feed(assembler: &mut Assembler, events: impl IntoIterator<Item = Event>) {
    events.into_iter().for_each(|event| assembler.push(event).unwrap());
}

fn ids(batch: &Batch) -> Vec<&str> {
    batch.changes.iter().map(|change| change.text("id").unwrap()).collect()
}

#[test]
fn the_position_moves_with_the_end_of_a_transaction_only() {
    let mut assembler = assembler(10, 2);
    feed(&mut assembler, [begin(100), posts(), insert(&[Some("1"), None])]);
    assert!(!assembler.is_ready(), "the transaction is still being told");
    // A keepalive in the midst of it says nothing of its end.
    feed(&mut assembler, [Event::Reached(Lsn::new(500)), insert(&[Some("2"), None])]);
    assert!(assembler.is_full() && assembler.is_ready());
    let first = assembler.take();
    assert_eq!((ids(&first), first.end), (vec!["1", "2"], Lsn::new(10)));
    feed(&mut assembler, [insert(&[Some("3"), None])]);
    assert!(!assembler.is_ready() && !assembler.has_moved());
    feed(&mut assembler, [end(100)]);
    let second = assembler.take();
    assert_eq!((ids(&second), second.end, second.xids.as_slice()), (vec!["3"], Lsn::new(105), &[100][..]));
    assert!(!assembler.has_moved() && !assembler.is_ready());
    feed(&mut assembler, [Event::Reached(Lsn::new(105)), Event::Reached(Lsn::new(90))]);
    assert!(!assembler.has_moved(), "nothing new was said");
    feed(&mut assembler, [Event::Reached(Lsn::new(600))]);
    assert!(assembler.has_moved() && !assembler.is_ready());
    assert_eq!(assembler.take().end, Lsn::new(600));
}

#[test]
fn a_batch_ends_with_the_row_that_reaches_its_bytes() {
    let settings = Settings { batch_kb_max: 1, ..Settings::default() };
    let mut assembler = Assembler::new(Lsn::ZERO, &settings);
    feed(&mut assembler, [begin(1), posts(), insert(&[Some("1"), Some("short")])]);
    assert!(!assembler.is_full());
    feed(&mut assembler, [insert(&[Some("2"), Some(&"x".repeat(1024))])]);
    assert!(assembler.is_full());
}

#[test]
fn what_was_done_before_is_not_told_again_but_its_tables_are_remembered() {
    let mut assembler = assembler(105, 100);
    feed(&mut assembler, [begin(100), posts(), insert(&[Some("1"), None]), end(100)]);
    assert!(!assembler.is_ready() && !assembler.has_moved());
    feed(&mut assembler, [begin(105), insert(&[Some("2"), None]), end(105)]);
    assert_eq!(ids(&assembler.take()), ["2"]);
}

#[test]
fn a_table_that_changes_gives_later_rows_other_columns() {
    let mut assembler = assembler(0, 100);
    feed(&mut assembler, [begin(1), posts(), insert(&[Some("1"), Some("old")]), end(1)]);
    let wider = described(&[("id", true), ("text", false), ("place", false)]);
    feed(&mut assembler, [begin(20), wider, insert(&[Some("2"), None, Some("Bern")]), end(20)]);
    let batch = assembler.take();
    assert_eq!(batch.changes[0].value("place"), None);
    assert_eq!(batch.changes[1].text("place"), Some("Bern"));
    assert_eq!(batch.changes[1].value("text"), Some(&Value::Null));
}

#[test]
fn the_columns_beside_an_old_key_are_not_null_but_unknown() {
    let mut assembler = assembler(0, 100);
    let mut deleted = BytesMut::from(&b"D"[..]);
    deleted.put_u32(TABLE);
    deleted.put_u8(b'K');
    row(&mut deleted, &[Some("1"), None]);
    let mut moved = BytesMut::from(&b"U"[..]);
    moved.put_u32(TABLE);
    moved.put_u8(b'K');
    row(&mut moved, &[Some("1"), None]);
    moved.put_u8(b'N');
    row(&mut moved, &[Some("2"), None]);
    let messages = [Event::Message(deleted.freeze()), Event::Message(moved.freeze())];
    feed(&mut assembler, [begin(1), posts()].into_iter().chain(messages).chain([end(1)]));
    let batch = assembler.take();
    assert_eq!(batch.changes[0].value("text"), Some(&Value::Unchanged));
    assert_eq!(batch.changes[0].texts("id"), ["1"]);
    assert_eq!(batch.changes[1].value("text"), Some(&Value::Null));
    assert_eq!(batch.changes[1].texts("id"), ["1", "2"]);
}

#[test]
fn messages_out_of_order_are_refused() {
    let mut outside = assembler(0, 100);
    assert!(matches!(outside.push(end(1)), Err(DecodeError::OutOfOrder(_))));
    feed(&mut outside, [posts()]);
    assert!(matches!(outside.push(insert(&[None, None])), Err(DecodeError::OutOfOrder(_))));
    feed(&mut outside, [begin(1)]);
    assert!(matches!(outside.push(begin(2)), Err(DecodeError::OutOfOrder(_))));
    let wrong = DecodeError::ColumnCount { relation: TABLE, expected: 2, found: 1 };
    assert_eq!(outside.push(insert(&[None])), Err(wrong));
    let mut unknown = assembler(0, 100);
    feed(&mut unknown, [begin(1)]);
    assert_eq!(unknown.push(insert(&[None, None])), Err(DecodeError::UnknownRelation(TABLE)));
    let early = Event::Commit { end: Lsn::new(1) };
    assert!(matches!(unknown.push(early), Err(DecodeError::OutOfOrder(_))));
}

#[test]
fn a_position_that_somebody_waits_for_is_told_at_once() {
    let mut assembler = assembler(0, 10);
    feed(&mut assembler, [Event::Reached(Lsn::new(50))]);
    assert!(!assembler.is_ready(), "nobody waits for what merely moved");
    feed(&mut assembler, [begin(100), Event::Asked]);
    assert!(!assembler.is_ready(), "the transaction is not over");
    feed(&mut assembler, [end(100)]);
    assert!(assembler.is_ready());
    assert_eq!((assembler.take().end, assembler.is_ready()), (Lsn::new(105), false));
}

proptest! {
    /// However transactions are cut into batches, and wherever the reader dies: going on from the last `end` tells
    /// everything once more that was not whole, and nothing is left out or out of order.
    #[test]
    fn nothing_is_lost_however_it_is_cut(
        sizes in prop::collection::vec(0_usize..9, 1..12), changes_max in 1_usize..6, die_after in 0_usize..30,
    ) {
        let mut number = 0;
        let events: Vec<Vec<Event>> = sizes.iter().enumerate().map(|(at, size)| {
            let commit = (at as u64 + 1) * 10;
            let mut events = vec![begin(commit), posts()];
            for _ in 0..*size {
                number += 1;
                events.push(insert(&[Some(&format!("{number:03}")), None]));
            }
            events.push(end(commit));
            events
        }).collect();
        let mut told: Vec<(Lsn, String)> = Vec::new();
        let take = |assembler: &mut Assembler, told: &mut Vec<(Lsn, String)>| {
            let batch = assembler.take();
            told.extend(batch.changes.iter().map(|change| (change.commit, change.text("id").unwrap().to_owned())));
            (batch.changes.len(), batch.end)
        };
        let mut position = Lsn::ZERO;
        let mut first = assembler(0, changes_max);
        for event in events.iter().flatten().take(die_after) {
            first.push(event.clone()).unwrap();
            while first.is_ready() {
                let (changes, end) = take(&mut first, &mut told);
                prop_assert!(changes <= changes_max && end >= position);
                position = end;
            }
        }
        // What is of a transaction that was not whole comes again.
        told.retain(|(commit, _)| *commit < position);
        let mut second = assembler(position.as_u64(), changes_max);
        // The server begins again with everything that was not confirmed, or even earlier.
        for event in events.iter().flatten() {
            second.push(event.clone()).unwrap();
            while second.is_ready() {
                take(&mut second, &mut told);
            }
        }
        let told: Vec<String> = told.into_iter().map(|(_, id)| id).collect();
        let all: Vec<String> = (1..=number).map(|number| format!("{number:03}")).collect();
        prop_assert_eq!(told, all);
    }

    #[test]
    fn garbage_is_refused_or_taken_and_never_panics(messages in prop::collection::vec(any::<Vec<u8>>(), 0..20)) {
        let mut assembler = assembler(0, 3);
        feed(&mut assembler, [begin(1), posts()]);
        for bytes in messages {
            let _ = assembler.push(Event::Message(Bytes::from(bytes)));
        }
    }
}
