//! What those publish whom the viewer follows: pushed and pulled, as the following feed has it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kernel::PageSize;
use rank::Source as Reason;

use super::{Proposal, Source};
use crate::ranked::query::Query;
use crate::ranked::stage::Stage;
use crate::{Error, Service};

pub struct Followed(pub Arc<Service>);

#[async_trait]
impl Source for Followed {
    fn stage(&self) -> Stage {
        Stage::open("feed.source.followed", Duration::from_millis(1_000))
    }

    async fn propose(&self, query: &Query) -> Result<Vec<Proposal>, Error> {
        let page = self.0.following(&query.ctx, None, PageSize::MAX).await?;
        let proposal = |item: schemas::feed::FeedItem| Proposal {
            id: item.content.id,
            author: item.content.author.id,
            reason: Reason::Followed,
            proof: 0,
        };
        Ok(page.items.into_iter().map(proposal).collect())
    }
}
