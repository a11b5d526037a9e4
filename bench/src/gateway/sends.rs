//! A durable 1:1 send, from frame to ack, beside the bare store writes that it needs.

use std::time::Duration;

use fred::clients::Client;
use fred::interfaces::{ClientLike as _, KeysInterface as _};
use fred::types::config::Config;
use tokio::time::Instant;

use super::Options;
use super::link::{Error, stamped};
use super::plaza::{Plaza, Servers, Stores};
use crate::report::{Bar, Table, judged};

/// Senders at a time, each waiting for its ack before the next: what one waits for, and what the machine has to do.
const SENDERS: [usize; 2] = [1, 16];
/// Bytes of text in a message.
const TEXT_LENGTH: usize = 200;
/// Time per send against the time of the bare writes.
const RATIO_MAX: f64 = 3.0;
const READ_BUFFER: usize = 4096;

pub async fn run(options: &Options, plaza: &Plaza) -> Result<Vec<Table>, Error> {
    let lasting = Duration::from_secs(options.seconds);
    let head = ["who", "at a time", "per second", "ms each", "of the bare", "bar"];
    let mut table = Table::new("Durable 1:1 sends", &head);
    let what = match plaza.stores() {
        Stores::Embedded => "bare PostgreSQL: number and message in one transaction",
        Stores::GrownUp => "bare Redis and Cassandra: number; message and client id, each at LOCAL_QUORUM",
    };
    for senders in SENDERS {
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..options.runs {
            ours.push(sends(plaza, senders, lasting).await?);
            bare.push(match plaza.stores() {
                Stores::Embedded => postgres(&plaza.postgres_url()?, senders, lasting).await?,
                Stores::GrownUp => redis_and_cassandra(&Servers::from_environment()?, senders, lasting).await?,
            });
        }
        let (ours, bare) = (median(ours), median(bare));
        let row = |name: String, rate: f64, [ratio, bar]: [String; 2]| {
            let each = format!("{:.2}", senders as f64 * 1e3 / rate);
            [name, senders.to_string(), format!("{rate:.0}"), each, ratio, bar]
        };
        table.row(row(what.to_owned(), bare, ["1.00".to_owned(), String::new()]));
        table.row(row(plaza.name(), ours, judged(bare / ours, Bar::AtMost(RATIO_MAX))));
    }
    Ok(vec![table])
}

/// Acknowledged sends a second through Plaza.
async fn sends(plaza: &Plaza, senders: usize, lasting: Duration) -> Result<f64, Error> {
    let mut links = Vec::new();
    for pair in 0..senders {
        links.push((plaza.connect(pair * 2, READ_BUFFER).await?, plaza.room(pair, false).to_owned()));
    }
    let (start, text) = (Instant::now(), stamped(0, TEXT_LENGTH));
    let text = &text;
    let sending = links.into_iter().map(|(mut link, room)| async move {
        let (mut acks, mut moment) = (0u64, serde_json::Value::Null);
        while start.elapsed() < lasting {
            let client_id = uuid::Uuid::new_v4();
            let mut data = serde_json::json!({ "room": room, "client_id": client_id, "text": text });
            // As the clients do.
            if !moment.is_null() {
                data["made_after"] = moment.take();
            }
            match link.call("message.send", &data).await {
                Ok(mut sent) => {
                    acks += 1;
                    moment = sent["moment"].take();
                }
                // The connection's allowance of commands is spent: what was acknowledged until now counts.
                Err(error) if error.to_string().contains("rate_limited") => break,
                Err(error) => return Err(error),
            }
        }
        Ok((acks, start.elapsed()))
    });
    let done = futures_util::future::try_join_all(sending).await?;
    Ok(done.iter().map(|(acks, took)| *acks as f64 / took.as_secs_f64()).sum())
}

/// The same writes on the same server, with nothing around them.
async fn postgres(url: &str, senders: usize, lasting: Duration) -> Result<f64, Error> {
    let pool = sqlx::postgres::PgPoolOptions::new().max_connections(senders as u32).connect(url).await?;
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS bench_heads (room uuid PRIMARY KEY, last_seq bigint NOT NULL);
         CREATE TABLE IF NOT EXISTS bench_messages (room uuid, seq bigint, sender uuid, client_id uuid, body text,
           PRIMARY KEY (room, seq), UNIQUE (room, sender, client_id))",
    )
    .execute(&pool)
    .await?;
    let (start, text) = (Instant::now(), stamped(0, TEXT_LENGTH));
    let text = &text;
    let writing = (0..senders).map(|_| {
        let pool = pool.clone();
        async move {
            let (room, sender) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
            sqlx::query("INSERT INTO bench_heads VALUES ($1, 0)").bind(room).execute(&pool).await?;
            let mut writes = 0u64;
            while start.elapsed() < lasting {
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
    let done = futures_util::future::try_join_all(writing).await?;
    Ok(done.iter().sum::<u64>() as f64 / start.elapsed().as_secs_f64())
}

async fn redis_and_cassandra(servers: &Servers, senders: usize, lasting: Duration) -> Result<f64, Error> {
    let numbers = Client::new(Config::from_url(&servers.redis)?, None, None, None);
    drop(numbers.init().await?);
    let session = scylla::client::session_builder::SessionBuilder::new()
        .known_nodes(servers.cassandra.split(','))
        .default_execution_profile_handle(
            scylla::client::execution_profile::ExecutionProfile::builder()
                .consistency(scylla::statement::Consistency::LocalQuorum)
                .build()
                .into_handle(),
        )
        .build()
        .await?;
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
    let (start, text) = (Instant::now(), stamped(0, TEXT_LENGTH));
    let text = text.as_str();
    let writing = (0..senders).map(|_| {
        let (numbers, session, message, key) = (&numbers, &session, &message, &key);
        async move {
            let (room, sender) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
            let (head, mut seq) = (format!("bench:{room}"), 0i64);
            while start.elapsed() < lasting {
                seq = numbers.incr(&head).await?;
                let client_id = uuid::Uuid::new_v4();
                tokio::try_join!(
                    session.execute_unpaged(key, (room, sender, client_id, seq)),
                    session.execute_unpaged(message, (room, seq, text)),
                )?;
            }
            let _: () = numbers.del(&head).await?;
            Ok::<_, Error>(seq)
        }
    });
    let done = futures_util::future::try_join_all(writing).await?;
    Ok(done.iter().sum::<i64>() as f64 / start.elapsed().as_secs_f64())
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or(0.0)
}
