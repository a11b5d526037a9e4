//! `plaza up`

use std::net::SocketAddr;
use std::time::Duration;

use kernel::Clock;
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Role};
use crate::exit::{Exit, Stopped};
use crate::signals::Signals;
use crate::startup::{self, Opened};
use crate::wiring::{self, Plaza};
use crate::{health, progress, server};

pub async fn up(config: &Config) -> Result<(), Stopped> {
    let started = Instant::now();
    let mut signals =
        Signals::listen().map_err(|error| Stopped::new(Exit::Unexpected, format_args!("No signals: {error}.")))?;
    raise_open_files();
    let socket = server::bind(config.listen, server::LISTEN)?;
    let figures = config.metrics_listen.map(|address| server::bind(address, server::METRICS_LISTEN)).transpose()?;

    // Whatever was started when a signal comes ends with this process: see `postgres::embedded`.
    let mut opened = tokio::select! {
        opened = startup::open(config) => opened?,
        signal = signals.next() => return stopped_while_starting(signal),
    };
    let stop = CancellationToken::new();
    let wired = tokio::select! {
        wired = start(&mut opened, config, &stop) => wired,
        signal = signals.next() => {
            opened.close().await;
            return stopped_while_starting(signal);
        }
    };
    let listening = wired.and_then(|plaza| {
        let figures = figures.zip(config.metrics_listen);
        let figures =
            figures.map(|(socket, address)| server::listen(socket, address, server::METRICS_LISTEN)).transpose()?;
        Ok((plaza, server::listen(socket, config.listen, server::LISTEN)?, figures))
    });
    let (plaza, listener, figures) = match listening {
        Ok(listening) => listening,
        Err(stopped) => {
            stop.cancel();
            opened.close().await;
            return Err(stopped);
        }
    };
    let address = listener.local_addr().unwrap_or(config.listen);
    tracing::info!(%address, roles = config.role_names(), "up");
    let figures_at = figures.as_ref().and_then(|listener| listener.local_addr().ok());
    if let Some(figures) = figures {
        // Until the very end: they tell how draining goes.
        let (http, stop) = (config.http.clone(), stop.clone());
        plaza.tasks.spawn(async move { server::serve(figures, health::metrics(), &http, stop).await });
    }
    tell(config, &opened, address, figures_at, started.elapsed()).await;
    run(plaza, listener, config, &mut signals, stop).await;
    opened.close().await;
    progress::say("Plaza has stopped.");
    Ok(())
}

async fn start(opened: &mut Opened, config: &Config, stop: &CancellationToken) -> Result<Plaza, Stopped> {
    if config.has(Role::Worker) {
        startup::change_stream(&opened.stores.db).await?;
    }
    opened.be_alone(config).await?;
    opened.migrate().await?;
    wiring::plaza(&opened.stores, config, Clock::system(), stop).await
}

fn stopped_while_starting(signal: &str) -> Result<(), Stopped> {
    progress::say(format_args!("Stopped by {signal} while starting."));
    Ok(())
}

/// Serves until a signal; then drains until the deadline, or until the next signal.
async fn run(plaza: Plaza, listener: TcpListener, config: &Config, signals: &mut Signals, stop: CancellationToken) {
    let closing = CancellationToken::new();
    let mut serving = std::pin::pin!(server::serve(listener, plaza.router.clone(), &config.http, closing.clone()));
    let signal = tokio::select! {
        signal = signals.next() => signal,
        () = &mut serving => return,
    };
    progress::say(format_args!("{signal}: draining. Once more to stop at once."));
    tracing::info!(signal, "draining");
    let deadline = Instant::now() + Duration::from_millis(config.http.drain_ms_max);
    let drain = async {
        // First, while requests are still answered, sockets are told to go elsewhere.
        tokio::select! {
            () = plaza.drain() => {}
            () = &mut serving => {}
        }
        closing.cancel();
        serving.await;
        stop.cancel();
        plaza.tasks.close();
        plaza.tasks.wait().await;
    };
    tokio::select! {
        drained = timeout_at(deadline, drain) => {
            if drained.is_err() {
                tracing::warn!("not everything was finished within http.drain_ms_max");
            }
        }
        signal = signals.next() => tracing::warn!(signal, "stopping at once"),
    }
    stop.cancel();
}

/// A socket is a file to the kernel, and the usual limit of 1,024 is soon reached.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, limit = limit.current, "the limit of open files could not be raised");
    }
}

/// What was done, and where to go next.
async fn tell(config: &Config, opened: &Opened, address: SocketAddr, figures: Option<SocketAddr>, took: Duration) {
    let version = opened.stores.db.server_version().await.unwrap_or_default();
    let postgres = match (&opened.embedded, &opened.data) {
        (Some(server), Some(data)) => {
            let programs = if server.programs().fetched { "fetched" } else { "found on this machine" };
            let made = if server.created() { ", created just now" } else { "" };
            format!("{version}, {programs}, run by Plaza; data in {}{made}", data.path().display())
        }
        _ => format!("{version}, as configured"),
    };
    let wide = if opened.stores.cassandra.is_some() {
        "in Cassandra"
    } else {
        "in PostgreSQL (PLAZA_CASSANDRA_NODES changes that)"
    };
    let live =
        if opened.stores.redis.is_some() { "over Redis" } else { "in this process (PLAZA_REDIS_URL changes that)" };
    let search = match (&opened.stores.opensearch, &opened.stores.redis) {
        (Some(_), _) => "in OpenSearch",
        (None, None) => "in the data folder (PLAZA_OPENSEARCH_URL changes that)",
        // Redis is there for several nodes; the change stream is followed by one of them.
        (None, Some(_)) => {
            "in the data folder of the one node that follows the tables: several need PLAZA_OPENSEARCH_URL"
        }
    };
    let uploads = match (config.blobs.is_local(), &opened.stores.redis) {
        (false, _) => format!("in {}", opened.stores.blobs),
        (true, None) => "in the data folder (PLAZA_BLOBS_URL changes that)".to_owned(),
        (true, Some(_)) => "in this node's data folder: several need PLAZA_BLOBS_URL".to_owned(),
    };
    let at = reachable(address);
    let figures = figures.map_or_else(|| "/metrics".to_owned(), |at| format!("http://{}/metrics", reachable(at)));
    progress::say(format_args!(
        "\
Plaza is up after {:.1} s, as {}.

  REST        http://{at}/v1
  WebSocket   ws://{at}/v1/socket
  Health      http://{at}/healthz, /readyz, {figures}

  PostgreSQL  {postgres}
  Messages    {wide}
  Live bus    {live}
  Search      {search}
  Uploads     {uploads}

Register the first person:

  curl http://{at}/v1/accounts -H 'content-type: application/json' \\
    -d '{{\"handle\":\"ada\",\"name\":\"Ada\",\"password\":\"an engine that weaves\"}}'

Or fill a whole community, with log-ins: `plaza seed`. Ctrl-C stops.
",
        took.as_secs_f64(),
        config.role_names(),
    ));
}

/// An address to connect to: one that listens everywhere is reached at home.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => SocketAddr::from(([127, 0, 0, 1], v4.port())),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, v6.port())),
        other => other,
    }
}
