//! Finding things, and showing those of them that the viewer may see.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use cursors::Signer;
use futures_util::future::try_join_all;
use index::{Engine, Filters, Kind, Place, Query};
use kernel::{Ctx, Cursor, Page, PageSize, RoomId, Timestamp, UserId};
use postgres::Db;
use schemas::search::{Completions, ContentFound, HashtagFound, Hit, MessageFound, PersonFound, TrendingHashtags};

use crate::Error;
use crate::cursor::{At, Position};
use crate::highlights::Needles;
use crate::legs::{Found, Legs, is_timeless};
use crate::metrics::METRICS;
use crate::model::{self, Asked, Beginning, MESSAGE, Order, Region, Wish};
use crate::neighbours::{Directory, Source, Thing};
use crate::trends::Trends;

/// Rounds of finding and loading for one page. A page that is not full after that goes on behind its cursor.
pub const ROUNDS_MAX: usize = 4;
/// Hits that are looked for beyond what a page needs, so that a few that are dropped cost no further round.
const SPARE: usize = 16;
/// Most completions at once.
pub const COMPLETIONS_MAX: usize = 20;
/// Who a document may be for, besides the members of a room. See [`index::Document::audience`].
const AUDIENCES: [&str; 3] = ["public", "followers", "close_friends"];
const SECRET: &str = "search.cursors";

const _: () = assert!(PageSize::MAX.get() + 1 + SPARE <= index::query::LIMIT_MAX);

pub struct Service {
    engine: Arc<dyn Engine>,
    sources: HashMap<Kind, Arc<dyn Source>>,
    directory: Arc<dyn Directory>,
    trends: Trends,
    signer: Signer,
}

impl Service {
    /// Takes its key for cursors from PostgreSQL, so that all nodes have the same.
    pub async fn start(
        db: Db,
        engine: Arc<dyn Engine>,
        sources: HashMap<Kind, Arc<dyn Source>>,
        directory: Arc<dyn Directory>,
    ) -> Result<Arc<Self>, Error> {
        let key = db.secret(SECRET, &rand::random::<[u8; 32]>()).await?;
        Ok(Arc::new(Self { engine, sources, directory, trends: Trends::new(db), signer: Signer::new(&key) }))
    }

    /// A page of what `asked` finds. Each round costs one query (two in a mixed search by relevance), and the round trips
    /// of the sources of the kinds that were found, all kinds at once.
    pub async fn search(
        &self,
        ctx: &Ctx,
        asked: Asked<'_>,
        tag: Option<&str>,
        cursor: Option<&Cursor>,
        size: PageSize,
    ) -> Result<Page<Hit>, Error> {
        let tag = tag.map(|tag| self.directory.hashtag(tag).ok_or(Error::NotAHashtag)).transpose()?;
        let wish = Wish::parse(Asked { tag, ..asked })?;
        let resumed = cursor.map(|cursor| self.signer.open::<Position>(ctx.user, &wish, cursor)).transpose()?;
        let now = resumed.as_ref().map_or(ctx.now, |position| position.now);
        let queries = self.queries(ctx.user, &wish, now).await?;
        let mut legs = match resumed {
            None => Legs::start(queries),
            Some(position) => Legs::resume(queries, position.legs).ok_or(Error::Cursor)?,
        };
        let needles = Needles::new(wish.text.as_deref());
        let mut shown: Vec<(Hit, Vec<At>)> = Vec::with_capacity(size.get() + SPARE);
        let mut rounds = 0;
        while shown.len() <= size.get() && !legs.ended() && rounds < ROUNDS_MAX {
            rounds += 1;
            let wanted = size.get() + 1 - shown.len() + SPARE;
            let found = legs.next(&self.engine, wanted).await?;
            let mut things = self.load(ctx.user, &found).await?;
            let before = shown.len();
            shown.extend(found.iter().filter_map(|found| {
                let thing = things.get_mut(&found.hit.kind)?.remove(&found.hit.id)?;
                Some((present(thing, &needles, wish.region)?, found.at.clone()))
            }));
            METRICS.dropped.inc_by((found.len() - (shown.len() - before)) as u64);
        }
        METRICS.rounds.observe(rounds as f64);
        let seal = |at: Vec<At>| self.signer.seal(ctx.user, &wish, &Position { now, legs: at });
        if shown.len() > size.get() {
            let page = Page::cut(shown, size, |(_, at)| seal(at.clone()));
            return Ok(page.map(|(hit, _)| hit));
        }
        // Not the end, unless nothing is left: the next page goes on where this one stopped looking.
        let next = (!legs.ended()).then(|| seal(legs.at()));
        Ok(Page { items: shown.into_iter().map(|(hit, _)| hit).collect(), next })
    }

    /// What a name that begins like this may be. The most relevant of those that may be seen.
    pub async fn complete(&self, ctx: &Ctx, q: &str, kinds: Option<&str>, limit: usize) -> Result<Completions, Error> {
        let Beginning { prefix, kinds } = Beginning::parse(q, kinds)?;
        let limit = limit.min(COMPLETIONS_MAX);
        let audiences = Some(AUDIENCES.map(str::to_owned).to_vec());
        let query = Query {
            prefix: Some(prefix),
            filters: Filters { audiences, ..Filters::default() },
            order: index::Order::Relevance { now: None },
            ..Query::new(kinds, limit)
        };
        let mut legs = Legs::start(vec![query]);
        let (needles, mut items, mut rounds) = (Needles::new(None), Vec::with_capacity(limit), 0);
        while items.len() < limit && !legs.ended() && rounds < ROUNDS_MAX {
            rounds += 1;
            let found = legs.next(&self.engine, limit - items.len() + SPARE).await?;
            let mut things = self.load(ctx.user, &found).await?;
            items.extend(found.iter().filter_map(|found| {
                let thing = things.get_mut(&found.hit.kind)?.remove(&found.hit.id)?;
                present(thing, &needles, None)
            }));
        }
        items.truncate(limit);
        Ok(Completions { items })
    }

    /// Hashtags that are used more than they used to be.
    pub async fn trending(&self, ctx: &Ctx, language: Option<&str>, limit: usize) -> Result<TrendingHashtags, Error> {
        let language = language.map(model::language).transpose()?;
        Ok(self.trends.hashtags(language, limit, ctx.now).await?)
    }

    /// What to ask of the engine: it narrows down, and what it finds is still asked of its source.
    async fn queries(&self, viewer: UserId, wish: &Wish, now: Timestamp) -> Result<Vec<Query>, Error> {
        let author = async {
            let Some(who) = &wish.author else { return Ok(None) };
            self.directory.person(viewer, who).await?.ok_or(Error::PersonNotFound).map(Some)
        };
        let audiences = self.audiences(viewer, wish);
        let (author, audiences) = tokio::try_join!(author, audiences)?;
        let query = |kinds: Vec<Kind>, now: Option<Timestamp>| Query {
            kinds,
            text: wish.text.clone(),
            filters: Filters {
                authors: author.map(|author| vec![author.uuid()]),
                tags: wish.tag.clone().map(|tag| vec![tag]),
                audiences: Some(audiences.clone()),
                languages: wish.language.map(|language| vec![language]),
                since: wish.since,
                until: wish.until,
            },
            area: wish.region.map(Region::area),
            order: match (wish.order, wish.region.and_then(Region::center)) {
                (Order::Nearest, Some(from)) => index::Order::Nearest { from },
                (Order::Relevance, _) => index::Order::Relevance { now },
                (Order::Newest | Order::Nearest, _) => index::Order::Newest,
            },
            ..Query::new(Vec::new(), 1)
        };
        let (timeless, timely): (Vec<Kind>, Vec<Kind>) = wish.kinds.iter().partition(|kind| is_timeless(**kind));
        Ok(match (wish.order, timeless.is_empty(), timely.is_empty()) {
            (Order::Relevance, false, false) => vec![query(timeless, None), query(timely, Some(now))],
            (Order::Relevance, false, true) => vec![query(timeless, None)],
            _ => vec![query(wish.kinds.clone(), Some(now))],
        })
    }

    /// Whose documents the viewer may be in the audience of.
    async fn audiences(&self, viewer: UserId, wish: &Wish) -> Result<Vec<String>, Error> {
        if !wish.kinds.contains(&MESSAGE) {
            return Ok(AUDIENCES.map(str::to_owned).to_vec());
        }
        let mut rooms: Vec<RoomId> = self.directory.rooms(viewer).await?;
        if let Some(room) = wish.room {
            rooms.retain(|other| *other == room);
            if rooms.is_empty() {
                return Err(Error::RoomNotFound);
            }
        }
        rooms.truncate(index::query::FILTER_VALUES_MAX - AUDIENCES.len());
        let rooms = rooms.into_iter().map(|room| format!("room:{}", room.uuid()));
        let open = AUDIENCES.into_iter().filter(|_| wish.room.is_none()).map(str::to_owned);
        Ok(open.chain(rooms).collect())
    }

    /// The things that were found, as far as their slices show them to the viewer. A kind without a source is not shown.
    async fn load(&self, viewer: UserId, found: &[Found]) -> Result<HashMap<Kind, HashMap<String, Thing>>, Error> {
        let mut ids: HashMap<Kind, HashSet<&String>> = HashMap::new();
        for found in found {
            ids.entry(found.hit.kind).or_default().insert(&found.hit.id);
        }
        let asked = ids.into_iter().filter_map(|(kind, ids)| {
            let source = self.sources.get(&kind)?;
            let ids: Vec<String> = ids.into_iter().cloned().collect();
            Some(async move { Ok::<_, Error>((kind, source.shown(viewer, &ids).await?)) })
        });
        Ok(try_join_all(asked).await?.into_iter().collect())
    }
}

/// A thing as a hit. `None` for what is not in `region` any more: the index is a moment behind.
fn present(thing: Thing, needles: &Needles, region: Option<Region>) -> Option<Hit> {
    let place = match &thing {
        Thing::Content(content) => content.place.as_ref(),
        _ => None,
    };
    let place = place.and_then(|place| Place::new(place.latitude, place.longitude).ok());
    if let Some(region) = region {
        place.filter(|place| region.area().contains(*place))?;
    }
    Some(match thing {
        Thing::Person(person) => Hit::Person(PersonFound { highlights: needles.find(&person.name), person }),
        Thing::Hashtag { tag, posts } => Hit::Hashtag(HashtagFound { tag, posts }),
        Thing::Content(content) => {
            let from = region.and_then(Region::center);
            let distance_m = from.zip(place).map(|(from, place)| index::geo::distance_m(from, place));
            Hit::Content(Box::new(ContentFound {
                highlights: needles.find(&content.text),
                content: *content,
                distance_m,
            }))
        }
        Thing::Message(message) => {
            Hit::Message(Box::new(MessageFound { highlights: needles.find(&message.text), message: *message }))
        }
    })
}
