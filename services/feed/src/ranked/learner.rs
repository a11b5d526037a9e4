//! Learns from what was served, once it is known what came of it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use kernel::{Clock, ContentKind, Timestamp, UserId};
use postgres::{Db, StoreResult, fault};
use rank::model::surprise;
use rank::{Actions, Example, Features, Model, Profile, Tally, features, hand};
use sqlx::PgConnection;
use sqlx::types::Json;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::log::METRICS;
use super::models::{JUDGED_MIN, Models, VERSIONS_KEPT};
use super::slates::sweep;

/// How long after it was served it is taken for known what came of an item.
pub const WAIT: Duration = Duration::from_secs(10 * 60);
/// Served items that are learned from in one transaction.
pub const BATCH_MAX: i64 = 5_000;
/// After this, what was shown counts half.
pub(super) const TALLY_HALF_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often it is looked for what can be learned, and for newer versions.
const EVERY: Duration = Duration::from_secs(60);
/// Examples over which surprise fades to half.
const JUDGED_HALF: f64 = 20_000.0;
/// Held while learning.
const LOCK: i64 = 0x6665_6564_6c72_6e72;

/// One served item, out of the log.
#[derive(sqlx::FromRow)]
struct Served {
    slate: Uuid,
    content: Uuid,
    kind: i16,
    author: UserId,
    viewer: UserId,
    place: i16,
    features: Vec<u8>,
    actions: i16,
    /// The lowest place of its order that was looked at or acted upon.
    deepest: Option<i16>,
    tags: Option<Vec<i64>>,
}

impl Served {
    /// Whether it can be told that the viewer had it before their eyes.
    fn was_seen(&self) -> bool {
        self.deepest.is_some_and(|deepest| self.place <= deepest)
    }

    fn actions(&self) -> Actions {
        Actions(u8::try_from(self.actions).unwrap_or(0))
    }
}

/// How well the learned and the hand-weighted model predict, fading.
#[derive(Debug, Clone, Copy, Default)]
struct Contest {
    learned: f64,
    hand: f64,
    judged: f64,
}

impl Contest {
    fn add(&mut self, learned: f64, by_hand: f64) {
        let left = (-1.0 / JUDGED_HALF).exp2();
        self.learned = self.learned * left + learned;
        self.hand = self.hand * left + by_hand;
        self.judged = self.judged * left + 1.0;
    }

    fn is_won(&self) -> bool {
        self.judged >= JUDGED_MIN && self.learned < self.hand
    }
}

pub struct Learner {
    db: Db,
    models: Arc<Models>,
}

impl Learner {
    #[must_use]
    pub fn new(db: Db, models: Arc<Models>) -> Arc<Self> {
        Arc::new(Self { db, models })
    }

    /// Learns and takes over newer versions until `stop`. Any number of processes may run it.
    pub async fn run(self: Arc<Self>, clock: Clock, stop: CancellationToken) {
        let mut tick = interval(EVERY);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            let done = async {
                while self.learn(clock.now()).await? == BATCH_MAX as usize {}
                self.models.refresh().await
            };
            if let Err(error) = done.await {
                tracing::warn!(%error, "the feed did not learn; it will try again");
            }
        }
    }

    /// Learns from one batch; how many rows of the log that took. None, while another process learns.
    pub async fn learn(&self, now: Timestamp) -> StoreResult<usize> {
        let mut tx = self.db.begin().await?;
        let mine: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)")
            .bind(LOCK)
            .fetch_one(&mut *tx)
            .await
            .map_err(fault)?;
        if !mine {
            return Ok(0);
        }
        sweep(&mut tx, now).await?;
        let served = due(&mut tx, now).await?;
        let seen: Vec<&Served> = served.iter().filter(|served| served.was_seen()).collect();
        if !seen.is_empty() {
            remember(&mut tx, &seen, now).await?;
            let (model, contest) = newest(&mut tx).await?;
            // A few thousand examples take a second: not on a thread that others wait for.
            let examples: Vec<Example> = seen.iter().filter_map(|served| example(served)).collect();
            let taught = tokio::task::spawn_blocking(move || teach(model, contest, &examples));
            let (bytes, contest, examples) = taught.await.map_err(kernel::StoreError::broken)?;
            keep(&mut tx, &bytes, examples, contest, now).await?;
            METRICS.examples.inc_by(seen.len() as u64);
        }
        forget(&mut tx, &served).await?;
        tx.commit().await.map_err(fault)?;
        Ok(served.len())
    }
}

fn example(served: &Served) -> Option<Example> {
    let features = Features::from_bytes(&served.features)?;
    Some(Example { features, place: usize::try_from(served.place).ok()?, actions: served.actions() })
}

fn teach(mut model: Model, mut contest: Contest, examples: &[Example]) -> (Vec<u8>, Contest, u64) {
    for example in examples {
        // Before it is learned, or it would be no prediction.
        let learned = model.predict_at(&example.features, example.place);
        let by_hand = hand::probabilities(&example.features.hand);
        contest.add(surprise(&learned, example.actions), surprise(&by_hand, example.actions));
        model.learn(example);
    }
    (model.to_bytes(), contest, model.examples())
}

async fn due(tx: &mut PgConnection, now: Timestamp) -> StoreResult<Vec<Served>> {
    sqlx::query_as(
        "SELECT s.slate, s.content, s.kind, s.author, s.viewer, s.place, s.features, s.actions, i.tags,
             (SELECT max(p.place) FROM feed_served p WHERE p.slate = s.slate AND (p.seen OR p.actions <> 0)) AS deepest
         FROM feed_served s LEFT JOIN feed_items i ON i.id = s.content
         WHERE s.at <= $1 ORDER BY s.at LIMIT $2",
    )
    .bind(now.minus(WAIT))
    .bind(BATCH_MAX)
    .fetch_all(tx)
    .await
    .map_err(fault)
}

/// Profiles of viewers, and tallies of content and authors.
async fn remember(tx: &mut PgConnection, seen: &[&Served], now: Timestamp) -> StoreResult<()> {
    let viewers: HashSet<UserId> = seen.iter().map(|served| served.viewer).collect();
    let viewers: Vec<UserId> = viewers.into_iter().collect();
    let known: Vec<(UserId, Json<Profile>)> =
        sqlx::query_as("SELECT viewer, profile FROM feed_profiles WHERE viewer = ANY($1)")
            .bind(&viewers)
            .fetch_all(&mut *tx)
            .await
            .map_err(fault)?;
    let mut profiles: BTreeMap<UserId, Profile> = known.into_iter().map(|(id, Json(profile))| (id, profile)).collect();
    let mut tallies = tallies(tx, seen, now).await?;
    for served in seen {
        let actions = served.actions();
        for id in [served.content, served.author.uuid()] {
            tallies.entry(id).or_default().add(actions, 1.0);
        }
        let tags: Vec<u64> = served.tags.iter().flatten().map(|tag| tag.cast_unsigned()).collect();
        if let Some(kind) = ContentKind::from_number(served.kind) {
            // What a viewer hid counts while the wish stands, which can be taken back: not here.
            let lasting = Actions(actions.0 & !Actions::default().with(rank::Action::Hide).0);
            profiles.entry(served.viewer).or_default().observe(served.author, &tags, kind, lasting, now);
        }
    }
    let (viewers, profiles): (Vec<UserId>, Vec<Json<Profile>>) =
        profiles.into_iter().map(|(id, it)| (id, Json(it))).unzip();
    sqlx::query(
        "INSERT INTO feed_profiles (viewer, profile) SELECT * FROM unnest($1::uuid[], $2::jsonb[])
         ON CONFLICT (viewer) DO UPDATE SET profile = excluded.profile",
    )
    .bind(viewers)
    .bind(profiles)
    .execute(&mut *tx)
    .await
    .map_err(fault)?;
    write_tallies(tx, &tallies, now).await
}

async fn tallies(tx: &mut PgConnection, seen: &[&Served], now: Timestamp) -> StoreResult<BTreeMap<Uuid, Tally>> {
    let ids: HashSet<Uuid> = seen.iter().flat_map(|served| [served.content, served.author.uuid()]).collect();
    let rows: Vec<(Uuid, f32, Vec<f32>, Timestamp)> =
        sqlx::query_as("SELECT id, shown, acted, at FROM feed_tallies WHERE id = ANY($1)")
            .bind(ids.into_iter().collect::<Vec<_>>())
            .fetch_all(tx)
            .await
            .map_err(fault)?;
    let tally = |(id, shown, acted, at): (Uuid, f32, Vec<f32>, Timestamp)| {
        let tally = Tally { shown, acted: acted.try_into().ok()? };
        Some((id, tally.faded(now.since(at), TALLY_HALF_LIFE)))
    };
    Ok(rows.into_iter().filter_map(tally).collect())
}

async fn write_tallies(tx: &mut PgConnection, tallies: &BTreeMap<Uuid, Tally>, now: Timestamp) -> StoreResult<()> {
    // Arrays of arrays must not be ragged, and these are not; sent as JSON, they need not be cut up again.
    let acted: Vec<Json<[f32; 6]>> = tallies.values().map(|tally| Json(tally.acted)).collect();
    sqlx::query(
        "INSERT INTO feed_tallies (id, shown, acted, at)
         SELECT t.id, t.shown, ARRAY(SELECT jsonb_array_elements_text(t.acted)::real), $4
         FROM unnest($1::uuid[], $2::real[], $3::jsonb[]) AS t (id, shown, acted)
         ON CONFLICT (id) DO UPDATE SET shown = excluded.shown, acted = excluded.acted, at = excluded.at",
    )
    .bind(tallies.keys().copied().collect::<Vec<_>>())
    .bind(tallies.values().map(|tally| tally.shown).collect::<Vec<_>>())
    .bind(acted)
    .bind(now)
    .execute(tx)
    .await
    .map_err(fault)?;
    Ok(())
}

/// The newest version that was learned from the present features; an untaught one, when there is none.
async fn newest(tx: &mut PgConnection) -> StoreResult<(Model, Contest)> {
    let row: Option<(Vec<u8>, f64, f64, f64)> = sqlx::query_as(
        "SELECT model, surprise, hand_surprise, judged FROM feed_models WHERE schema = $1 ORDER BY version DESC LIMIT 1",
    )
    .bind(features::schema().cast_signed())
    .fetch_optional(tx)
    .await
    .map_err(fault)?;
    let Some((bytes, learned, by_hand, judged)) = row else { return Ok(Default::default()) };
    match Model::from_bytes(&bytes) {
        Ok(model) => Ok((model, Contest { learned, hand: by_hand, judged })),
        Err(error) => {
            tracing::error!(%error, "the newest model cannot be read; learning begins anew");
            Ok(Default::default())
        }
    }
}

async fn keep(tx: &mut PgConnection, model: &[u8], examples: u64, contest: Contest, now: Timestamp) -> StoreResult<()> {
    let version: i64 = sqlx::query_scalar(
        "INSERT INTO feed_models (schema, model, examples, surprise, hand_surprise, judged, serves, made_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING version",
    )
    .bind(features::schema().cast_signed())
    .bind(model)
    .bind(examples.cast_signed())
    .bind(contest.learned)
    .bind(contest.hand)
    .bind(contest.judged)
    .bind(contest.is_won())
    .bind(now)
    .fetch_one(&mut *tx)
    .await
    .map_err(fault)?;
    sqlx::query("DELETE FROM feed_models WHERE version <= $1")
        .bind(version - VERSIONS_KEPT)
        .execute(tx)
        .await
        .map_err(fault)?;
    Ok(())
}

async fn forget(tx: &mut PgConnection, served: &[Served]) -> StoreResult<()> {
    let (slates, contents): (Vec<Uuid>, Vec<Uuid>) = served.iter().map(|it| (it.slate, it.content)).unzip();
    sqlx::query(
        "DELETE FROM feed_served s USING unnest($1::uuid[], $2::uuid[]) AS t (slate, content)
         WHERE s.slate = t.slate AND s.content = t.content",
    )
    .bind(slates)
    .bind(contents)
    .execute(tx)
    .await
    .map_err(fault)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_serves_once_it_has_won_over_enough_examples() {
        let mut contest = Contest::default();
        let mut judged = 0;
        while !contest.is_won() {
            contest.add(0.9, 1.0);
            judged += 1;
        }
        assert!((1_000..1_100).contains(&judged), "{judged}");
        for _ in 0..10_000 {
            contest.add(1.1, 1.0);
        }
        assert!(!contest.is_won(), "and stops when it gets worse");
    }
}
