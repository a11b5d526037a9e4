//! A database with a table, and sinks that are watched.

use std::time::Duration;

use async_trait::async_trait;
use cdc::{
    Batch, Change, Checkpoint, Error, Lsn, Next, Op, Parts, Settings, Sink, SinkError, SlotIdentity, Spec, Start,
    Value, Worked,
};
use kernel::Clock;
use postgres::Db;
use sqlx::AssertSqlSafe;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub const DEADLINE: Duration = Duration::from_secs(120);
pub const NAME: &str = "plaza_test";

pub struct Stage {
    pub db: Db,
    pub slot: String,
    pub settings: Settings,
    pub spec: Spec,
}

/// What a sink has been through.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    pub starts: Vec<Start>,
    /// Told since the last start.
    pub changes: Vec<Change>,
    pub batches: Vec<(usize, Lsn)>,
    /// Batches that arrived at the sink, whether or not it let them through.
    pub arrived: usize,
}

impl Stage {
    pub async fn new() -> Self {
        let db = postgres::testing::fresh().await;
        run(&db, "CREATE TABLE things (id int PRIMARY KEY, n int, name text, big text)").await;
        run(&db, "CREATE TABLE others (id int PRIMARY KEY)").await;
        run(&db, "CREATE TABLE mirror (id int PRIMARY KEY, n int, name text, big text)").await;
        let spec = Spec::new(NAME, ["things"]);
        let slot = cdc::slot::name(&db, &spec).await.unwrap();
        let settings = Settings { heartbeat_s: 1, ..Settings::default() };
        Self { db, slot, settings, spec }
    }

    pub async fn run(&self, sql: &str) {
        run(&self.db, sql).await;
    }

    pub fn parts(&self) -> Parts {
        Parts { db: self.db.clone(), settings: self.settings.clone(), clock: Clock::system() }
    }

    /// Runs a sink that remembers what it is told.
    pub fn record(&self) -> Running {
        let (seen, watched) = watch::channel(Seen::default());
        let (gate, open) = watch::channel(true);
        let recorder = Recorder { db: self.db.clone(), seen, open, saved: None };
        self.start(Box::new(recorder), watched, Some(gate))
    }

    /// Runs a sink that keeps a copy of the table.
    pub fn mirror(&self) -> Running {
        let (seen, watched) = watch::channel(Seen::default());
        self.start(Box::new(Mirror { db: self.db.clone(), seen, saved: None }), watched, None)
    }

    fn start(&self, sink: Box<dyn Sink>, seen: watch::Receiver<Seen>, gate: Option<watch::Sender<bool>>) -> Running {
        let stop = CancellationToken::new();
        let task = tokio::spawn(cdc::run(sink, self.spec.clone(), self.parts(), stop.clone()));
        Running { seen, gate, stop, task }
    }

    /// Where the log is now.
    pub async fn log_end(&self) -> Lsn {
        let text: String =
            sqlx::query_scalar("SELECT pg_current_wal_insert_lsn()::text").fetch_one(self.db.pool()).await.unwrap();
        text.parse().unwrap()
    }

    /// Waits until the server says of the slot what is wanted.
    pub async fn until_slot(&self, wanted: impl Fn(Option<&cdc::slot::SlotState>) -> bool) {
        let look = async {
            while !wanted(cdc::slot::look(&self.db, &self.slot).await.unwrap().as_ref()) {
                tokio::task::yield_now().await;
            }
        };
        timeout(DEADLINE, look).await.expect("the slot becomes as wanted");
    }

    /// Cuts the connection that reads the slot, if there is one.
    pub async fn cut(&self) {
        sqlx::query(
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active",
        )
        .bind(&self.slot)
        .execute(self.db.pool())
        .await
        .unwrap();
    }

    pub async fn mirrored(&self) -> bool {
        sqlx::query_scalar(
            "SELECT NOT EXISTS (TABLE things EXCEPT TABLE mirror) AND NOT EXISTS (TABLE mirror EXCEPT TABLE things)",
        )
        .fetch_one(self.db.pool())
        .await
        .unwrap()
    }

    /// Leaves nothing on the server.
    pub async fn close(self) {
        cdc::slot::give_up(&self.db, &self.slot).await.unwrap();
    }
}

pub async fn run(db: &Db, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(db.pool()).await.unwrap();
}

pub struct Running {
    pub seen: watch::Receiver<Seen>,
    gate: Option<watch::Sender<bool>>,
    pub stop: CancellationToken,
    pub task: JoinHandle<Result<(), Error>>,
}

impl Running {
    pub async fn until(&mut self, enough: impl FnMut(&Seen) -> bool) -> Seen {
        timeout(DEADLINE, self.seen.wait_for(enough)).await.expect("the sink is told").unwrap().clone()
    }

    pub async fn changes(&mut self, count: usize) -> Vec<Change> {
        self.until(|seen| seen.changes.len() >= count).await.changes
    }

    /// Lets no batch through until [`Running::release`].
    pub fn stall(&self) {
        self.gate.as_ref().unwrap().send_replace(false);
    }

    pub fn release(&self) {
        self.gate.as_ref().unwrap().send_replace(true);
    }

    pub async fn stop(self) {
        self.stop.cancel();
        timeout(DEADLINE, self.task).await.expect("it stops").unwrap().unwrap();
    }

    /// As if the process had died.
    pub async fn kill(self) {
        self.task.abort();
        drop(self.task.await);
    }
}

/// Remembers what it is told, and saves each batch.
struct Recorder {
    db: Db,
    seen: watch::Sender<Seen>,
    open: watch::Receiver<bool>,
    saved: Option<Checkpoint>,
}

async fn save(db: &Db, saved: &mut Option<Checkpoint>, to: Checkpoint) -> Result<(), SinkError> {
    let mut connection = db.pool().acquire().await?;
    to.advance(&mut connection, NAME, saved.as_ref()).await?;
    *saved = Some(to);
    Ok(())
}

async fn load(db: &Db) -> Result<Option<Checkpoint>, SinkError> {
    let mut connection = db.pool().acquire().await?;
    Ok(Checkpoint::load(&mut connection, NAME).await?)
}

#[async_trait]
impl Sink for Recorder {
    async fn saved(&mut self) -> Result<Option<Checkpoint>, SinkError> {
        self.saved = load(&self.db).await?;
        Ok(self.saved.clone())
    }

    async fn begin(&mut self, slot: &SlotIdentity, start: Start) -> Result<(), SinkError> {
        if let Start::Anew { from, .. } = start {
            save(&self.db, &mut self.saved, Checkpoint { slot: slot.clone(), position: from }).await?;
        }
        self.seen.send_modify(|seen| seen.starts.push(start));
        Ok(())
    }

    async fn apply(&mut self, batch: Batch) -> Result<Lsn, SinkError> {
        self.seen.send_modify(|seen| seen.arrived += 1);
        self.open.wait_for(|open| *open).await?;
        let slot = self.saved.as_ref().unwrap().slot.clone();
        save(&self.db, &mut self.saved, Checkpoint { slot, position: batch.end }).await?;
        self.seen.send_modify(|seen| {
            seen.batches.push((batch.changes.len(), batch.end));
            seen.changes.extend(batch.changes);
        });
        Ok(batch.end)
    }

    async fn work(&mut self) -> Result<Worked, SinkError> {
        Ok(Worked { durable: self.saved.as_ref().unwrap().position, next: Next::AfterBatch })
    }

    async fn close(&mut self) -> Result<Lsn, SinkError> {
        Ok(self.saved.as_ref().unwrap().position)
    }
}

/// Keeps `mirror` equal to `things`, and notices a change that was left out.
struct Mirror {
    db: Db,
    seen: watch::Sender<Seen>,
    saved: Option<Checkpoint>,
}

#[async_trait]
impl Sink for Mirror {
    async fn saved(&mut self) -> Result<Option<Checkpoint>, SinkError> {
        self.saved = load(&self.db).await?;
        Ok(self.saved.clone())
    }

    async fn begin(&mut self, slot: &SlotIdentity, start: Start) -> Result<(), SinkError> {
        if let Start::Anew { from, .. } = start {
            save(&self.db, &mut self.saved, Checkpoint { slot: slot.clone(), position: from }).await?;
        }
        self.seen.send_modify(|seen| seen.starts.push(start));
        Ok(())
    }

    async fn apply(&mut self, batch: Batch) -> Result<Lsn, SinkError> {
        let saved = self.saved.clone().unwrap();
        let to = Checkpoint { position: batch.end, ..saved.clone() };
        let mut tx = self.db.begin().await?;
        to.advance(&mut tx, NAME, Some(&saved)).await?;
        for change in &batch.changes {
            // A transaction that comes in part comes again after a death: then its first part is here already.
            let id: i32 = change.text("id").ok_or("no id")?.parse()?;
            if change.op == Op::Delete {
                sqlx::query("DELETE FROM mirror WHERE id = $1").bind(id).execute(&mut *tx).await?;
                continue;
            }
            let n: i32 = change.text("n").ok_or("no n")?.parse()?;
            let before: Option<i32> =
                sqlx::query_scalar("SELECT n FROM mirror WHERE id = $1").bind(id).fetch_optional(&mut *tx).await?;
            if before.is_some_and(|before| n > before + 1) {
                return Err(format!("{id} goes from {before:?} to {n}").into());
            }
            sqlx::query(
                "INSERT INTO mirror (id, n, name, big) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (id) DO UPDATE SET n = $2, name = $3, big = CASE WHEN $5 THEN mirror.big ELSE $4 END",
            )
            .bind(id)
            .bind(n)
            .bind(change.text("name"))
            .bind(change.text("big"))
            .bind(change.value("big") == Some(&Value::Unchanged))
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        self.saved = Some(to);
        self.seen.send_modify(|seen| seen.batches.push((batch.changes.len(), batch.end)));
        Ok(batch.end)
    }

    async fn work(&mut self) -> Result<Worked, SinkError> {
        Ok(Worked { durable: self.saved.as_ref().unwrap().position, next: Next::AfterBatch })
    }

    async fn close(&mut self) -> Result<Lsn, SinkError> {
        Ok(self.saved.as_ref().unwrap().position)
    }
}

/// A condition that the database answers, with a deadline.
pub async fn until(mut ask: impl AsyncFnMut() -> bool) {
    let asked = async {
        while !ask().await {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, asked).await.expect("it becomes so");
}
