//! Process memory per idle, identified connection.

use std::time::Duration;

use super::Options;
use super::link::{Error, Link};
use super::plaza::Plaza;
use crate::process::Server;
use crate::report::{Bar, Table, judged};

/// KiB of process memory per idle connection (DESIGN: numbers to design for).
const KIB_PER_CONNECTION_MAX: f64 = 8.0;
/// The generator's own read buffer: it holds as many connections as the server.
const READ_BUFFER: usize = 256;
/// How long connections stand before they are weighed.
const STAND: Duration = Duration::from_secs(5);
/// Memory that may come or go while a process counts as settled, in bytes: what was written to the search index before is merged
/// and given back for a while.
const SETTLED_WITHIN: u64 = 1 << 20;
const SETTLE_TRIES_MAX: u32 = 12;

pub async fn run(options: &Options, plaza: &Plaza) -> Result<Vec<Table>, Error> {
    let count = options.connections;
    let (floor, port) = Server::floor().await?;
    let before = floor.memory()?;
    let mut links = Vec::with_capacity(count);
    for number in 0..count {
        links.push(Link::floor(port, &format!("idle {number}"), READ_BUFFER).await?);
    }
    tokio::time::sleep(STAND).await;
    let bare = floor.memory()?.saturating_sub(before) as f64 / count as f64 / 1024.0;
    drop(links);
    floor.stop().await?;

    let before = settled(plaza.server()).await?;
    let mut links = Vec::with_capacity(count);
    for number in 0..count {
        links.push(plaza.connect(number % plaza.people(), READ_BUFFER).await?);
    }
    let (cpu, stand) = (plaza.server().cpu()?, STAND * 2);
    tokio::time::sleep(stand).await;
    let cpu = plaza.server().cpu()?.saturating_sub(cpu).as_secs_f64() * 1e6 / stand.as_secs_f64() / count as f64;
    let grown = plaza.server().memory()?.checked_sub(before).filter(|grown| *grown > 0);
    let grown = grown.ok_or("Plaza gave memory back meanwhile: connections cannot be weighed in this run")?;
    let kib = grown as f64 / count as f64 / 1024.0;
    drop(links);

    let mut table = Table::new("Idle connections", &["server", "connections", "KiB each", "bar", "CPU µs each and s"]);
    table.row(["floor".to_owned(), count.to_string(), format!("{bare:.2}"), String::new(), String::new()]);
    let [value, bar] = judged(kib, Bar::AtMost(KIB_PER_CONNECTION_MAX));
    table.row([plaza.name(), count.to_string(), value, bar, format!("{cpu:.2}")]);
    Ok(vec![table])
}

/// The process's memory, once it stands still.
async fn settled(server: &Server) -> Result<u64, Error> {
    let mut before = server.memory()?;
    for _ in 0..SETTLE_TRIES_MAX {
        tokio::time::sleep(STAND).await;
        let now = server.memory()?;
        if now.abs_diff(before) <= SETTLED_WITHIN {
            return Ok(now);
        }
        before = now;
    }
    Err("Plaza's memory does not stand still".into())
}
