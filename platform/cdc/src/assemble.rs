//! Events of a slot, put together into batches.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use kernel::Timestamp;

use crate::pgoutput::{self, DecodeError, Message, Old};
use crate::source::Event;
use crate::{Batch, Change, Lsn, Op, Relation, ReplicaIdentity, Row, Settings, Value};

/// Puts batches together. Knows the tables as the stream last described them.
pub struct Assembler {
    bytes_max: usize,
    changes_max: usize,
    relations: HashMap<u32, Arc<Relation>>,
    open: Option<Open>,
    /// Transactions committed before this are done already: the server begins where it was last told, which may be
    /// earlier.
    from: Lsn,
    batch: Batch,
    /// `end` of the last batch that was taken.
    taken: Lsn,
    /// Somebody waits for the position: see [`Assembler::is_ready`].
    asked: bool,
}

struct Open {
    commit: Lsn,
    at: Timestamp,
    xid: u32,
    done_already: bool,
}

impl Assembler {
    pub fn new(from: Lsn, settings: &Settings) -> Self {
        Self {
            bytes_max: settings.batch_kb_max.saturating_mul(1 << 10).max(1),
            changes_max: settings.batch_changes_max.max(1),
            relations: HashMap::new(),
            open: None,
            from,
            batch: Batch { end: from, ..Batch::default() },
            taken: from,
            asked: false,
        }
    }

    /// No more goes into this batch.
    pub fn is_full(&self) -> bool {
        self.batch.bytes >= self.bytes_max || self.batch.changes.len() >= self.changes_max
    }

    /// There are changes, or a transactional logical message, by which others ask to be told when it is reached. No
    /// transaction is cut in two without need.
    pub fn is_ready(&self) -> bool {
        self.is_full() || (self.open.is_none() && (self.asked || !self.batch.changes.is_empty()))
    }

    /// Nothing changed, but more is known to be told.
    pub fn has_moved(&self) -> bool {
        self.open.is_none() && self.batch.end > self.taken
    }

    pub fn take(&mut self) -> Batch {
        let next = Batch { end: self.batch.end, ..Batch::default() };
        self.taken = self.batch.end;
        self.asked &= self.open.is_some();
        mem::replace(&mut self.batch, next)
    }

    pub fn push(&mut self, event: Event) -> Result<(), DecodeError> {
        match event {
            Event::Begin { commit, at, xid } => {
                if self.open.is_some() {
                    return Err(DecodeError::OutOfOrder("a transaction within a transaction"));
                }
                self.open = Some(Open { commit, at, xid, done_already: commit < self.from });
            }
            Event::Commit { end } => {
                let open = self.open.take().ok_or(DecodeError::OutOfOrder("a commit without a transaction"))?;
                if end <= open.commit {
                    return Err(DecodeError::OutOfOrder("a commit that ends before it begins"));
                }
                self.reached(end);
            }
            // What it says of is behind the transaction that is being told.
            Event::Reached(position) => {
                if self.open.is_none() {
                    self.reached(position);
                }
            }
            Event::Asked => self.asked |= self.open.as_ref().is_some_and(|open| !open.done_already),
            Event::Message(bytes) => {
                let length = bytes.len();
                self.message(pgoutput::decode(bytes)?, length)?;
            }
        }
        Ok(())
    }

    fn reached(&mut self, position: Lsn) {
        self.batch.end = self.batch.end.max(position);
    }

    fn message(&mut self, message: Message, length: usize) -> Result<(), DecodeError> {
        match message {
            Message::Relation(relation) => {
                self.relations.insert(relation.oid, Arc::new(relation));
                Ok(())
            }
            Message::Insert { relation, new } => self.change(relation, Op::Insert, None, Some(new), length),
            Message::Update { relation, old, new } => self.change(relation, Op::Update, old, Some(new), length),
            Message::Delete { relation, old } => self.change(relation, Op::Delete, Some(old), None, length),
            Message::Truncate { relations } => {
                relations.into_iter().try_for_each(|relation| self.change(relation, Op::Truncate, None, None, length))
            }
            Message::Origin | Message::Type | Message::Logical { .. } => Ok(()),
            Message::Begin { .. } | Message::Commit { .. } => {
                Err(DecodeError::OutOfOrder("the edge of a transaction among its changes"))
            }
        }
    }

    fn change(
        &mut self,
        oid: u32,
        op: Op,
        old: Option<Old>,
        new: Option<Row>,
        length: usize,
    ) -> Result<(), DecodeError> {
        let open = self.open.as_ref().ok_or(DecodeError::OutOfOrder("a change outside of a transaction"))?;
        let relation = self.relations.get(&oid).ok_or(DecodeError::UnknownRelation(oid))?;
        let old = match old {
            None => None,
            Some(Old::Full(row)) => Some(whole(relation, row)?),
            Some(Old::Key(row)) => Some(key_only(relation, whole(relation, row)?)),
        };
        let new = new.map(|row| whole(relation, row)).transpose()?;
        if open.done_already {
            return Ok(());
        }
        let values = [&old, &new].into_iter().flatten().map(|row| row.0.len()).sum::<usize>();
        self.batch.bytes += length + values * size_of::<Value>() + size_of::<Change>();
        if self.batch.xids.last() != Some(&open.xid) {
            self.batch.xids.push(open.xid);
        }
        self.batch.committed_at = Some(open.at);
        let (xid, commit) = (open.xid, open.commit);
        self.batch.changes.push(Change { relation: Arc::clone(relation), op, old, new, xid, commit });
        Ok(())
    }
}

fn whole(relation: &Relation, row: Row) -> Result<Row, DecodeError> {
    let (expected, found) = (relation.columns.len(), row.0.len());
    if expected != found {
        return Err(DecodeError::ColumnCount { relation: relation.oid, expected, found });
    }
    Ok(row)
}

/// The columns that are not in the key are written as NULL, which they need not have been.
fn key_only(relation: &Relation, mut row: Row) -> Row {
    if relation.identity != ReplicaIdentity::Full {
        for (column, value) in relation.columns.iter().zip(&mut row.0) {
            if !column.key {
                *value = Value::Unchanged;
            }
        }
    }
    row
}

#[cfg(test)]
mod tests;
