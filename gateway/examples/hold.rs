//! What connections cost: `cargo run --release -p gateway --example hold -- 5000` opens so many identified connections
//! from a process of their own, each with ten rooms of ten people, and prints the memory that they take. Then it publishes
//! to one room that all are in, as fast as it goes, and prints what a delivery costs.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{SinkExt as _, StreamExt as _};
use gateway::{Gateway, Limits, Parts};
use kernel::{Clock, Problem, RoomId, SessionId, Timestamp, UserId};
use live::bus::{LocalBus, Window};
use live::{Bus as _, CommandError, CommandSet, Topic, TopicSource, UserEvent};
use serde_json::json;
use serde_json::value::to_raw_value;
use tokio::io::AsyncBufReadExt as _;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};
use tokio_util::sync::CancellationToken;
use web::{Authenticator, Verified};

/// Everybody's token is a number, and the user of that number.
struct Everybody {
    clock: Clock,
    open: RoomId,
}

fn user(number: u64) -> UserId {
    UserId::from_uuid(uuid::Uuid::from_u128(u128::from(number)))
}

#[async_trait]
impl Authenticator for Everybody {
    async fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, Problem> {
        let number = token.parse().unwrap_or_default();
        let session = SessionId::from_uuid(user(number).uuid());
        Ok(Verified { user: user(number), session, expires_at: now.plus(Duration::from_secs(900)) })
    }

    async fn stands(&self, _: SessionId) -> Result<bool, Problem> {
        Ok(true)
    }
}

#[async_trait]
impl TopicSource for Everybody {
    async fn topics(&self, user: UserId) -> Result<Vec<Topic>, CommandError> {
        let number = user.uuid().as_u128();
        let own = (0..10).map(|nth| RoomId::from_uuid(uuid::Uuid::from_u128((nth << 64) | (number / 10 + 1))));
        Ok(own.chain([self.open]).map(Topic::Room).collect())
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(5_000);
    match arguments.next().and_then(|address| address.parse().ok()) {
        Some(address) => connect(count, address).await,
        None => serve(count).await,
    }
}

async fn serve(count: usize) {
    let clock = Clock::system();
    let open = RoomId::new(clock.now());
    let world = Arc::new(Everybody { clock: clock.clone(), open });
    let bus = Arc::new(LocalBus::new(Window::default()));
    let limits = Limits { admissions_per_second: 100_000, admissions_burst: 100_000, ..Limits::default() };
    let gateway = Gateway::new(Parts {
        bus: bus.clone(),
        authenticator: world.clone(),
        commands: CommandSet::default(),
        sources: vec![world.clone()],
        lifecycle: Vec::new(),
        clock: world.clock.clone(),
        limits,
        origins: Vec::new(),
    });
    tokio::spawn(Arc::clone(&gateway).run(CancellationToken::new()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = gateway.router();
    tokio::spawn(async move { axum::serve(listener, router).await });

    // A hundred first, so that what the process needs once is not counted.
    let first = clients(100, address).await;
    let before = resident_kib();
    drop(first);
    let mut held = clients(count, address).await;
    let per_connection = (resident_kib() - before) / count as f64;
    print(format_args!("{count} connections: {per_connection:.2} KiB each"));

    let body = to_raw_value(&json!({ "type": "test", "x": "x".repeat(200) })).expect("JSON");
    let event = UserEvent { control: Vec::new(), body: Some(body) };
    for rate in [50_000_u32, 500_000, u32::MAX] {
        let events = if rate == u32::MAX { 2_000 } else { (rate / count as u32).max(1) * 4 };
        let (cpu, sent, writes) = (cpu_seconds(), metric("frames_sent_total"), metric("writes_total"));
        let mut ticks = tokio::time::interval(Duration::from_secs(1) * count as u32 / rate);
        let started = tokio::time::Instant::now();
        for _ in 0..events {
            ticks.tick().await;
            bus.publish(Topic::Room(open), &event).await.expect("the bus is in this process");
        }
        let wanted = f64::from(events) * count as f64;
        let mut delivered = 0.0;
        while delivered < wanted && started.elapsed() < Duration::from_secs(30) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            delivered = metric("frames_sent_total") - sent;
        }
        print(format_args!(
            "{events} events, {:.0} deliveries/s: {:.2} µs CPU each, {:.1} in a write, {:.0} % delivered",
            delivered / started.elapsed().as_secs_f64(),
            (cpu_seconds() - cpu) * 1e6 / delivered,
            delivered / (metric("writes_total") - writes),
            delivered / wanted * 100.0
        ));
    }
    print(format_args!("{} connections left", gateway.connections()));
    held.kill().await.expect("it was running");
}

/// A process that holds `count` connections, once all are identified.
async fn clients(count: usize, address: SocketAddr) -> tokio::process::Child {
    let program = std::env::current_exe().expect("this program");
    let mut child = tokio::process::Command::new(program)
        .args([count.to_string(), address.to_string()])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a process");
    let output = child.stdout.take().expect("piped");
    let mut lines = tokio::io::BufReader::new(output).lines();
    lines.next_line().await.expect("its output").expect("ready");
    child
}

async fn connect(count: usize, address: SocketAddr) {
    let mut tasks = Vec::new();
    for number in 0..count {
        let mut request = format!("ws://{address}/v1/socket").into_client_request().expect("a request");
        request.headers_mut().insert("sec-websocket-protocol", "plaza.v1.json".parse().expect("a header"));
        let config = WebSocketConfig::default().read_buffer_size(16 * 1024).write_buffer_size(0);
        let (mut socket, _) =
            tokio_tungstenite::connect_async_with_config(request, Some(config), true).await.expect("a connection");
        let identify = json!({ "id": 1, "op": "identify", "d": { "token": number.to_string() } });
        socket.send(Message::text(identify.to_string())).await.expect("sent");
        for _hello_and_reply in 0..2 {
            socket.next().await.expect("a frame").expect("a frame");
        }
        tasks.push(tokio::spawn(async move { while let Some(Ok(_)) = socket.next().await {} }));
    }
    print(format_args!("ready"));
    for task in tasks {
        task.await.expect("a task");
    }
}

fn resident_kib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn metric(name: &str) -> f64 {
    let all = telemetry::render();
    let value =
        all.lines().find_map(|line| line.strip_prefix("plaza_gateway_")?.strip_prefix(name)?.trim().parse().ok());
    value.expect("a metric of the gateway")
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks: f64 = fields[11..13].iter().map(|ticks| ticks.parse::<f64>().expect("a number")).sum();
    ticks / 100.0
}

#[expect(clippy::print_stdout, reason = "this is its result")]
fn print(line: std::fmt::Arguments<'_>) {
    println!("{line}");
}
