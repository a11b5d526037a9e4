//! Query hydration: who asks, and what is known of them.

use std::sync::Arc;
use std::time::Duration;

use kernel::{ContentKind, Ctx, Timestamp, UserId};
use postgres::{Db, StoreResult, fault};
use rank::{Action, Actions, Profile};
use sqlx::types::Json;

use super::service::{LESS_AGE_MAX, LESS_MAX};
use super::stage::Stage;
use crate::Error;
use crate::model::Area;
use crate::neighbours::Graph;

/// People whom the viewer follows that are asked about at most: those whom the viewer likes most come first.
pub const FOLLOWED_MAX: usize = 1_000;

/// What the viewer said of the page.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub language: Option<String>,
    pub near: Option<Area>,
}

/// Everything that the stages know of a viewer.
#[derive(Debug, Clone)]
pub struct Query {
    pub ctx: Ctx,
    pub asked: Asked,
    pub profile: Profile,
    pub followed: Vec<UserId>,
}

impl Query {
    pub const fn viewer(&self) -> UserId {
        self.ctx.user
    }

    pub const fn now(&self) -> Timestamp {
        self.ctx.now
    }
}

pub struct Hydrator {
    pub db: Db,
    pub graph: Arc<dyn Graph>,
    pub patience: u32,
}

impl Hydrator {
    const PROFILE: Stage = Stage::open("feed.query.profile", Duration::from_millis(500));
    const FOLLOWED: Stage = Stage::open("feed.query.followed", Duration::from_millis(500));

    pub async fn hydrate(&self, ctx: &Ctx, asked: Asked) -> Result<Query, Error> {
        let followed = async { Ok(self.graph.followed(ctx.user).await?) };
        let (profile, mut followed) = tokio::try_join!(
            Self::PROFILE.run(self.patience, self.profile(ctx.user, ctx.now)),
            Self::FOLLOWED.run(self.patience, followed)
        )?;
        if followed.len() > FOLLOWED_MAX {
            followed.sort_by(|a, b| profile.author(*b).total_cmp(&profile.author(*a)));
            followed.truncate(FOLLOWED_MAX);
        }
        Ok(Query { ctx: ctx.clone(), asked, profile, followed })
    }

    /// What the viewer likes, with what they asked for less of.
    async fn profile(&self, viewer: UserId, now: Timestamp) -> Result<Profile, Error> {
        type Less = (UserId, i16, Vec<i64>);
        let profile = known(&self.db, viewer);
        let less = async {
            let rows = sqlx::query_as(
                "SELECT author, kind, tags FROM feed_less WHERE viewer = $1 AND at > $2 ORDER BY at DESC LIMIT $3",
            )
            .bind(viewer)
            .bind(now.minus(LESS_AGE_MAX))
            .bind(LESS_MAX)
            .fetch_all(self.db.pool());
            rows.await.map_err(fault)
        };
        let (mut profile, less): (Profile, Vec<Less>) = tokio::try_join!(profile, less)?;
        for (author, kind, tags) in less {
            let Some(kind) = ContentKind::from_number(kind) else { continue };
            let tags: Vec<u64> = tags.into_iter().map(i64::cast_unsigned).collect();
            profile.observe(author, &tags, kind, Actions::default().with(Action::Hide), now);
        }
        Ok(profile)
    }
}

/// What was learned of somebody.
pub(crate) async fn known(db: &Db, viewer: UserId) -> StoreResult<Profile> {
    let query = sqlx::query_scalar("SELECT profile FROM feed_profiles WHERE viewer = $1")
        .bind(viewer)
        .fetch_optional(db.pool());
    let profile: Option<Json<Profile>> = telemetry::timed("postgres", "feed.profile", query).await.map_err(fault)?;
    Ok(profile.map(|Json(profile)| profile).unwrap_or_default())
}
