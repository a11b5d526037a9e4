//! What the parts do by themselves.

use std::sync::Arc;

use index::pipeline::Mapping as _;
use index::{Document, Item, Language, Write};
use kernel::{ContentId, ContentKind, Timestamp};
use pgwire_replication::{ReplicationClient, ReplicationConfig, ReplicationEvent, TlsConfig};
use tokio::time::Instant;
use uuid::Uuid;

use super::stage::{Stage, cpu};
use super::{Error, Rate};

/// Documents in one bulk: as many as the pipeline writes together.
const BULK: u32 = 1_000;
/// Documents like those of the posts, written with nothing behind them, and made visible once, at the end.
pub async fn bulk(stage: &Stage, documents: u32) -> Result<Rate, Error> {
    // A generation that nobody searches, in the way of nobody.
    let (kind, generation) = (content::documents::Contents(ContentKind::Post).kind(), 1_000);
    stage.engine.create(kind, generation).await?;
    let batches: Vec<Vec<Item>> = (0..documents)
        .step_by(BULK as usize)
        .map(|first| {
            let some = first..documents.min(first + BULK);
            let item = |number| Item { kind, generation, version: 1, write: Write::Put(Arc::new(document(number))) };
            some.map(item).collect()
        })
        .collect();
    let (started, used) = (Instant::now(), cpu()?);
    for batch in batches {
        stage.engine.write(batch).await?;
    }
    stage.engine.commit("bench").await?;
    let rate = Rate::of(documents, started.elapsed(), cpu()?.saturating_sub(used));
    stage.engine.drop_generation(kind, generation).await?;
    Ok(rate)
}

fn document(number: u32) -> Document {
    let text = super::stage::text(number);
    Document {
        id: ContentId::from_parts(ContentKind::Post, Uuid::new_v4()).to_string(),
        names: Vec::new(),
        language: Language::detect(&text),
        text,
        tags: Vec::new(),
        author: Some(Uuid::from_u128(u128::from(number % 1_000))),
        audience: "public".to_owned(),
        place: None,
        popularity: 0.0,
        created_at: Timestamp::from_millis(1_800_000_000_000),
    }
}

/// Makes a slot that nobody but [`drain`] reads.
pub async fn slot(stage: &Stage, name: &str) -> Result<(), Error> {
    sqlx::query("SELECT pg_create_logical_replication_slot($1, 'pgoutput')")
        .bind(name)
        .execute(stage.db.pool())
        .await?;
    Ok(())
}

/// Reads a slot up to `end` with the transport crate, and counts changes. Decodes nothing and keeps nothing.
pub async fn drain(stage: &Stage, slot: &str, end: cdc::Lsn, wanted: u32) -> Result<Rate, Error> {
    let options = &stage.options;
    let url = sqlx::ConnectOptions::to_url_lossy(options);
    let config = ReplicationConfig::new(
        options.get_host(),
        options.get_username(),
        url.password().unwrap_or_default(),
        options.get_database().unwrap_or_default(),
        slot,
        index::pipeline::CONSUMER,
    )
    .with_port(options.get_port())
    .with_tls(TlsConfig::disabled());
    let (started, used) = (Instant::now(), cpu()?);
    let mut client = ReplicationClient::connect(config).await?;
    let mut changes = 0;
    while let Some(event) = client.recv().await? {
        match event {
            ReplicationEvent::XLogData { data, .. } if matches!(data.first(), Some(b'I' | b'U' | b'D')) => changes += 1,
            ReplicationEvent::Commit { end_lsn, .. } if end_lsn.as_u64() >= end.as_u64() => break,
            ReplicationEvent::KeepAlive { wal_end, .. } if wal_end.as_u64() >= end.as_u64() => break,
            _ => {}
        }
        if changes >= wanted {
            break;
        }
    }
    let rate = Rate::of(changes.max(1), started.elapsed(), cpu()?.saturating_sub(used));
    client.shutdown().await?;
    if changes < wanted {
        return Err(format!("the bare reader saw {changes} of {wanted} changes").into());
    }
    Ok(rate)
}
