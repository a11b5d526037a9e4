//! Writing: many small writes in one request, and what became of each.
//!
//! | answer | to one item | to all of them |
//! |---|---|---|
//! | 2xx; 404 for a deletion | applied | – |
//! | 409 | stale, which is fine | – |
//! | 429, 5xx, a blocked index | again, after a while | again, after a while, in halves |
//! | 413 | – | in halves; an item alone is refused |
//! | 400 | refused | in halves, until the culprit is alone and refused |
//! | 404, no such index | [`EngineError::NoGeneration`] | – |

use std::time::Duration;

use bytes::BytesMut;
use opensearch::BulkOperation;
use opensearch::http::request::Body as _;
use opensearch::params::VersionType;
use serde::Deserialize;
use tokio::time::sleep;

use super::client::{Answer, Ask, CLUSTER_BLOCK, Client, NO_INDEX, Said};
use super::schema::Source;
use crate::engine::{EngineError, Item, Reason, Write};

/// About how much one request carries, in bytes: OpenSearch does best with a few megabytes.
pub(super) const REQUEST_BYTES: usize = 4 * 1024 * 1024;
/// Most items of one request.
pub(super) const REQUEST_ITEMS_MAX: usize = 2_000;
/// Longest wait for a request's answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How often, and how slowly, a request is sent again that was not taken.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The first wait; each further one is twice as long …
    pub first: Duration,
    /// … up to this one. Between a half and the whole of it, by chance, so that two writers do not come back together.
    pub longest: Duration,
    /// Most tries in a row of which nothing was taken.
    pub tries_max: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self { first: Duration::from_millis(100), longest: Duration::from_secs(5), tries_max: 8 }
    }
}

/// One item, ready to be sent.
pub(super) struct Line {
    /// Which of the caller's items.
    pub item: usize,
    delete: bool,
    bytes: Vec<u8>,
}

impl Line {
    pub fn of(number: usize, item: &Item, alias: String) -> Result<Self, EngineError> {
        let mut bytes = BytesMut::new();
        let version = i64::try_from(item.version).map_err(EngineError::broken)?;
        let operation: BulkOperation<Source<'_>> = match &item.write {
            Write::Put(document) => BulkOperation::index(Source::of(item.kind, document))
                .id(document.id.as_str())
                .index(alias)
                .version(version)
                .version_type(VersionType::ExternalGte)
                .into(),
            Write::Delete(id) => BulkOperation::delete(id.as_str())
                .index(alias)
                .version(version)
                .version_type(VersionType::ExternalGte)
                .into(),
        };
        operation.write(&mut bytes).map_err(EngineError::broken)?;
        Ok(Self { item: number, delete: matches!(item.write, Write::Delete(_)), bytes: bytes.into() })
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// What became of lines, by the numbers of their items.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub stale: usize,
    pub refused: Vec<(usize, Reason)>,
    /// Items whose index is not there.
    pub homeless: Option<usize>,
}

/// Sends lines until each is taken or refused, or patience has run out.
pub(super) async fn deliver(client: &Client, lines: Vec<Line>, patience: Patience) -> Result<Outcome, EngineError> {
    let mut outcome = Outcome::default();
    let mut open = vec![lines];
    let mut failed = 0;
    while let Some(mut group) = open.pop() {
        let verdict = match send(client, &group).await {
            Ok(answer) => judge(&answer, &group)?,
            // It may have been written: writing it again is harmless.
            Err(error) => Verdict::Later { why: error, halve: false },
        };
        match verdict {
            Verdict::Items(items) => {
                let taken = items.iter().any(|item| !matches!(item, Fate::Again(_)));
                let mut why = None;
                let mut fates = items.into_iter();
                group.retain(|line| match fates.next() {
                    Some(Fate::Again(said)) => {
                        why = Some(said);
                        true
                    }
                    Some(Fate::Stale) => {
                        outcome.stale += 1;
                        false
                    }
                    Some(Fate::Refused(said)) => {
                        outcome.refused.push((line.item, Reason::Engine(said.text())));
                        false
                    }
                    Some(Fate::Homeless) => {
                        outcome.homeless = Some(line.item);
                        false
                    }
                    Some(Fate::Applied) | None => false,
                });
                if let Some(said) = why {
                    failed = if taken { 1 } else { failed + 1 };
                    wait(patience, failed, || EngineError::Busy(said.text().into())).await?;
                    open.push(group);
                } else {
                    failed = 0;
                }
            }
            Verdict::Later { why, halve } => {
                failed += 1;
                tracing::debug!(%why, items = group.len(), failed, "OpenSearch did not take a bulk");
                wait(patience, failed, || why).await?;
                if halve {
                    halves(group, &mut open);
                } else {
                    open.push(group);
                }
            }
            Verdict::Wrong(said) => match group.as_slice() {
                [line] => outcome.refused.push((line.item, Reason::Engine(said))),
                _ => halves(group, &mut open),
            },
        }
    }
    Ok(outcome)
}

/// The first half on top: what was given first is sent first.
fn halves(mut group: Vec<Line>, open: &mut Vec<Vec<Line>>) {
    let second = group.split_off(group.len().div_ceil(2));
    if !second.is_empty() {
        open.push(second);
    }
    open.push(group);
}

async fn wait(patience: Patience, failed: u32, why: impl FnOnce() -> EngineError) -> Result<(), EngineError> {
    if failed >= patience.tries_max {
        return Err(why());
    }
    let whole = patience.first.saturating_mul(2_u32.saturating_pow(failed - 1)).min(patience.longest);
    sleep(whole.mul_f64(0.5 + rand::random::<f64>() / 2.0)).await;
    Ok(())
}

async fn send(client: &Client, lines: &[Line]) -> Result<Answer, EngineError> {
    let mut body = Vec::with_capacity(lines.iter().map(Line::len).sum());
    for line in lines {
        body.extend_from_slice(&line.bytes);
    }
    let query = [("require_alias", "true"), ("filter_path", "errors,items.*.status,items.*.error")];
    client.send(&Ask::post("/_bulk").query(&query).lines(body).within(ANSWER_WITHIN)).await
}

/// What an answer means for the request.
enum Verdict {
    /// One for each line.
    Items(Vec<Fate>),
    /// Nothing is known to be taken; the same may be.
    Later { why: EngineError, halve: bool },
    /// Nothing was taken, and the same never will be.
    Wrong(String),
}

/// What an answer means for one item.
enum Fate {
    Applied,
    Stale,
    Again(Said),
    Refused(Said),
    Homeless,
}

#[derive(Deserialize)]
struct Body {
    items: Vec<Done>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Done {
    Index(One),
    Delete(One),
}

#[derive(Deserialize)]
struct One {
    status: u16,
    error: Option<Said>,
}

fn judge(answer: &Answer, lines: &[Line]) -> Result<Verdict, EngineError> {
    match answer.status {
        200..=299 => {
            let body: Body = answer.parse()?;
            if body.items.len() != lines.len() {
                let counts = format!("{} answers to {} writes", body.items.len(), lines.len());
                return Err(EngineError::broken(counts));
            }
            Ok(Verdict::Items(body.items.into_iter().zip(lines).map(|(item, line)| fate(item, line.delete)).collect()))
        }
        413 => Ok(Verdict::Wrong(format!("too large for OpenSearch: {}", answer.text()))),
        // Too much for its memory at once, perhaps.
        429 => Ok(Verdict::Later { why: answer.error(), halve: true }),
        400 => Ok(Verdict::Wrong(answer.text())),
        500.. => Ok(Verdict::Later { why: answer.error(), halve: false }),
        _ if answer.says(CLUSTER_BLOCK) => Ok(Verdict::Later { why: answer.error(), halve: false }),
        // Not let in, or no OpenSearch: no matter which item.
        _ => Err(answer.error()),
    }
}

fn fate(item: Done, delete: bool) -> Fate {
    let (Done::Index(result) | Done::Delete(result)) = item;
    match (result.status, result.error) {
        (200..=299, _) => Fate::Applied,
        // There was nothing to delete; that it is deleted is remembered all the same.
        (404, None) if delete => Fate::Applied,
        (409, _) => Fate::Stale,
        (_, Some(said)) if said.name == NO_INDEX => Fate::Homeless,
        (status, said) => {
            let said = said.unwrap_or_else(|| Said { name: format!("status {status}"), reason: None, caused_by: None });
            if status == 429 || status >= 500 || said.name == CLUSTER_BLOCK {
                Fate::Again(said)
            } else {
                Fate::Refused(said)
            }
        }
    }
}
