//! How fast what is published reaches timelines, beside the store's batched writes of the same rows with nothing around them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use feed::timelines::{BATCH_MAX, Line};
use feed::{Distribution, EVENTS_AT_ONCE, Entry, Settings, Worker};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use kernel::{Clock, ContentId, ContentKind, EventId, UserId};
use postgres::outbox::{Consumer as _, Delivery};
use schemas::content::{Audience, ContentCreated};

use super::Failure;
use super::stage::Stage;

const ROUNDS: usize = 6;
/// Batches that a turn of the outbox reads, and has a consumer work on at once.
pub const BATCHES_A_TURN: usize = 4;
/// Publications of a round of small ones.
const SMALL: usize = BATCHES_A_TURN * EVENTS_AT_ONCE;
/// Followers of those whose publications are small.
const SMALL_FOLLOWERS: std::ops::Range<u32> = 1..200;

/// Rows a second.
pub struct Rates {
    pub worker: f64,
    pub bare: f64,
}

/// One publication of whoever has most followers.
pub async fn long(stage: &Stage) -> Result<Rates, Failure> {
    let author = (0..stage.people.len()).max_by_key(|at| stage.graph.followers[*at]).ok_or("there is nobody")?;
    compare(stage, &[author], 1).await
}

/// Many publications of people with few followers, as they come when much is going on; so many batches at once.
pub async fn small(stage: &Stage, at_once: usize) -> Result<Rates, Failure> {
    let few = |at: &usize| SMALL_FOLLOWERS.contains(&stage.graph.followers[*at]);
    let all: Vec<usize> = (0..stage.people.len()).filter(few).collect();
    let every = (all.len() / SMALL).max(1);
    let authors: Vec<usize> = all.into_iter().step_by(every).take(SMALL).collect();
    compare(stage, &authors, at_once).await
}

/// The two in turns, with as many rows and as many batches at once; not counted the first time, when connections are opened and
/// statements prepared.
async fn compare(stage: &Stage, authors: &[usize], at_once: usize) -> Result<Rates, Failure> {
    let followers = stage.followers_of(authors);
    let worker = stage.worker_with(&Settings { distribution: Distribution::Push, ..Settings::default() });
    // As a worker does when it begins.
    worker.recheck().await?;
    let (mut worked, mut written, mut rows) = (Duration::ZERO, Duration::ZERO, 0);
    for round in 0..=ROUNDS {
        if round == 1 {
            (worked, written, rows) = (Duration::ZERO, Duration::ZERO, 0);
        }
        let events: Vec<Delivery> =
            authors.iter().map(|author| published(stage.people[*author])).collect::<Result<_, _>>()?;
        let began = Instant::now();
        publish(&worker, &events, at_once).await?;
        worked += began.elapsed();

        let lines = |author: &usize| {
            let id = ContentId::new(ContentKind::Post, Clock::system().now());
            let entry = Entry { id, author: stage.people[*author] };
            followers[author].iter().map(move |viewer| Line { viewer: *viewer, entry })
        };
        let lines: Vec<Line> = authors.iter().flat_map(lines).collect();
        rows += lines.len();
        let began = Instant::now();
        let writes = lines.chunks(BATCH_MAX).map(|lines| stage.timelines.write(lines));
        stream::iter(writes).buffer_unordered(at_once).try_collect::<()>().await?;
        written += began.elapsed();
    }
    Ok(Rates { worker: rows as f64 / worked.as_secs_f64(), bare: rows as f64 / written.as_secs_f64() })
}

/// By the way that events take, up to the last row.
async fn publish(worker: &Arc<Worker>, events: &[Delivery], at_once: usize) -> Result<(), Failure> {
    let batches: Vec<Vec<&Delivery>> = events.chunks(EVENTS_AT_ONCE).map(|events| events.iter().collect()).collect();
    let consumed = batches.iter().map(|events| worker.consume_all(events));
    stream::iter(consumed).buffer_unordered(at_once).try_collect::<()>().await?;
    while worker.work_once().await? {}
    Ok(())
}

fn published(author: UserId) -> Result<Delivery, Failure> {
    let now = Clock::system().now();
    let content = ContentId::new(ContentKind::Post, now);
    let created = ContentCreated {
        content,
        kind: ContentKind::Post,
        author,
        audience: Audience::Public,
        mentions: Vec::new(),
        hashtags: Vec::new(),
        parent: None,
        root: None,
        created_at: now,
        expires_at: None,
    };
    Ok(Delivery {
        id: EventId::new(now),
        kind: "content.created".to_owned(),
        key: content.to_string(),
        payload: serde_json::to_value(created)?,
        trace: None,
        created_at: now,
        tries: 0,
    })
}
