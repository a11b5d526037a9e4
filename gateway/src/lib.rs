//! The WebSocket gateway: connections, the topics they follow, the commands they send. It knows no domain: slices answer
//! commands (`live::Commands`), name topics (`live::TopicSource`), and publish on the bus.
//!
//! ```text
//! upgrade ── admission ──► connection (one task a socket) ──► session (identify, resume)
//!                             │   ▲
//!                             ▼   │ frames, ready for the wire
//!            slices ◄── commands  queue ◄──────────── hub (topics) ◄── live::Bus
//! ```
//! `asyncapi/README.md` tells the protocol from a client's side.
//!
//! ## Decisions
//! - **An event is encoded once a node**, header and all, and shared by the queues of all its sockets. Writing it costs a
//!   slot in a queue and a place in a vectored write: no copy, no second JSON. What waits goes out in one call, so a room
//!   that is faster than its sockets costs one write for many events.
//! - **A busy topic is written span by span**, by its own pace: nobody reads that fast, and a write costs more than all else
//!   about a delivery. A span grows with the connections to write to ([`limits::COALESCED_PER_CONNECTION`]). A quieter topic's
//!   events never wait.
//! - **Nothing numbered is dropped from a connection that stays open.** A queue that is full closes the connection, with a
//!   code that says: come back and resume. Signals (typing, presence) give way before that.
//! - **Follow first, then read.** A connection follows a topic and hears all that is newer before anything older is read for
//!   it. So nothing slips between, on identify, on resume, on joining a room.
//! - **A hole is filled or confessed.** Each topic's numbers rise by one: the hub sees a hole at the next event, a lost tail at
//!   the next check, and fetches what is missing. What cannot be fetched becomes a `resync` to all who follow.
//! - **Small when idle**: one task, one timer and one small read buffer a socket, no split halves; tungstenite's default
//!   buffers alone would cost 134 KiB.
//! - **A connection's writes run in order, its reads beside them** (`live::Commands::is_read`): two messages sent one after the
//!   other are stored in that order, and a long history does not hold them up.
//! - **Connections per account are counted per node.** The limit protects a node; counting across nodes would cost a round
//!   trip a connection, and would have to be repaired after each crash. With n nodes an account can have n times as many.

mod admission;
mod close;
mod commands;
mod connection;
mod drain;
#[cfg(feature = "echo")]
mod echo;
mod frame;
mod hub;
pub mod limits;
mod metrics;
mod outlet;
mod queue;
mod resume;
mod session;
mod settings;
mod upgrade;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::Request;
use kernel::{Clock, ErrorKind, Problem, UserId};
use live::{Bus, CommandSet, Lifecycle, TopicSource};
use schemas::socket::Hello;
use tokio_util::sync::CancellationToken;
use web::{Authenticator, ClientAddress, Failure};

pub use close::Close;
#[cfg(feature = "echo")]
pub use echo::router as echo_router;
pub use limits::Limits;
pub use settings::Settings;

use admission::{Admission, Counts};
use hub::Hub;
use outlet::Outlet;
use upgrade::Upgrade;

/// The subprotocol that clients offer.
pub const SUBPROTOCOL: &str = "plaza.v1.json";

/// Commands that the gateway answers itself.
pub const COMMANDS: [&str; 2] = ["identify", "token.refresh"];

/// What a gateway is made of.
pub struct Parts {
    pub bus: Arc<dyn Bus>,
    pub authenticator: Arc<dyn Authenticator>,
    pub commands: CommandSet,
    pub sources: Vec<Arc<dyn TopicSource>>,
    pub lifecycle: Vec<Arc<dyn Lifecycle>>,
    pub clock: Clock,
    pub limits: Limits,
    /// Origins whose pages may connect besides those of Plaza's own: `https://app.example.com`, or `*` for any. Clients
    /// that are no browsers send none, and are welcome.
    pub origins: Vec<String>,
}

/// One node's gateway.
pub struct Gateway {
    hub: Arc<Hub>,
    authenticator: Arc<dyn Authenticator>,
    commands: CommandSet,
    lifecycle: Vec<Arc<dyn Lifecycle>>,
    clock: Clock,
    limits: Limits,
    origins: Vec<String>,
    admission: Admission,
    accounts: Arc<Counts<UserId>>,
    draining: AtomicBool,
    hello: frame::Wire,
}

impl Gateway {
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let limits = parts.limits;
        let hello = Hello {
            heartbeat_ms: limits.ping_after.as_millis() as u64,
            identify_within_ms: limits.identify_within.as_millis() as u64,
            limits: schemas::socket::Limits {
                frame_bytes: limits::FRAME_BYTES_MAX,
                commands_in_flight: limits.commands_in_flight,
                commands_per_minute: limits.commands_per_minute,
                topics: limits.topics,
                connections: limits.connections_per_account,
            },
            node: format!("{:06x}", rand::random::<u32>() >> 8),
        };
        Arc::new(Self {
            hub: Hub::new(parts.bus, parts.authenticator.clone(), parts.sources, limits.topics),
            authenticator: parts.authenticator,
            commands: parts.commands,
            lifecycle: parts.lifecycle,
            clock: parts.clock,
            admission: Admission::new(&limits),
            limits,
            origins: parts.origins,
            accounts: Arc::default(),
            draining: AtomicBool::new(false),
            hello: frame::json(&hello),
        })
    }

    /// `GET /v1/socket`, to be served inside the edge, which knows the client's address and writes problem documents.
    pub fn router(self: &Arc<Self>) -> Router {
        let router = Router::new().route("/v1/socket", get(open)).with_state(Arc::clone(self));
        #[cfg(feature = "echo")]
        let router = router.merge(echo::router());
        router
    }

    /// Hears the bus and keeps an eye on positions, until told to stop.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let Some(incoming) = self.hub.bus().incoming() else {
            tracing::error!("somebody else hears this node's bus: no event will reach a connection");
            return;
        };
        let listening = tokio::spawn(Arc::clone(&self.hub).listen(incoming));
        let coalescing = tokio::spawn(Arc::clone(&self.hub).coalesce());
        Arc::clone(&self.hub).watch(stop).await;
        listening.abort();
        coalescing.abort();
    }

    /// Connections that are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.admission.open()
    }

    fn everyone(&self) -> Vec<Arc<Outlet>> {
        self.hub.connections()
    }

    fn admit(self: &Arc<Self>, address: ClientAddress, request: &mut Request<Body>) -> Response {
        let refused = |problem: Problem| Failure::from(problem).into_response();
        if !admission::origin_allowed(&self.origins, request.headers()) {
            let message = "Pages of this origin may not connect.";
            return refused(Problem::new(ErrorKind::Forbidden, "origin_not_allowed", message));
        }
        let Some(upgrade) = Upgrade::of(request, Some(SUBPROTOCOL)) else { return upgrade::upgrade_required() };
        if self.draining.load(Ordering::Acquire) {
            let problem = Problem::new(ErrorKind::Unavailable, "overloaded", "This server is about to stop.");
            return refused(problem.retry_after(std::time::Duration::from_secs(1)));
        }
        let place = match self.admission.admit(address.0) {
            Ok(place) => place,
            Err(problem) => return refused(problem),
        };
        let (response, socket) = upgrade.accept(limits::FRAME_BYTES_MAX);
        let gateway = Arc::clone(self);
        tokio::spawn(async move {
            // A client that went before the 101 has nothing to be told.
            if let Ok(socket) = socket.await {
                gateway.hold(socket).await;
            }
            drop(place);
        });
        response
    }

    /// Holds a connection from its first frame to its last trace.
    async fn hold(self: &Arc<Self>, socket: upgrade::Socket) {
        let outlet = Arc::new(Outlet::new());
        self.hub.register(&outlet);
        connection::run(self, socket, &outlet).await;
        self.hub.forget(&outlet);
        if let Some(peer) = outlet.peer() {
            for lifecycle in &self.lifecycle {
                lifecycle.closed(peer).await;
            }
        }
    }
}

async fn open(State(gateway): State<Arc<Gateway>>, address: ClientAddress, mut request: Request<Body>) -> Response {
    gateway.admit(address, &mut request)
}
