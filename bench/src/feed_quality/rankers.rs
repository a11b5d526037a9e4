//! What is compared: the orders that others would put the same candidates into.

use kernel::ContentKind;
use rank::{Action, Candidate, Features, Model, Scorer, Viewer, values};

/// A way to rank. Each sees the same candidates and the same counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ranker {
    Random,
    Chronological,
    Popularity,
    HackerNews,
    RedditHot,
    LemmyScaled,
    EdgeRank,
    Hand,
    Learned,
    /// The learned order, mixed into a page as it is served.
    Served,
    Oracle,
}

impl Ranker {
    pub const BASELINES: [Self; 8] = [
        Self::Random,
        Self::Chronological,
        Self::Popularity,
        Self::HackerNews,
        Self::RedditHot,
        Self::LemmyScaled,
        Self::EdgeRank,
        Self::Hand,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Chronological => "chronological",
            Self::Popularity => "popularity",
            Self::HackerNews => "Hacker News",
            Self::RedditHot => "Reddit hot",
            Self::LemmyScaled => "Lemmy scaled",
            Self::EdgeRank => "EdgeRank",
            Self::Hand => "hand-weighted",
            Self::Learned => "learned",
            Self::Served => "learned, as served",
            Self::Oracle => "oracle",
        }
    }
}

/// The score that `ranker` gives a candidate. The learned order as served and the oracle are not scores of a candidate alone.
pub fn score(ranker: Ranker, viewer: &Viewer<'_>, it: &Candidate, model: &Model, chance: f32) -> f64 {
    let hours = viewer.now.since(it.created_at).as_secs_f64() / 3600.0;
    let acted = |action: Action| f64::from(it.item.acted[action.index()]);
    let points = acted(Action::React) + acted(Action::Comment) + acted(Action::Share) + acted(Action::Save);
    match ranker {
        Ranker::Random | Ranker::Served | Ranker::Oracle => f64::from(chance),
        Ranker::Chronological => -hours,
        // Ties, of which there are many, by what is newer.
        Ranker::Popularity => points - hours / 1e6,
        Ranker::HackerNews => (points + 1e-3 / (hours + 2.0)) / (hours + 2.0).powf(1.8),
        Ranker::RedditHot => points.max(1.0).log10() - hours * 3600.0 / 45_000.0,
        Ranker::LemmyScaled => {
            let of_author = f64::from(it.author_tally.acted.iter().sum::<f32>());
            (points + 2.0).log10() / (hours + 2.0).powf(1.8) / (2.0 + of_author).log10()
        }
        Ranker::EdgeRank => {
            let affinity = f64::from(viewer.profile.author(it.author).exp()) * if it.followed { 2.0 } else { 1.0 };
            let weight = match it.id.kind() {
                ContentKind::Reel | ContentKind::Livestream => 1.2,
                ContentKind::Listing => 0.8,
                _ => 1.0,
            };
            affinity * weight / (1.0 + hours)
        }
        Ranker::Hand | Ranker::Learned => {
            let features = Features::of(viewer, it);
            let scorer = if ranker == Ranker::Hand { Scorer::Hand } else { Scorer::Learned(model) };
            f64::from(values::value(it.id.kind(), &scorer.predict(&features)))
        }
    }
}
