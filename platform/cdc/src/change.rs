//! What changed.

use std::sync::Arc;

use bytes::Bytes;
use kernel::Timestamp;

use crate::Lsn;

/// A table as it was when a change was made: a migration in between gives the next change another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The table's oid. A migration that rewrites a table keeps it; one that drops and creates it does not.
    pub oid: u32,
    pub schema: String,
    pub name: String,
    pub identity: ReplicaIdentity,
    pub columns: Vec<Column>,
}

/// What the log says of the row as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplicaIdentity {
    /// The primary key (PostgreSQL's default).
    Key,
    Nothing,
    /// All columns.
    Full,
    /// The columns of another unique index.
    Index,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// Whether it is part of what the log tells of a row as it was.
    pub key: bool,
    /// Oid of its type.
    pub kind: u32,
    /// The type's modifier, -1 without one.
    pub modifier: i32,
}

impl Relation {
    /// Where the column called `name` is in a [`Row`].
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

/// A value in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    /// Not in the log: a large (TOASTed) value that an update did not touch, or, in the row as it was, a column that is
    /// not part of its key. It is *not* NULL. Whoever needs it reads the row.
    Unchanged,
    /// The text form that PostgreSQL gives it: ISO dates in UTC, `\x…` for bytes, all digits of floats.
    Text(Bytes),
}

impl Value {
    /// The text, if there is one and it is UTF-8 (all of PostgreSQL's are, in a UTF-8 session).
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(bytes) => std::str::from_utf8(bytes).ok(),
            Self::Null | Self::Unchanged => None,
        }
    }
}

/// The values of a row, in the order of [`Relation::columns`]; always as many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(pub Vec<Value>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    Insert,
    Update,
    Delete,
    /// The whole table: there is neither `old` nor `new`.
    Truncate,
}

/// One row that changed, in a transaction that is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub relation: Arc<Relation>,
    pub op: Op,
    /// The row as it was: always for a delete; for an update only when its key changed (or when the table's identity is
    /// [`ReplicaIdentity::Full`]). Columns that are not part of the key are [`Value::Unchanged`].
    pub old: Option<Row>,
    /// The row as it is now: for inserts and updates.
    pub new: Option<Row>,
    /// The transaction: see [`crate::Snapshot`].
    pub xid: u32,
    /// Where the transaction's commit is in the log: the version of whatever is made of this change. Equal for all
    /// changes of a transaction, and greater than that of every transaction before it in the stream.
    pub commit: Lsn,
}

impl Change {
    /// The table's name, without its schema.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.relation.name
    }

    /// The value of a column in the row as it is now, or, when it was deleted, as it was. `None`: there is no such
    /// column (a migration may have dropped it), or no row.
    #[must_use]
    pub fn value(&self, column: &str) -> Option<&Value> {
        let at = self.relation.column(column)?;
        self.new.as_ref().or(self.old.as_ref())?.0.get(at)
    }

    /// The text of a column in the row as it is now, or, when it was deleted, as it was.
    #[must_use]
    pub fn text(&self, column: &str) -> Option<&str> {
        self.value(column)?.text()
    }

    /// The texts that a column had before and has after, without repetition: whoever keeps something by this column
    /// must look at both. For columns of the key.
    #[must_use]
    pub fn texts(&self, column: &str) -> Vec<&str> {
        let Some(at) = self.relation.column(column) else { return Vec::new() };
        let of = |row: &'_ Option<Row>| row.as_ref().and_then(|row| row.0.get(at)).and_then(Value::text).is_some();
        let mut texts = Vec::with_capacity(2);
        for row in [&self.old, &self.new].into_iter().filter(|row| of(row)) {
            if let Some(text) = row.as_ref().and_then(|row| row.0[at].text())
                && !texts.contains(&text)
            {
                texts.push(text);
            }
        }
        texts
    }
}

/// Changes in the order of their commits, and within a transaction in the order in which they were made.
///
/// A batch has at most about [`crate::Settings::batch_kb_max`] (one row more when it begins below) and
/// [`crate::Settings::batch_changes_max`] changes. A larger transaction comes in several batches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// May be empty: then only `end` has moved.
    pub changes: Vec<Change>,
    /// What is told up to: every transaction whose commit is before `end` was in this batch or an earlier one, wholly.
    /// It never goes back, and stays where it is while a transaction has come in part.
    pub end: Lsn,
    /// Bytes of log messages that it was made of.
    pub bytes: usize,
    /// The transactions of `changes`.
    pub xids: Vec<u32>,
    /// When the last of these transactions was committed, by the server's clock.
    pub committed_at: Option<Timestamp>,
}
