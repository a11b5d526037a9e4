//! Where candidates come from: each source proposes ids, and why.

mod followed;
mod liked;
pub mod near;
mod newcomers;
mod topics;
mod trending;

use async_trait::async_trait;
use kernel::{ContentId, ContentKind, UserId};
use rank::Source as Reason;
use uuid::Uuid;

pub use followed::Followed;
pub use liked::Liked;
pub use near::Near;
pub use newcomers::Newcomers;
pub use topics::Topics;
pub use trending::Trending;

use super::query::Query;
use super::stage::Stage;
use crate::Error;

/// An item that a source found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal {
    pub id: ContentId,
    pub author: UserId,
    pub reason: Reason,
    /// How many of those whom the viewer follows did something with it.
    pub proof: u16,
}

/// MUST propose a bounded number of items, in a number of round trips that does not depend on anything.
#[async_trait]
pub trait Source: Send + Sync {
    fn stage(&self) -> Stage;

    async fn propose(&self, query: &Query) -> Result<Vec<Proposal>, Error>;
}

/// An id, a kind and an author, as rows have them.
pub type Row = (Uuid, i16, UserId);

/// Rows of a kind that is not known here (a newer Plaza wrote them) are passed over.
pub fn proposals(rows: Vec<Row>, reason: Reason) -> Vec<Proposal> {
    let proposal = |(id, kind, author): Row| {
        let id = ContentId::from_parts(ContentKind::from_number(kind)?, id);
        Some(Proposal { id, author, reason, proof: 0 })
    };
    rows.into_iter().filter_map(proposal).collect()
}
