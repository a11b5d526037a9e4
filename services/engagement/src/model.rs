//! What is fit to be taken.

use std::collections::BTreeMap;

use kernel::{ContentId, RequestId};
use schemas::engagement::View;

use crate::Error;

/// Code points that the words of a share may have.
pub const SHARE_TEXT_LENGTH_MAX: usize = 500;
/// Impressions in one batch.
pub const VIEWS_MAX: usize = 100;
/// Longest that one impression is taken to have lasted, in milliseconds: an hour.
pub const DWELL_MS_MAX: u32 = 60 * 60 * 1_000;
/// Highest place on a page.
pub const POSITION_MAX: u16 = 9_999;

/// The words of a share as they are kept.
pub(crate) fn share_text(raw: &str) -> Result<String, Error> {
    let text = raw.replace("\r\n", "\n").replace('\r', "\n");
    let text = text.trim();
    let is_fit = (1..=SHARE_TEXT_LENGTH_MAX).contains(&text.chars().count())
        && !text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\t'));
    if is_fit { Ok(text.to_owned()) } else { Err(Error::ShareText) }
}

/// An impression that was found fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Impression {
    pub position: Option<u16>,
    pub dwell_ms: u32,
}

/// Impressions in the order of their keys; of those that are there twice, the longer.
pub(crate) type Impressions = BTreeMap<(ContentId, String), Impression>;

pub(crate) fn impressions(views: Vec<View>) -> Result<Impressions, Error> {
    if !(1..=VIEWS_MAX).contains(&views.len()) {
        return Err(Error::Views("/views".to_owned()));
    }
    let mut found = Impressions::new();
    for (at, view) in views.into_iter().enumerate() {
        let View { content, request, position, dwell_ms } = view;
        if RequestId::parse(&request).is_none() {
            return Err(Error::Views(format!("/views/{at}/request")));
        }
        if position.is_some_and(|position| position > POSITION_MAX) {
            return Err(Error::Views(format!("/views/{at}/position")));
        }
        if dwell_ms > DWELL_MS_MAX {
            return Err(Error::Views(format!("/views/{at}/dwell_ms")));
        }
        let known = found.entry((content, request)).or_insert(Impression { position, dwell_ms });
        known.dwell_ms = known.dwell_ms.max(dwell_ms);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{ContentKind, Timestamp};

    fn view(ms: i64, request: &str, dwell_ms: u32) -> View {
        let content = ContentId::new(ContentKind::Reel, Timestamp::from_millis(ms));
        View { content, request: request.to_owned(), position: Some(POSITION_MAX), dwell_ms }
    }

    #[test]
    fn words_are_trimmed_and_bounded() {
        assert_eq!(share_text(" Look!\r\nTea. ").ok().as_deref(), Some("Look!\nTea."));
        assert!(share_text(&"é".repeat(SHARE_TEXT_LENGTH_MAX)).is_ok());
        for unfit in [&"é".repeat(SHARE_TEXT_LENGTH_MAX + 1), "", " \n ", "be\u{7}ll"] {
            assert!(matches!(share_text(unfit), Err(Error::ShareText)), "{unfit}");
        }
    }

    #[test]
    fn batches_end_at_their_limits() {
        let full: Vec<View> = (0..VIEWS_MAX as i64).map(|ms| view(ms, &"r".repeat(64), DWELL_MS_MAX)).collect();
        assert_eq!(impressions(full.clone()).map(|found| found.len()).ok(), Some(VIEWS_MAX));
        let over: Vec<View> = full.into_iter().chain([view(1_000, "r", 1)]).collect();
        let past_the_page = View { position: Some(POSITION_MAX + 1), ..view(1, "r", 1) };
        for (unfit, place) in [
            (vec![], "/views"),
            (over, "/views"),
            (vec![view(1, "", 1)], "/views/0/request"),
            (vec![view(1, "r", 1), view(2, &"r".repeat(65), 1)], "/views/1/request"),
            (vec![view(1, "a b", 1)], "/views/0/request"),
            (vec![view(1, "r", DWELL_MS_MAX + 1)], "/views/0/dwell_ms"),
            (vec![past_the_page], "/views/0/position"),
        ] {
            assert!(matches!(impressions(unfit), Err(Error::Views(at)) if at == place), "{place}");
        }
    }

    #[test]
    fn the_longer_of_two_counts() {
        let first = view(1, "r", 5);
        let again = View { dwell_ms: 9, ..first.clone() };
        let found = impressions(vec![first.clone(), again, first]).unwrap_or_default();
        assert_eq!(found.into_values().map(|it| it.dwell_ms).collect::<Vec<_>>(), [9]);
    }
}
