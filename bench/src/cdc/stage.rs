//! A database of posts, and an index to write them into.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use index::engine::opensearch::OpenSearch;
use index::engine::tantivy::{Settings, Tantivy};
use index::pipeline::{CONSUMER, Mappings, Pipeline};
use kernel::{Clock, ContentKind, Secret};
use postgres::Db;
use sqlx::postgres::PgConnectOptions;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{Engine, Error};
use crate::database::Database;
use crate::texts::{Dice, prose};

const PATIENCE: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(2);
/// How many words a post has, at least, and how many more at most.
const WORDS_MIN: u64 = 8;
const WORDS_MORE: u64 = 40;

pub struct Stage {
    pub db: Db,
    pub engine: Arc<dyn index::Engine>,
    pub options: PgConnectOptions,
    name: &'static str,
    database: Database,
    _folder: tempfile::TempDir,
}

/// What the post of that number says, and the document that is written bare.
pub fn text(number: u32) -> String {
    let mut dice = Dice::new(u64::from(number));
    let words = WORDS_MIN + dice.below(WORDS_MORE);
    prose(&mut dice, words)
}

/// Plaza's pipeline at work.
pub struct Following {
    task: JoinHandle<Result<(), cdc::Error>>,
    stop: CancellationToken,
}

impl Stage {
    pub async fn open(engine: Engine) -> Result<Self, Error> {
        let database = Database::create().await?;
        let settings = postgres::Settings {
            url: Some(Secret::new(database.url())),
            statement_ms_max: PATIENCE.as_millis() as u64,
            ..postgres::Settings::default()
        };
        let db = Db::connect(&settings).await?;
        db.migrate().await?;
        let folder = tempfile::tempdir()?;
        let (engine, name): (Arc<dyn index::Engine>, _) = match engine {
            Engine::Tantivy => {
                let settings = Settings { folder: folder.path().join("search"), ..Settings::default() };
                (Arc::new(Tantivy::open(settings, Clock::system())?), "tantivy")
            }
            Engine::Opensearch => {
                let url = Some(Secret::new(given("PLAZA_TEST_OPENSEARCH_URL")?));
                let prefix = format!("{}-", database.name().replace('_', "-"));
                let settings = index::engine::opensearch::Settings { url, prefix };
                (Arc::new(OpenSearch::new(&settings)?), "opensearch")
            }
        };
        let options = PgConnectOptions::from_str(&database.url())?;
        Ok(Self { db, engine, options, name, database, _folder: folder })
    }

    /// Starts Plaza's pipeline, and waits until it has built what there is.
    pub async fn follow(&self) -> Result<Following, Error> {
        let mappings = Mappings::new(vec![Arc::new(content::documents::Contents(ContentKind::Post))]);
        let (engine, clock) = (self.engine.clone(), Clock::system());
        let spec = cdc::Spec::new(CONSUMER, mappings.tables());
        let pipeline = Pipeline::new(self.db.clone(), engine, self.name, mappings, clock.clone());
        let parts = cdc::Parts { db: self.db.clone(), settings: cdc::Settings::default(), clock };
        let stop = CancellationToken::new();
        let task = tokio::spawn(cdc::run(Box::new(pipeline), spec, parts, stop.clone()));
        let give_up = Instant::now() + PATIENCE;
        while index::pipeline::state(&self.db, CONSUMER).await?.is_none_or(|state| !state.is_built()) {
            if Instant::now() > give_up {
                return Err("the index was not built".into());
            }
            sleep(POLL).await;
        }
        Ok(Following { task, stop })
    }

    /// Changes that many rows, in transactions of a thousand.
    pub async fn change(&self, rows: u32) -> Result<(), Error> {
        for first in (0..rows).step_by(1_000) {
            let last = rows.min(first + 1_000);
            let numbers: Vec<i64> = (first..last).map(i64::from).collect();
            let texts: Vec<String> = (first..last).map(text).collect();
            sqlx::query(
                "INSERT INTO contents (id, kind, author, audience, text, mentions, hashtags, created_at)
                 SELECT gen_random_uuid(), 1, md5((n % 1000)::text)::uuid, 'public', text, '[]', '[]', now()
                 FROM unnest($1::bigint[], $2::text[]) AS row (n, text)",
            )
            .bind(numbers)
            .bind(texts)
            .execute(self.db.pool())
            .await?;
        }
        Ok(())
    }

    /// Where the log ends now.
    pub async fn log_end(&self) -> Result<cdc::Lsn, Error> {
        let lsn: String =
            sqlx::query_scalar("SELECT pg_current_wal_insert_lsn()::text").fetch_one(self.db.pool()).await?;
        Ok(lsn.parse()?)
    }

    /// Waits until everything that is committed now can be found.
    pub async fn caught_up(&self) -> Result<(), Error> {
        Ok(index::pipeline::catch_up(&self.db, PATIENCE).await?)
    }

    /// Drops what was made.
    pub async fn close(self) {
        for kind in [content::documents::Contents(ContentKind::Post)].iter().map(index::pipeline::Mapping::kind) {
            for generation in self.engine.generations(kind).await.unwrap_or_default() {
                // The live one stays where it is until its folder or server goes.
                drop(self.engine.drop_generation(kind, generation).await);
            }
        }
        self.db.close().await;
        if let Err(error) = self.database.drop().await {
            eprintln!("the benchmark's database stays: {error}");
        }
    }
}

impl Following {
    pub async fn stop(self) -> Result<(), Error> {
        self.stop.cancel();
        Ok(self.task.await??)
    }
}

/// What this process has used of the processors, user and system.
pub fn cpu() -> Result<Duration, Error> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name in parentheses may hold spaces: count fields from behind it.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let per_second = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_micros((ticks(11) + ticks(12)) * 1_000_000 / per_second))
}

fn given(variable: &'static str) -> Result<String, Error> {
    std::env::var(variable).map_err(|_| format!("{variable} is not set").into())
}
