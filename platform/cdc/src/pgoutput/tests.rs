use bytes::{BufMut as _, Bytes, BytesMut};
use proptest::prelude::*;

use super::*;

/// Writes messages as the server does.
fn encode(message: &Message) -> Bytes {
    let mut out = BytesMut::new();
    let micros = |at: Timestamp| (at.as_millis() - 946_684_800_000) * 1_000;
    match message {
        Message::Begin { commit, at, xid } => {
            out.put_u8(b'B');
            out.put_u64(commit.as_u64());
            out.put_i64(micros(*at));
            out.put_u32(*xid);
        }
        Message::Commit { commit, end, at } => {
            out.put_slice(b"C\0");
            out.put_u64(commit.as_u64());
            out.put_u64(end.as_u64());
            out.put_i64(micros(*at));
        }
        Message::Origin => {
            out.put_u8(b'O');
            out.put_u64(7);
            text(&mut out, "elsewhere");
        }
        Message::Relation(relation) => {
            out.put_u8(b'R');
            out.put_u32(relation.oid);
            text(&mut out, &relation.schema);
            text(&mut out, &relation.name);
            out.put_u8(match relation.identity {
                ReplicaIdentity::Key => b'd',
                ReplicaIdentity::Nothing => b'n',
                ReplicaIdentity::Full => b'f',
                ReplicaIdentity::Index => b'i',
            });
            out.put_u16(relation.columns.len() as u16);
            for column in &relation.columns {
                out.put_u8(column.key.into());
                text(&mut out, &column.name);
                out.put_u32(column.kind);
                out.put_i32(column.modifier);
            }
        }
        Message::Type => {
            out.put_u8(b'Y');
            out.put_u32(9);
            text(&mut out, "public");
            text(&mut out, "mood");
        }
        Message::Insert { relation, new } => {
            out.put_u8(b'I');
            out.put_u32(*relation);
            out.put_u8(b'N');
            values(&mut out, new);
        }
        Message::Update { relation, old, new } => {
            out.put_u8(b'U');
            out.put_u32(*relation);
            if let Some(old) = old {
                put_old(&mut out, old);
            }
            out.put_u8(b'N');
            values(&mut out, new);
        }
        Message::Delete { relation, old } => {
            out.put_u8(b'D');
            out.put_u32(*relation);
            put_old(&mut out, old);
        }
        Message::Truncate { relations } => {
            out.put_u8(b'T');
            out.put_u32(relations.len() as u32);
            out.put_u8(0);
            relations.iter().for_each(|relation| out.put_u32(*relation));
        }
        Message::Logical { transactional, at, prefix, content } => {
            out.put_u8(b'M');
            out.put_u8((*transactional).into());
            out.put_u64(at.as_u64());
            text(&mut out, prefix);
            out.put_u32(content.len() as u32);
            out.put_slice(content);
        }
    }
    out.freeze()
}

fn text(out: &mut BytesMut, text: &str) {
    out.put_slice(text.as_bytes());
    out.put_u8(0);
}

fn put_old(out: &mut BytesMut, old: &Old) {
    let (kind, row) = match old {
        Old::Key(row) => (b'K', row),
        Old::Full(row) => (b'O', row),
    };
    out.put_u8(kind);
    values(out, row);
}

fn values(out: &mut BytesMut, row: &Row) {
    out.put_u16(row.0.len() as u16);
    for value in &row.0 {
        match value {
            Value::Null => out.put_u8(b'n'),
            Value::Unchanged => out.put_u8(b'u'),
            Value::Text(text) => {
                out.put_u8(b't');
                out.put_u32(text.len() as u32);
                out.put_slice(text);
            }
        }
    }
}

fn any_row() -> impl Strategy<Value = Row> {
    let value = prop_oneof![
        Just(Value::Null),
        Just(Value::Unchanged),
        any::<Vec<u8>>().prop_map(|bytes| Value::Text(bytes.into())),
    ];
    prop::collection::vec(value, 0..6).prop_map(Row)
}

fn any_old() -> impl Strategy<Value = Old> {
    prop_oneof![any_row().prop_map(Old::Key), any_row().prop_map(Old::Full)]
}

fn any_relation() -> impl Strategy<Value = Relation> {
    let identity = prop_oneof![
        Just(ReplicaIdentity::Key),
        Just(ReplicaIdentity::Nothing),
        Just(ReplicaIdentity::Full),
        Just(ReplicaIdentity::Index),
    ];
    let column = (any::<bool>(), "[a-zä_]{0,8}", any::<u32>(), any::<i32>());
    let column = column.prop_map(|(key, name, kind, modifier)| Column { key, name, kind, modifier });
    (any::<u32>(), "[a-z]{1,8}", "[a-z]{1,8}", identity, prop::collection::vec(column, 0..6))
        .prop_map(|(oid, schema, name, identity, columns)| Relation { oid, schema, name, identity, columns })
}

fn any_message() -> impl Strategy<Value = Message> {
    let at = || (-1_000_000_000_000_i64..4_000_000_000_000).prop_map(Timestamp::from_millis);
    let lsn = || any::<u64>().prop_map(Lsn::new);
    prop_oneof![
        (lsn(), at(), any::<u32>()).prop_map(|(commit, at, xid)| Message::Begin { commit, at, xid }),
        (lsn(), lsn(), at()).prop_map(|(commit, end, at)| Message::Commit { commit, end, at }),
        Just(Message::Origin),
        Just(Message::Type),
        any_relation().prop_map(Message::Relation),
        (any::<u32>(), any_row()).prop_map(|(relation, new)| Message::Insert { relation, new }),
        (any::<u32>(), prop::option::of(any_old()), any_row()).prop_map(|(relation, old, new)| Message::Update {
            relation,
            old,
            new
        }),
        (any::<u32>(), any_old()).prop_map(|(relation, old)| Message::Delete { relation, old }),
        prop::collection::vec(any::<u32>(), 0..5).prop_map(|relations| Message::Truncate { relations }),
        (any::<bool>(), lsn(), "[a-z.]{0,9}", any::<Vec<u8>>()).prop_map(|(transactional, at, prefix, content)| {
            Message::Logical { transactional, at, prefix, content: content.into() }
        }),
    ]
}

proptest! {
    #[test]
    fn what_was_written_is_read(message in any_message()) {
        prop_assert_eq!(decode(encode(&message)), Ok(message));
    }

    #[test]
    fn a_message_cut_short_is_said_to_be_so(message in any_message(), cut in any::<prop::sample::Index>()) {
        let whole = encode(&message);
        let part = whole.slice(..cut.index(whole.len()));
        prop_assert!(matches!(decode(part), Err(DecodeError::Truncated(_))));
    }

    #[test]
    fn a_message_with_more_behind_it_is_refused(message in any_message(), more in 1_usize..9) {
        let mut bytes = BytesMut::from(encode(&message));
        bytes.put_bytes(0, more);
        prop_assert_eq!(decode(bytes.freeze()), Err(DecodeError::Trailing(more)));
    }

    #[test]
    fn garbage_gives_an_error_or_a_message_and_never_a_panic(bytes in any::<Vec<u8>>()) {
        let _ = decode(bytes.into());
    }

    #[test]
    fn a_message_with_a_flipped_byte_gives_an_error_or_a_message(
        message in any_message(), at in any::<prop::sample::Index>(), flip in 1_u8..,
    ) {
        let mut bytes = encode(&message).to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let _ = decode(bytes.into());
    }
}

#[test]
fn a_count_that_lies_makes_no_room_for_itself() {
    // Four billion tables, and none of them there.
    let lie = Bytes::from_static(b"T\xff\xff\xff\xff\0");
    assert_eq!(decode(lie), Err(DecodeError::Truncated("a table's oid")));
}

#[test]
fn more_columns_than_a_table_has_are_refused() {
    let row = |count: usize| Message::Insert { relation: 1, new: Row(vec![Value::Null; count]) };
    assert_eq!(decode(encode(&row(COLUMNS_MAX))), Ok(row(COLUMNS_MAX)));
    let number = COLUMNS_MAX as i64 + 1;
    let refused = Err(DecodeError::OutOfRange { what: "a number of columns", number });
    assert_eq!(decode(encode(&row(COLUMNS_MAX + 1))), refused);
}

#[test]
fn lengths_below_zero_and_binary_values_are_refused() {
    let negative = Bytes::from_static(b"I\0\0\0\x01N\0\x01t\xff\xff\xff\xff");
    assert_eq!(decode(negative), Err(DecodeError::OutOfRange { what: "a value's length", number: -1 }));
    let binary = Bytes::from_static(b"I\0\0\0\x01N\0\x01b\0\0\0\0");
    assert_eq!(decode(binary), Err(DecodeError::Unexpected { what: "the kind of value", byte: b'b' }));
    assert_eq!(decode(Bytes::from_static(b"Z")), Err(DecodeError::UnknownMessage(b'Z')));
    assert_eq!(decode(Bytes::new()), Err(DecodeError::Truncated("the kind of message")));
}

#[test]
fn unchanged_is_not_null() {
    let bytes = Bytes::from_static(b"U\0\0\0\x01N\0\x03nut\0\0\0\0");
    let new = Row(vec![Value::Null, Value::Unchanged, Value::Text(Bytes::new())]);
    assert_eq!(decode(bytes), Ok(Message::Update { relation: 1, old: None, new }));
}
