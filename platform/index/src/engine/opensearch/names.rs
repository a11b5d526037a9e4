//! How indexes and aliases are called.
//!
//! | name | what |
//! |---|---|
//! | `plaza-post-3` | the index of a generation |
//! | `plaza-post-3-write` | its alias for writes. Bulks insist on an alias, so that a write into a generation that is gone fails instead of making an index with a mapping of OpenSearch's own invention |
//! | `plaza-post` | the alias of the live generation, which searches read |

use crate::document::Kind;
use crate::engine::Generation;

#[derive(Debug, Clone)]
pub(super) struct Names {
    prefix: String,
}

impl Names {
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    pub fn index(&self, kind: Kind, generation: Generation) -> String {
        format!("{}{kind}-{generation}", self.prefix)
    }

    pub fn write_alias(&self, kind: Kind, generation: Generation) -> String {
        format!("{}-write", self.index(kind, generation))
    }

    pub fn live_alias(&self, kind: Kind) -> String {
        format!("{}{kind}", self.prefix)
    }

    /// Matches all indexes of a kind, and perhaps others: see [`Names::generation`].
    pub fn pattern(&self, kind: Kind) -> String {
        format!("{}{kind}-*", self.prefix)
    }

    /// Matches the indexes of all kinds, and perhaps others.
    pub fn everything(&self) -> String {
        format!("{}*-write", self.prefix)
    }

    /// Which generation of `kind` an index is, if it is one.
    pub fn generation(&self, kind: Kind, index: &str) -> Option<Generation> {
        let number = index.strip_prefix(&self.prefix)?.strip_prefix(kind.name())?.strip_prefix('-')?;
        let generation = number.parse().ok()?;
        // "007" and "+7" are nobody's.
        (self.index(kind, generation) == index).then_some(generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POST: Kind = Kind::new("post");

    #[test]
    fn an_index_is_read_as_it_was_named() {
        let names = Names::new("plaza-");
        assert_eq!(names.generation(POST, &names.index(POST, 42)), Some(42));
        for other in ["plaza-post", "plaza-post-", "plaza-post-007", "plaza-post-x-1", "plaza-person-1", "x-post-1"] {
            assert_eq!(names.generation(POST, other), None, "{other}");
        }
    }
}
