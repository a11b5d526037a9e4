//! A durable 1:1 send, from frame to ack, beside the bare store writes that it needs.
//!
//! Beside them in two ways: in time, each as fast as it goes, and in CPU, at the same rate. A store has costs that follow from time and not
//! from work (Cassandra's threads look for work many thousand times a second while there is any), which only the same rate makes equal.

use std::time::Duration;

use fred::clients::Client;
use fred::interfaces::{ClientLike as _, KeysInterface as _};
use fred::types::config::Config;
use scylla::statement::batch::{Batch, BatchType};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::Options;
use super::link::{Error, stamped};
use super::plaza::{Plaza, Servers, Stores};
use crate::process::machine_cpu;
use crate::report::{Bar, Table, judged};

/// Senders at a time, each waiting for its ack before the next: what one waits for, and what the machine has to do.
const SENDERS: [usize; 2] = [1, 16];
/// Bytes of text in a message.
const TEXT_LENGTH: usize = 200;
/// A send against the bare writes: its time, and its CPU at the same rate.
const RATIO_MAX: f64 = 3.0;
const READ_BUFFER: usize = 4096;

/// What one run showed.
#[derive(Clone, Copy)]
struct Run {
    per_second: f64,
    /// Of the whole machine, load generator included.
    cpu_us: f64,
}

/// Measures a run, without what had to be made ready for it.
struct Watch {
    start: Instant,
    cpu: Duration,
}

impl Watch {
    fn start() -> Result<Self, Error> {
        Ok(Self { start: Instant::now(), cpu: machine_cpu()? })
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// The run ends, with so many writes acknowledged.
    fn stop(&self, writes: u64) -> Result<Run, Error> {
        let cpu = machine_cpu()?.saturating_sub(self.cpu);
        let writes = writes as f64;
        Ok(Run { per_second: writes / self.elapsed().as_secs_f64(), cpu_us: cpu.as_secs_f64() * 1e6 / writes })
    }
}

/// Plaza's run, and those of the bare store right after it, which the same machine met in the same mood.
struct Round {
    ours: Run,
    bare: Run,
    paced: Run,
}

/// How hard the bare store is written to.
#[derive(Clone, Copy)]
struct Load {
    senders: usize,
    lasting: Duration,
    /// Writes a second in all; without it, as many as there can be.
    per_second: Option<f64>,
}

impl Load {
    /// What each sender waits for before each write.
    fn pace(self) -> Option<Interval> {
        let mut pace = tokio::time::interval(Duration::from_secs_f64(self.senders as f64 / self.per_second?));
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        Some(pace)
    }
}

async fn wait_for(pace: &mut Option<Interval>) {
    if let Some(pace) = pace {
        pace.tick().await;
    }
}

pub async fn run(options: &Options, plaza: &Plaza) -> Result<Vec<Table>, Error> {
    let lasting = Duration::from_secs(options.seconds);
    let head =
        ["who", "at a time", "per second", "ms each", "of the bare", "bar", "CPU µs each", "of the same rate", "bar"];
    let mut table = Table::new("Durable 1:1 sends", &head);
    let what = match plaza.stores() {
        Stores::Embedded => "bare PostgreSQL: number and message in one transaction",
        Stores::GrownUp => "bare Redis and Cassandra: number; message and client id in one request at LOCAL_QUORUM",
    };
    for senders in SENDERS {
        let bare_at = |per_second| Box::pin(written(plaza, Load { senders, lasting, per_second }));
        let mut rounds = Vec::new();
        for _ in 0..options.runs {
            let ours = Box::pin(sends(plaza, senders, lasting)).await?;
            let bare = bare_at(None).await?;
            let paced = bare_at(Some(ours.per_second)).await?;
            rounds.push(Round { ours, bare, paced });
        }
        let typical = |of: fn(&Round) -> f64| median(rounds.iter().map(of));
        let run = |of: fn(&Round) -> Run| Run {
            per_second: median(rounds.iter().map(|round| of(round).per_second)),
            cpu_us: median(rounds.iter().map(|round| of(round).cpu_us)),
        };
        let row = |name: &str, run: Run, time: [String; 3], cpu: [String; 2]| {
            let counts = [name.to_owned(), senders.to_string(), format!("{:.0}", run.per_second)];
            counts.into_iter().chain(time).chain([format!("{:.0}", run.cpu_us)]).chain(cpu)
        };
        let each = |run: Run| format!("{:.2}", senders as f64 * 1e3 / run.per_second);
        let (none, one) = (String::new, || "1.00".to_owned());
        let (ours, bare) = (run(|round| round.ours), run(|round| round.bare));
        table.row(row(what, bare, [each(bare), one(), none()], [none(), none()]));
        let paced = run(|round| round.paced);
        table.row(row("the same, at Plaza's rate", paced, [none(), none(), none()], [one(), none()]));
        let time = typical(|round| round.bare.per_second / round.ours.per_second);
        let [time, time_bar] = judged(time, Bar::AtMost(RATIO_MAX));
        let cpu = judged(typical(|round| round.ours.cpu_us / round.paced.cpu_us), Bar::AtMost(RATIO_MAX));
        table.row(row(&plaza.name(), ours, [each(ours), time, time_bar], cpu));
    }
    Ok(vec![table])
}

/// Bare writes.
async fn written(plaza: &Plaza, load: Load) -> Result<Run, Error> {
    match plaza.stores() {
        Stores::Embedded => postgres(&plaza.postgres_url()?, load).await,
        Stores::GrownUp => redis_and_cassandra(&Servers::from_environment()?, load).await,
    }
}

/// Acknowledged sends through Plaza.
async fn sends(plaza: &Plaza, senders: usize, lasting: Duration) -> Result<Run, Error> {
    let mut links = Vec::new();
    for pair in 0..senders {
        links.push((plaza.connect(pair * 2, READ_BUFFER).await?, plaza.room(pair, false).to_owned()));
    }
    let (watch, text) = (Watch::start()?, stamped(0, TEXT_LENGTH));
    let (watch, text) = (&watch, &text);
    let sending = links.into_iter().map(|(mut link, room)| async move {
        let (mut acks, mut moment) = (0u64, serde_json::Value::Null);
        while watch.elapsed() < lasting {
            let client_id = uuid::Uuid::new_v4();
            let mut data = serde_json::json!({ "room": room, "client_id": client_id, "text": text });
            // As the clients do.
            if !moment.is_null() {
                data["made_after"] = moment.take();
            }
            moment = link.call("message.send", &data).await?["moment"].take();
            acks += 1;
        }
        Ok::<_, Error>(acks)
    });
    let acks = futures_util::future::try_join_all(sending).await?;
    watch.stop(acks.iter().sum())
}

/// The same writes on the same server, with nothing around them.
async fn postgres(url: &str, load: Load) -> Result<Run, Error> {
    let Load { senders, lasting, .. } = load;
    let pool = sqlx::postgres::PgPoolOptions::new().max_connections(senders as u32).connect(url).await?;
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS bench_heads (room uuid PRIMARY KEY, last_seq bigint NOT NULL);
         CREATE TABLE IF NOT EXISTS bench_messages (room uuid, seq bigint, sender uuid, client_id uuid, body text,
           PRIMARY KEY (room, seq), UNIQUE (room, sender, client_id))",
    )
    .execute(&pool)
    .await?;
    let (watch, text) = (Watch::start()?, stamped(0, TEXT_LENGTH));
    let (watch, text) = (&watch, &text);
    let writing = (0..senders).map(|_| {
        let pool = pool.clone();
        async move {
            let (room, sender) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
            sqlx::query("INSERT INTO bench_heads VALUES ($1, 0)").bind(room).execute(&pool).await?;
            let (mut writes, mut pace) = (0u64, load.pace());
            while watch.elapsed() < lasting {
                wait_for(&mut pace).await;
                let mut tx = pool.begin().await?;
                let seq: i64 = sqlx::query_scalar(
                    "UPDATE bench_heads SET last_seq = last_seq + 1 WHERE room = $1 RETURNING last_seq",
                )
                .bind(room)
                .fetch_one(&mut *tx)
                .await?;
                sqlx::query("INSERT INTO bench_messages VALUES ($1, $2, $3, $4, $5)")
                    .bind(room)
                    .bind(seq)
                    .bind(sender)
                    .bind(uuid::Uuid::new_v4())
                    .bind(text)
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                writes += 1;
            }
            Ok::<_, Error>(writes)
        }
    });
    let writes = futures_util::future::try_join_all(writing).await?;
    watch.stop(writes.iter().sum())
}

async fn redis_and_cassandra(servers: &Servers, load: Load) -> Result<Run, Error> {
    let Load { senders, lasting, .. } = load;
    let numbers = Client::new(Config::from_url(&servers.redis)?, None, None, None);
    drop(numbers.init().await?);
    let session = servers.cassandra().await?;
    for statement in [
        "CREATE KEYSPACE IF NOT EXISTS plaza_bench_bare WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
        "CREATE TABLE IF NOT EXISTS plaza_bench_bare.messages (room uuid, bucket int, seq bigint, body text, PRIMARY KEY ((room, bucket), seq))",
        "CREATE TABLE IF NOT EXISTS plaza_bench_bare.keys (room uuid, sender uuid, client_id uuid, seq bigint, PRIMARY KEY ((room, sender, client_id)))",
    ] {
        session.query_unpaged(statement, ()).await?;
    }
    let message =
        session.prepare("INSERT INTO plaza_bench_bare.messages (room, bucket, seq, body) VALUES (?, 0, ?, ?)").await?;
    let key =
        session.prepare("INSERT INTO plaza_bench_bare.keys (room, sender, client_id, seq) VALUES (?, ?, ?, ?)").await?;
    // As Plaza does: of two small writes at once, most is what the requests cost.
    let mut both = Batch::new(BatchType::Unlogged);
    both.append_statement(message);
    both.append_statement(key);
    let (watch, text) = (Watch::start()?, stamped(0, TEXT_LENGTH));
    let (watch, text) = (&watch, text.as_str());
    let writing = (0..senders).map(|_| {
        let (numbers, session, both) = (&numbers, &session, &both);
        async move {
            let (room, sender) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
            let (head, mut writes, mut pace) = (format!("bench:{room}"), 0u64, load.pace());
            while watch.elapsed() < lasting {
                wait_for(&mut pace).await;
                let seq: i64 = numbers.incr(&head).await?;
                let client_id = uuid::Uuid::new_v4();
                session.batch(both, ((room, seq, text), (room, sender, client_id, seq))).await?;
                writes += 1;
            }
            let _: () = numbers.del(&head).await?;
            Ok::<_, Error>(writes)
        }
    });
    let writes = futures_util::future::try_join_all(writing).await?;
    let run = watch.stop(writes.iter().sum())?;
    session.query_unpaged("DROP KEYSPACE plaza_bench_bare", ()).await?;
    Ok(run)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
