//! Which documents a batch of changes alters, each once.

use std::collections::{BTreeMap, BTreeSet};

use cdc::{Batch, Op};

use super::mapping::Mappings;
use super::marks;
use crate::Kind;

/// Documents to read again, by kind and id, with the version that they get: the last commit that touched them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    pub documents: BTreeMap<Kind, BTreeMap<String, u64>>,
    /// Kinds of which a table was emptied at one stroke.
    pub emptied: BTreeSet<Kind>,
}

impl Touched {
    pub(crate) fn of(batch: &Batch, mappings: &Mappings) -> Self {
        let mut touched = Self::default();
        for change in &batch.changes {
            let version = change.commit.as_u64();
            if change.table() == marks::TABLE {
                if let Some(told) = marks::told(change)
                    && let Some(mapping) = mappings.named(told.kind)
                {
                    let documents = match told.last {
                        Some(last) => mapping.between(told.document, last),
                        None => vec![told.document.to_owned()],
                    };
                    for id in documents {
                        touched.touch(mapping.kind(), id, version);
                    }
                }
                continue;
            }
            for mapping in mappings.of_table(change.table()) {
                if change.op == Op::Truncate {
                    touched.emptied.insert(mapping.kind());
                } else {
                    for id in mapping.touched(change) {
                        touched.touch(mapping.kind(), id, version);
                    }
                }
            }
        }
        touched
    }

    fn touch(&mut self, kind: Kind, id: String, version: u64) {
        let last = self.documents.entry(kind).or_default().entry(id).or_default();
        *last = version.max(*last);
    }

    /// The documents in portions of at most `most`, each of one kind.
    pub(crate) fn portions(self, most: usize) -> Vec<(Kind, Vec<(String, u64)>)> {
        let mut portions = Vec::new();
        for (kind, documents) in self.documents {
            let mut documents = documents.into_iter().peekable();
            while documents.peek().is_some() {
                portions.push((kind, documents.by_ref().take(most).collect()));
            }
        }
        portions
    }
}
