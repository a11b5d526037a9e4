//! What is published goes into timelines: many small publications at once, a long one a step at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use kernel::{Clock, ContentId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::costs::{Known, Meter};
use crate::metrics::METRICS;
use crate::model::{Entry, Source};
use crate::neighbours::{Followers, Graph};
use crate::policy::{Class, Reach};
use crate::routes::{Published, Routes};
use crate::timelines::{BATCH_MAX, Line, Timelines};
use crate::viewers::{Viewer, Viewers};

/// Followers that a long fan-out reads at once. It is some batches, so that reading the next of them takes no longer than
/// writing these.
pub const FOLLOWERS_PAGE: usize = 4 * BATCH_MAX;
/// Pages of followers that are looked at in a step of a long fan-out.
pub const PAGES_A_STEP: usize = 4;
/// From so many followers on, those who come daily are served before the others: fewer are served within a fraction of a second,
/// and to look for those first costs more than it gains.
pub const ACTIVE_FIRST_MIN: u64 = 20_000;
/// Every so many writes to a timeline, on average, it is looked whether it has grown too long.
pub const TRIM_EVERY: u64 = 128;

/// Something new, for the timelines of its author's followers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Publication {
    pub(crate) content: ContentId,
    pub(crate) author: UserId,
    pub(crate) posted_at: Timestamp,
}

/// Which followers a fan-out is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pass {
    /// All of them.
    #[default]
    Everybody,
    /// Those who come daily, first.
    Active,
    /// All others.
    Rest,
}

impl Pass {
    /// In which a fan-out to these begins.
    const fn first(followers: &Followers) -> Self {
        if followers.count >= ACTIVE_FIRST_MIN { Self::Active } else { Self::Everybody }
    }

    /// Whether a follower has a turn in this pass.
    ///
    /// Whoever came into a higher class since the publication may have been passed over by the first pass: the second one
    /// serves them too. Being served twice does no harm.
    fn serves(self, viewer: &Viewer, posted_at: Timestamp) -> bool {
        match self {
            Self::Everybody => true,
            Self::Active => viewer.class >= Class::ACTIVE,
            Self::Rest => viewer.class < Class::ACTIVE || viewer.since > posted_at,
        }
    }

    /// The lowest class of which it matters who is in it: everybody else is as if unknown.
    fn least(self, reach: Reach) -> Class {
        let pushed = Class::all().find(|class| reach.pushes_to(*class)).unwrap_or(Class::ACTIVE);
        match self {
            Self::Active => Class::ACTIVE.max(pushed),
            Self::Everybody | Self::Rest if pushed == Class::LOWEST => Class::ACTIVE,
            Self::Everybody | Self::Rest => pushed.min(Class::ACTIVE),
        }
    }

    /// What comes after this pass is through, when pushing goes to `reach`.
    fn next(self, reach: Reach) -> Option<Self> {
        let below = Class::all().filter(|class| *class < Class::ACTIVE);
        (self == Self::Active && below.into_iter().any(|class| reach.pushes_to(class))).then_some(Self::Rest)
    }
}

/// Where a fan-out goes on: after this follower, or from the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) pass: Pass,
    pub(crate) after: Option<UserId>,
}

/// What a page of followers gives to write, and its last follower if there may be more.
struct Step {
    lines: Vec<Line>,
    next: Option<UserId>,
}

pub(crate) struct FanOut {
    pub(crate) timelines: Arc<dyn Timelines>,
    pub(crate) graph: Arc<dyn Graph>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) viewers: Arc<Viewers>,
    pub(crate) costs: Known,
    pub(crate) meter: Meter,
    pub(crate) clock: Clock,
}

impl FanOut {
    /// The first step of each of `publications`, in few round trips for all of them: up to [`BATCH_MAX`] followers of each get
    /// it; of authors with [`ACTIVE_FIRST_MIN`], only those of them who come daily. Returns where each goes on that is not done.
    ///
    /// Who follows later, with an id that was passed already, gets it by the backfill: it was committed before this began.
    pub(crate) async fn begin(&self, publications: &[Publication]) -> Result<Vec<Option<Place>>, Error> {
        let now = self.clock.now();
        let mut authors: Vec<UserId> = publications.iter().map(|it| it.author).collect();
        authors.sort_unstable();
        authors.dedup();
        let followers = async { Ok::<_, Error>(self.graph.followers_of(&authors, BATCH_MAX).await?) };
        let crowd = async { Ok::<_, Error>(self.costs.now(&self.viewers, now).await?) };
        let sources = publications.iter().map(Publication::source).collect();
        let routes = async { Ok::<_, Error>(self.routes.lock(sources).await?) };
        let (followers, crowd, routes) = tokio::try_join!(followers, crowd, routes)?;
        let of = |author: UserId| followers.get(&author);
        let published = publications.iter().map(|it| Published {
            source: it.source(),
            followers: of(it.author).map_or(0, |followers| followers.count),
            at: it.posted_at,
        });
        let mut published: Vec<Published> = published.collect();
        published.sort_unstable_by_key(|it| it.at);
        let reaches = routes.published(&published, &crowd, now).await?;

        let known = self.known(publications, &reaches, &followers).await?;
        let (mut lines, mut places) = (Vec::new(), Vec::with_capacity(publications.len()));
        let mut order: Vec<usize> = (0..publications.len()).collect();
        // The short ones do not wait for the long ones.
        order.sort_by_key(|nth| of(publications[*nth].author).map_or(0, |followers| followers.first.len()));
        for publication in publications {
            let reach = reaches.get(&publication.source()).copied().unwrap_or(Reach::EVERYBODY);
            if reach == Reach::NOBODY {
                METRICS.pulled.inc();
            }
            let last = of(publication.author).filter(|it| is_long(it)).and_then(|it| it.first.last());
            let goes_on = last.filter(|_| reach != Reach::NOBODY);
            let pass = of(publication.author).map_or(Pass::Everybody, Pass::first);
            places.push(goes_on.map(|last| Place { pass, after: Some(*last) }));
        }
        for nth in order {
            let publication = &publications[nth];
            let reach = reaches.get(&publication.source()).copied().unwrap_or(Reach::EVERYBODY);
            let Some(followers) = of(publication.author).filter(|_| reach != Reach::NOBODY) else { continue };
            let pass = Pass::first(followers);
            let chosen = followers.first.iter().filter(|id| chosen(**id, pass, reach, &known, publication.posted_at));
            lines.extend(chosen.map(|viewer| publication.line(*viewer)));
        }
        self.write(&lines).await?;
        let done = publications.iter().zip(&places).filter(|(_, place)| place.is_none());
        done.for_each(|(publication, _)| self.visible(publication));
        Ok(places)
    }

    /// A further step of a long fan-out, and where it goes on after that. The next page of followers is read while those of
    /// the one before are written.
    pub(crate) async fn go_on(&self, publication: Publication, place: Place) -> Result<Option<Place>, Error> {
        let Source { author, kind } = publication.source();
        let reach = self.routes.reach(author, kind).await?;
        if reach == Reach::NOBODY {
            return Ok(None);
        }
        let (mut lines, mut at) = (Vec::new(), place);
        let mut page = self.page(&publication, at, reach).await?;
        for pages in 1..=PAGES_A_STEP {
            lines.append(&mut page.lines);
            let Some(next) = page.next else {
                self.write(&lines).await?;
                let next = at.pass.next(reach).map(|pass| Place { pass, after: None });
                if next.is_none() {
                    self.visible(&publication);
                }
                return Ok(next);
            };
            at.after = Some(next);
            if pages == PAGES_A_STEP {
                break;
            }
            // Whole batches: the remainder goes with the next page.
            let left = lines.split_off(lines.len() - lines.len() % BATCH_MAX);
            ((), page) = tokio::try_join!(self.write(&lines), self.page(&publication, at, reach))?;
            lines = left;
        }
        self.write(&lines).await?;
        Ok(Some(at))
    }

    /// The followers at a place, as far as they have a turn.
    async fn page(&self, publication: &Publication, place: Place, reach: Reach) -> Result<Step, Error> {
        let page = self.graph.followers(publication.author, place.after, FOLLOWERS_PAGE).await?;
        let next = if page.len() == FOLLOWERS_PAGE { page.last().copied() } else { None };
        let all = place.pass == Pass::Everybody && reach == Reach::EVERYBODY;
        let known = if all { HashMap::new() } else { self.viewers.of_all(&page, place.pass.least(reach)).await? };
        let chosen = page.into_iter().filter(|id| chosen(*id, place.pass, reach, &known, publication.posted_at));
        Ok(Step { lines: chosen.map(|viewer| publication.line(viewer)).collect(), next })
    }

    /// What is known of those followers of whom it matters. Whoever comes into a higher class after this was asked pulls what
    /// was published until then.
    async fn known(
        &self,
        publications: &[Publication],
        reaches: &HashMap<Source, Reach>,
        followers: &HashMap<UserId, Followers>,
    ) -> Result<HashMap<UserId, Viewer>, Error> {
        let (mut asked, mut least): (Vec<UserId>, Class) = (Vec::new(), Class::ACTIVE);
        for publication in publications {
            let Some(followers) = followers.get(&publication.author) else { continue };
            let reach = reaches.get(&publication.source()).copied().unwrap_or(Reach::EVERYBODY);
            let pass = Pass::first(followers);
            if reach != Reach::NOBODY && (pass, reach) != (Pass::Everybody, Reach::EVERYBODY) {
                asked.extend(&followers.first);
                least = least.min(pass.least(reach));
            }
        }
        asked.sort_unstable();
        asked.dedup();
        Ok(if asked.is_empty() { HashMap::new() } else { self.viewers.of_all(&asked, least).await? })
    }

    async fn write(&self, lines: &[Line]) -> Result<(), Error> {
        let writes = async {
            for lines in lines.chunks(BATCH_MAX) {
                let began = Instant::now();
                self.timelines.write(lines).await?;
                self.meter.measured(lines.len(), began.elapsed());
                METRICS.rows.inc_by(lines.len() as u64);
            }
            Ok::<_, Error>(())
        };
        let grown = lines.iter().filter(|line| is_due_for_trim(line.viewer, line.entry.id)).map(|line| line.viewer);
        let grown: Vec<UserId> = grown.collect();
        let trims = async {
            for grown in grown.chunks(BATCH_MAX) {
                self.timelines.trim(grown).await?;
            }
            Ok(())
        };
        // A timeline that is trimmed just before it grows is trimmed well enough.
        tokio::try_join!(writes, trims).map(drop)
    }

    fn visible(&self, publication: &Publication) {
        METRICS.visible_after.observe(self.clock.now().since(publication.posted_at).as_secs_f64());
    }
}

impl Publication {
    const fn source(&self) -> Source {
        Source { author: self.author, kind: self.content.kind() }
    }

    const fn line(&self, viewer: UserId) -> Line {
        Line { viewer, entry: Entry { id: self.content, author: self.author } }
    }
}

/// Whether an author may have more followers than these.
fn is_long(followers: &Followers) -> bool {
    followers.first.len() >= BATCH_MAX
}

fn chosen(id: UserId, pass: Pass, reach: Reach, known: &HashMap<UserId, Viewer>, posted_at: Timestamp) -> bool {
    if pass == Pass::Everybody && reach == Reach::EVERYBODY {
        return true;
    }
    let viewer = known.get(&id).unwrap_or(&Viewer::UNKNOWN);
    reach.pushes_to(viewer.class) && pass.serves(viewer, posted_at)
}

/// Chooses one viewer in [`TRIM_EVERY`], another set for each piece of content, the same set when a step is repeated.
fn is_due_for_trim(viewer: UserId, content: ContentId) -> bool {
    let mixed = (viewer.uuid().as_u128() ^ content.uuid().as_u128()) as u64;
    mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 & (TRIM_EVERY - 1) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::ContentKind;

    #[test]
    fn every_timeline_is_due_for_a_trim_now_and_then() {
        let post = |ms| ContentId::new(ContentKind::Post, Timestamp::from_millis(ms));
        let viewer = UserId::new(Timestamp::from_millis(7));
        let due = (0..12_800).filter(|ms| is_due_for_trim(viewer, post(*ms))).count();
        assert!((50..200).contains(&due), "{due} of 12,800");
        let post = post(9);
        assert_eq!(is_due_for_trim(viewer, post), is_due_for_trim(viewer, post));
    }

    #[test]
    fn both_passes_together_serve_everybody_whatever_class_they_come_into_meanwhile() {
        let at = Timestamp::from_millis;
        let posted_at = at(1_000);
        for first in Class::all() {
            for then in Class::all() {
                // As `Viewers` writes it: a rise counts from a little later on.
                let since = if then > first { at(2_000) } else { at(0) };
                let before = Viewer { class: first, worst: first, since: at(0) };
                let after = Viewer { class: then, worst: first.min(then), since };
                let served = Pass::Active.serves(&before, posted_at) || Pass::Rest.serves(&after, posted_at);
                assert!(served, "{first:?} and then {then:?}");
            }
        }
    }

    /// Of whom nothing is known is as who was never counted: that must not change who is served.
    #[test]
    fn nothing_has_to_be_known_of_those_below_the_least_class() {
        let posted_at = Timestamp::from_millis(1_000);
        for reach in (0..=4).map(Reach::from_number) {
            for pass in [Pass::Everybody, Pass::Active, Pass::Rest] {
                for class in Class::all().filter(|class| *class < pass.least(reach)) {
                    for since in [0, 2_000].map(Timestamp::from_millis) {
                        let id = UserId::new(posted_at);
                        let known = HashMap::from([(id, Viewer { class, worst: class, since })]);
                        let told = chosen(id, pass, reach, &known, posted_at);
                        let untold = chosen(id, pass, reach, &HashMap::new(), posted_at);
                        assert_eq!(told, untold, "{reach:?} {pass:?} {class:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn daily_viewers_come_first_from_twenty_thousand_followers_on() {
        let of = |count| Pass::first(&Followers { first: Vec::new(), count });
        assert_eq!((of(ACTIVE_FIRST_MIN - 1), of(ACTIVE_FIRST_MIN)), (Pass::Everybody, Pass::Active));
    }

    #[test]
    fn a_second_pass_is_needed_when_others_than_daily_viewers_are_reached() {
        assert_eq!(Pass::Active.next(Reach::EVERYBODY), Some(Pass::Rest));
        assert_eq!(Pass::Active.next(Reach::from_number(1)), Some(Pass::Rest));
        assert_eq!(Pass::Active.next(Reach::from_number(Class::ACTIVE.number())), None);
        assert_eq!(Pass::Rest.next(Reach::EVERYBODY), None);
        assert_eq!(Pass::Everybody.next(Reach::EVERYBODY), None);
    }
}
