//! What people chose for good.

use kernel::{Ctx, UserId};
use postgres::{Db, StoreResult, fault};
use schemas::feed::{FeedChoice, FeedPreferences, FeedPreferencesGiven};

use super::query::Asked;
use crate::Error;
use crate::model::Area;

pub struct Preferences(pub Db);

impl Preferences {
    pub async fn of(&self, viewer: UserId) -> StoreResult<FeedPreferences> {
        type Row = (bool, Option<String>, Option<String>);
        let query = sqlx::query_as("SELECT following, language, near FROM feed_preferences WHERE viewer = $1")
            .bind(viewer)
            .fetch_optional(self.0.pool());
        let row: Option<Row> = telemetry::timed("postgres", "feed.preferences", query).await.map_err(fault)?;
        Ok(row.map_or_else(FeedPreferences::default, |(following, language, near)| {
            let feed = if following { FeedChoice::Following } else { FeedChoice::Ranked };
            FeedPreferences { feed, language, near }
        }))
    }

    pub async fn set(&self, ctx: &Ctx, given: FeedPreferencesGiven) -> Result<FeedPreferences, Error> {
        let FeedPreferencesGiven { feed, language, near } = given;
        let wanted = FeedPreferences { feed, language, near };
        Asked::parse(wanted.language.as_deref(), wanted.near.as_deref())?;
        let query = sqlx::query(
            "INSERT INTO feed_preferences (viewer, following, language, near) VALUES ($1, $2, $3, $4)
             ON CONFLICT (viewer) DO UPDATE SET following = $2, language = $3, near = $4",
        )
        .bind(ctx.user)
        .bind(wanted.feed == FeedChoice::Following)
        .bind(wanted.language.as_deref())
        .bind(wanted.near.as_deref())
        .execute(self.0.pool());
        telemetry::timed("postgres", "feed.preferences.set", query).await.map_err(fault)?;
        Ok(wanted)
    }
}

impl Asked {
    pub fn parse(language: Option<&str>, near: Option<&str>) -> Result<Self, Error> {
        let is_code = |code: &str| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_lowercase());
        if language.is_some_and(|code| !is_code(code)) {
            return Err(Error::Language);
        }
        let near = near.map(|near| Area::parse(near, None).ok_or(Error::Area)).transpose()?;
        Ok(Self { language: language.map(str::to_owned), near })
    }

    /// What was said of this page, and of the rest what was chosen for good.
    #[must_use]
    pub fn or(self, preferences: &FeedPreferences) -> Self {
        let near = || Area::parse(preferences.near.as_deref()?, None);
        Self { language: self.language.or_else(|| preferences.language.clone()), near: self.near.or_else(near) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_two_letters_and_a_place_is_on_the_globe() {
        assert!(Asked::parse(Some("en"), Some("52.5,13.4")).is_ok() && Asked::parse(None, None).is_ok());
        for (language, near) in
            [(Some("e"), None), (Some("eng"), None), (Some("EN"), None), (None, Some("91,0")), (None, Some("x"))]
        {
            assert!(Asked::parse(language, near).is_err(), "{language:?} {near:?}");
        }
    }

    #[test]
    fn what_is_said_of_a_page_goes_before_what_was_chosen_for_good() {
        let chosen = FeedPreferences { language: Some("en".into()), near: Some("1,2".into()), ..Default::default() };
        let page = Asked::parse(Some("de"), None).unwrap().or(&chosen);
        assert_eq!((page.language.as_deref(), page.near.map(|area| area.latitude)), (Some("de"), Some(1.0)));
    }
}
