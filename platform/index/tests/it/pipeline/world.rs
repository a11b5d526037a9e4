//! Notes with tags, an index of them, and the stream in between.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use index::engine::tantivy::{Settings, Tantivy};
use index::pipeline::{self, CONSUMER, Found, Mapping, Mappings, Pipeline, Report, State};
use index::{Document, Engine, Kind, Query};
use kernel::{Clock, Secret, StoreError, Timestamp};
use postgres::{Db, StoreResult, fault};
use sqlx::PgConnection;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const NOTE: Kind = Kind::new("note");
pub const PATIENCE: Duration = Duration::from_secs(240);
/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// A note with this text cannot be read.
pub const POISON: &str = "poison";

const TABLES: &str = "
    CREATE TABLE notes (id uuid PRIMARY KEY, text text NOT NULL, colour text NOT NULL DEFAULT '', hidden boolean NOT NULL DEFAULT false);
    CREATE TABLE note_tags (note uuid NOT NULL, tag text NOT NULL, PRIMARY KEY (note, tag));";

/// A document out of two tables.
pub struct Notes {
    pub revision: u32,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    text: String,
    colour: String,
    tags: Vec<String>,
}

impl TryFrom<Row> for Document {
    type Error = StoreError;

    fn try_from(row: Row) -> StoreResult<Self> {
        if row.text == POISON {
            return Err(StoreError::broken("it is poison"));
        }
        Ok(Self {
            id: row.id.to_string(),
            names: vec![row.colour],
            text: row.text,
            language: None,
            tags: row.tags,
            author: None,
            audience: "public".to_owned(),
            place: None,
            popularity: 0.0,
            created_at: Timestamp::from_millis(0),
        })
    }
}

const COLUMNS: &str = "SELECT id, text, colour,
    ARRAY(SELECT tag FROM note_tags WHERE note = id ORDER BY tag COLLATE \"C\") AS tags FROM notes WHERE NOT hidden";

#[async_trait]
impl Mapping for Notes {
    fn kind(&self) -> Kind {
        NOTE
    }

    fn revision(&self) -> u32 {
        self.revision
    }

    fn tables(&self) -> &'static [&'static str] {
        &["notes", "note_tags"]
    }

    fn touched(&self, change: &cdc::Change) -> Vec<String> {
        let column = if change.table() == "notes" { "id" } else { "note" };
        change.texts(column).into_iter().map(str::to_owned).collect()
    }

    async fn load(&self, at: &mut PgConnection, ids: &[String]) -> StoreResult<Vec<Document>> {
        let ids: Vec<Uuid> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        let sql = sqlx::AssertSqlSafe(format!("{COLUMNS} AND id = ANY($1)"));
        let rows: Vec<Row> = sqlx::query_as(sql).bind(ids).persistent(false).fetch_all(at).await.map_err(fault)?;
        rows.into_iter().map(Document::try_from).collect()
    }

    async fn scan(&self, at: &mut PgConnection, after: Option<&str>, limit: i64) -> StoreResult<Vec<Document>> {
        let after: Uuid = after.map_or(Uuid::nil(), |id| id.parse().unwrap());
        let sql = sqlx::AssertSqlSafe(format!("{COLUMNS} AND id > $1 ORDER BY id LIMIT $2"));
        let rows: Vec<Row> =
            sqlx::query_as(sql).bind(after).bind(limit).persistent(false).fetch_all(at).await.map_err(fault)?;
        rows.into_iter().map(Document::try_from).collect()
    }
}

pub struct World {
    pub db: Db,
    pub engine: Arc<dyn Engine>,
    folder: tempfile::TempDir,
    pub mappings: Mappings,
    running: Option<(JoinHandle<Result<(), cdc::Error>>, CancellationToken)>,
}

impl World {
    pub async fn new() -> Self {
        let url = Secret::new(postgres::testing::fresh_url().await);
        let settings = postgres::Settings {
            url: Some(url),
            connections_max: 8,
            acquire_ms_max: 60_000,
            statement_ms_max: 120_000,
            ..postgres::Settings::default()
        };
        let db = Db::connect(&settings).await.unwrap();
        sqlx::raw_sql(TABLES).execute(db.pool()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let engine = tantivy(&folder);
        let mappings = Mappings::new(vec![Arc::new(Notes { revision: 1 })]);
        Self { db, engine, folder, mappings, running: None }
    }

    pub fn pipeline(&self) -> Pipeline {
        Pipeline::new(self.db.clone(), self.engine.clone(), "tantivy", self.mappings.clone(), Clock::system())
    }

    pub fn start(&mut self) {
        let settings = cdc::Settings { heartbeat_s: 1, lost_again_minutes: 0, ..cdc::Settings::default() };
        let parts = cdc::Parts { db: self.db.clone(), settings, clock: Clock::system() };
        let stop = CancellationToken::new();
        let run = cdc::run(Box::new(self.pipeline()), self.spec(), parts, stop.clone());
        self.running = Some((tokio::spawn(run), stop));
    }

    fn spec(&self) -> cdc::Spec {
        cdc::Spec::new(CONSUMER, self.mappings.tables())
    }

    /// Drops the slot, which the server holds for a moment after its reader has gone.
    pub async fn drop_slot(&self) {
        let slot = cdc::slot::name(&self.db, &self.spec()).await.unwrap();
        cdc::slot::give_up(&self.db, &slot).await.unwrap();
        assert_eq!(cdc::slot::look(&self.db, &slot).await.unwrap(), None);
    }

    /// In good order.
    pub async fn stop(&mut self) {
        if let Some((task, stop)) = self.running.take() {
            stop.cancel();
            task.await.unwrap().unwrap();
        }
    }

    /// As if the process were killed: what is not committed is gone.
    pub async fn kill(&mut self) {
        let (task, _) = self.running.take().expect("it runs");
        task.abort();
        drop(task.await);
        self.reopen(false).await;
    }

    /// Opens the index again, as another process; `emptied`: which finds nothing there.
    pub async fn reopen(&mut self, emptied: bool) {
        // The lock goes with the last who hold the old one.
        let nowhere = tempfile::tempdir().unwrap();
        self.engine = tantivy(&nowhere);
        if emptied {
            self.folder = tempfile::tempdir().unwrap();
        }
        let settings = Settings { folder: self.folder.path().join("search"), ..Settings::default() };
        let open = || async { Tantivy::open(settings.clone(), Clock::system()).ok() };
        self.engine = Arc::new(eventually(open).await);
    }

    pub async fn state(&self) -> Option<State> {
        pipeline::state(&self.db, CONSUMER).await.unwrap()
    }

    /// Waits until the kind is searched in a generation after `generation`, and nothing is being built.
    pub async fn built_after(&self, generation: u32) -> u32 {
        eventually(|| async {
            let state = self.state().await?;
            let kind = state.of(NOTE)?;
            let live = kind.live.filter(|live| live.generation > generation && live.revision > 0)?;
            kind.build.is_none().then_some(live.generation)
        })
        .await
    }

    pub async fn report(&self) -> Report {
        let mapping = self.mappings.of(NOTE).unwrap();
        pipeline::verify(&self.db, &*self.engine, mapping, PATIENCE).await.unwrap()
    }

    /// Asserts that tables and index agree, and returns how many documents there are.
    pub async fn agrees(&self) -> u64 {
        let report = self.report().await;
        assert!(report.is_fine(), "{report:?}");
        assert_eq!(report.in_tables, report.in_index);
        report.in_tables
    }

    pub async fn differs(&self) -> Vec<(String, Found)> {
        self.report().await.differences.into_iter().map(|one| (one.id, one.found)).collect()
    }

    pub async fn run(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(self.db.pool()).await.unwrap();
    }

    pub async fn note(&self, text: &str) -> String {
        let id = Uuid::now_v7();
        let insert = sqlx::query("INSERT INTO notes (id, text) VALUES ($1, $2)").bind(id).bind(text);
        insert.execute(self.db.pool()).await.unwrap();
        id.to_string()
    }

    /// Ids of what is found by a word, now.
    pub async fn found(&self, word: &str) -> Vec<String> {
        let query = Query { text: Some(word.to_owned()), ..Query::new([NOTE], 100) };
        self.engine.search(&query).await.unwrap().hits.into_iter().map(|hit| hit.id).collect()
    }
}

fn tantivy(folder: &tempfile::TempDir) -> Arc<dyn Engine> {
    let settings = Settings { folder: folder.path().join("search"), ..Settings::default() };
    Arc::new(Tantivy::open(settings, Clock::system()).unwrap())
}

/// Waits until there is something.
pub async fn eventually<T, F: Future<Output = Option<T>>>(look: impl Fn() -> F) -> T {
    let mut again = tokio::time::interval(LOOK_EVERY);
    let found = async {
        loop {
            again.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect("it comes")
}
