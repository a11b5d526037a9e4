//! The messages of PostgreSQL's output plugin `pgoutput`, version 1, text format.
//!
//! <https://www.postgresql.org/docs/15/protocol-logicalrep-message-formats.html>

pub(crate) mod fields;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use kernel::Timestamp;

use crate::{Column, Lsn, Relation, ReplicaIdentity, Row, Value};
use fields::Fields;

/// Most columns that a table has (PostgreSQL's own limit).
pub const COLUMNS_MAX: usize = 1_600;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A transaction follows.
    Begin {
        /// Where its commit is in the log.
        commit: Lsn,
        at: Timestamp,
        xid: u32,
    },
    /// It is complete.
    Commit {
        commit: Lsn,
        /// Behind its commit.
        end: Lsn,
        at: Timestamp,
    },
    /// The transaction came from another server.
    Origin,
    /// What a table looks like from here on. Comes before the first change of a table on a connection, and again after
    /// each change of it.
    Relation(Relation),
    /// A type that is not built in.
    Type,
    Insert {
        relation: u32,
        new: Row,
    },
    Update {
        relation: u32,
        old: Option<Old>,
        new: Row,
    },
    Delete {
        relation: u32,
        old: Old,
    },
    Truncate {
        relations: Vec<u32>,
    },
    /// What `pg_logical_emit_message` said.
    Logical {
        transactional: bool,
        at: Lsn,
        prefix: String,
        content: Bytes,
    },
}

/// A row as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Old {
    /// Its key only: the other columns are written as NULL in the message, and mean nothing.
    Key(Row),
    Full(Row),
}

/// Bytes that are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the message ends within {0}")]
    Truncated(&'static str),
    #[error("{0} bytes follow the end of the message")]
    Trailing(usize),
    #[error("no message begins with byte {0:#04x}")]
    UnknownMessage(u8),
    #[error("{what} cannot be {byte:#04x}")]
    Unexpected { what: &'static str, byte: u8 },
    #[error("{0} is not UTF-8")]
    NotUtf8(&'static str),
    #[error("{what} cannot be {number}")]
    OutOfRange { what: &'static str, number: i64 },
    #[error("a row of the table {0} came before its columns")]
    UnknownRelation(u32),
    #[error("a row of the table {relation} has {found} values for {expected} columns")]
    ColumnCount { relation: u32, expected: usize, found: usize },
    /// Begin within a transaction, a change outside of one, or a commit that is not that of its begin.
    #[error("a message came where none of its kind can be: {0}")]
    OutOfOrder(&'static str),
}

/// Reads one message. Values are parts of `bytes`, not copies.
pub fn decode(bytes: Bytes) -> Result<Message, DecodeError> {
    let mut fields = Fields::new(bytes);
    let message = match fields.byte("the kind of message")? {
        b'B' => Message::Begin {
            commit: fields.lsn("a commit's position")?,
            at: fields.time("a commit's time")?,
            xid: fields.u32("a transaction's number")?,
        },
        b'C' => {
            // Flags, of which there are none yet.
            fields.byte("flags")?;
            Message::Commit {
                commit: fields.lsn("a commit's position")?,
                end: fields.lsn("a commit's end")?,
                at: fields.time("a commit's time")?,
            }
        }
        b'O' => {
            fields.lsn("an origin's position")?;
            fields.text("an origin's name")?;
            Message::Origin
        }
        b'R' => Message::Relation(relation(&mut fields)?),
        b'Y' => {
            fields.u32("a type's oid")?;
            fields.text("a type's schema")?;
            fields.text("a type's name")?;
            Message::Type
        }
        b'I' => {
            let relation = fields.u32("a table's oid")?;
            expect(&mut fields, b'N')?;
            Message::Insert { relation, new: row(&mut fields)? }
        }
        b'U' => update(&mut fields)?,
        b'D' => {
            let relation = fields.u32("a table's oid")?;
            let kind = fields.byte("the kind of row")?;
            Message::Delete { relation, old: old(kind, &mut fields)? }
        }
        b'T' => truncate(&mut fields)?,
        b'M' => {
            let transactional = fields.byte("flags")? & 1 == 1;
            let at = fields.lsn("a message's position")?;
            let prefix = fields.text("a message's prefix")?;
            let length = fields.length("a message's length")?;
            Message::Logical { transactional, at, prefix, content: fields.take(length, "a message's content")? }
        }
        other => return Err(DecodeError::UnknownMessage(other)),
    };
    match fields.left() {
        0 => Ok(message),
        left => Err(DecodeError::Trailing(left)),
    }
}

fn relation(fields: &mut Fields) -> Result<Relation, DecodeError> {
    let oid = fields.u32("a table's oid")?;
    let schema = fields.text("a table's schema")?;
    let name = fields.text("a table's name")?;
    let identity = match fields.byte("a table's identity")? {
        b'd' => ReplicaIdentity::Key,
        b'n' => ReplicaIdentity::Nothing,
        b'f' => ReplicaIdentity::Full,
        b'i' => ReplicaIdentity::Index,
        byte => return Err(DecodeError::Unexpected { what: "a table's identity", byte }),
    };
    let count = count(fields)?;
    let mut columns = Vec::with_capacity(count);
    for _ in 0..count {
        columns.push(Column {
            key: fields.byte("a column's flags")? & 1 == 1,
            name: fields.text("a column's name")?,
            kind: fields.u32("a column's type")?,
            modifier: fields.u32("a column's modifier")?.cast_signed(),
        });
    }
    // PostgreSQL writes no empty schema but pg_catalog's.
    let schema = if schema.is_empty() { "pg_catalog".to_owned() } else { schema };
    Ok(Relation { oid, schema, name, identity, columns })
}

fn update(fields: &mut Fields) -> Result<Message, DecodeError> {
    let relation = fields.u32("a table's oid")?;
    let old = match fields.byte("the kind of row")? {
        b'N' => None,
        kind => {
            let old = old(kind, fields)?;
            expect(fields, b'N')?;
            Some(old)
        }
    };
    Ok(Message::Update { relation, old, new: row(fields)? })
}

fn old(kind: u8, fields: &mut Fields) -> Result<Old, DecodeError> {
    match kind {
        b'K' => row(fields).map(Old::Key),
        b'O' => row(fields).map(Old::Full),
        byte => Err(DecodeError::Unexpected { what: "the kind of row", byte }),
    }
}

fn truncate(fields: &mut Fields) -> Result<Message, DecodeError> {
    let count = fields.u32("a number of tables")? as usize;
    // CASCADE, RESTART IDENTITY.
    fields.byte("flags")?;
    // Four bytes each: no more than that is made room for, whatever the count says.
    let mut relations = Vec::with_capacity(count.min(fields.left() / 4));
    for _ in 0..count {
        relations.push(fields.u32("a table's oid")?);
    }
    Ok(Message::Truncate { relations })
}

fn row(fields: &mut Fields) -> Result<Row, DecodeError> {
    let count = count(fields)?;
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        values.push(match fields.byte("the kind of value")? {
            b'n' => Value::Null,
            b'u' => Value::Unchanged,
            b't' => {
                let length = fields.length("a value's length")?;
                Value::Text(fields.take(length, "a value")?)
            }
            // 'b' is the binary format, which was not asked for.
            byte => return Err(DecodeError::Unexpected { what: "the kind of value", byte }),
        });
    }
    Ok(Row(values))
}

fn count(fields: &mut Fields) -> Result<usize, DecodeError> {
    let number = fields.u16("a number of columns")?;
    match usize::from(number) {
        count if count <= COLUMNS_MAX => Ok(count),
        _ => Err(DecodeError::OutOfRange { what: "a number of columns", number: number.into() }),
    }
}

fn expect(fields: &mut Fields, wanted: u8) -> Result<(), DecodeError> {
    match fields.byte("the kind of row")? {
        byte if byte == wanted => Ok(()),
        byte => Err(DecodeError::Unexpected { what: "the kind of row", byte }),
    }
}
