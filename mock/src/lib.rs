//! `plaza mock`: a server made of specs alone, for those who build against an API before it is there.
//!
//! [`Spec`](spec::Spec) reads an OpenAPI 3.1 and an AsyncAPI 3 document, Plaza's own unless told; [`rest`] and [`socket`] answer
//! as they say. No line of this crate knows a route or a frame of Plaza: what examples and schemas cannot say (which event
//! follows from which command) is said by `x-` extensions in the spec, described in `asyncapi/README.md`.
//!
//! ## Decisions
//! - **Not built on an existing mock.** The usual one, Prism, is a Node program for HTTP: not part of one binary, and without a
//!   WebSocket. A search for a crate that serves OpenAPI 3.1 over several files, or AsyncAPI, found none to build on. What is
//!   hard in a mock is validation and parsing, and for these it stands on `jsonschema`, `serde_norway` and `regex-syntax`. The
//!   `Prefer` header is Prism's, so that what a team knows of it holds here.
//! - **Not built on `schemas::contract`**, which reads the same files for tests: it is strict where a mock has to be open (one
//!   media type a body, schemas in files of their own, answers closed to unknown members). Two readers that share no code
//!   are a check on each other: the tests hold every answer of this one against that one.
//! - **The specs are in the binary**, so that `plaza mock` needs no checkout. Files given on the command line are watched
//!   by their times, a few stats a second, rather than by an operating system's service that container file systems lack.
//! - **Examples first.** Without a wish, the example that resembles the request most is answered, verbatim. Data is generated when
//!   there is no example, or `dynamic=true` asks for it: from the seed and the address, so that it is the same tomorrow.
//! - **Failures look like the real server's**: the same codes in the same order of checks (token, headers, path, query,
//!   body), and a member whose content is wrong gets the problem that its operation declares for that member, if it does.
//!   Only a mock says `not_acceptable`, `invalid_header`, `invalid_cookie`, `invalid_prefer` and `prefer_not_declared`.
//! - **`--remember` knows collections by the shape of their paths** and everything is checked against its schema: what would
//!   make an answer invalid is left out of it.

pub mod conformance;
mod dice;
pub mod generate;
mod page;
mod reload;
mod rest;
mod server;
mod socket;
pub mod spec;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tokio_util::sync::CancellationToken;

pub use rest::{BODY_BYTES_MAX, REMEMBERED_MAX};
pub use server::serve;
pub use socket::{CONNECTIONS_MAX, FRAME_BYTES_MAX, QUEUED_FRAMES_MAX};
pub use spec::SpecError;

use rest::{Chaos, Memory};
use socket::Hub;
use spec::{Channel, Spec};

/// What a mock is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The OpenAPI document; without any document, Plaza's own are served.
    pub openapi: Option<PathBuf>,
    pub asyncapi: Option<PathBuf>,
    /// Makes generated data what it is.
    pub seed: u64,
    /// Whether what is created, changed and deleted stays so.
    pub remember: bool,
    /// Added to every answer.
    pub latency_ms: u64,
    /// The chance of a request or command to fail, from 0 to 1.
    pub fail_rate: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { openapi: None, asyncapi: None, seed: 1, remember: false, latency_ms: 0, fail_rate: 0.0 }
    }
}

/// A mock, ready to be served.
pub struct Mock {
    settings: Settings,
    spec: RwLock<Arc<Spec>>,
    memory: Memory,
    chaos: Chaos,
    /// By the name of the channel. They outlive a change of the files, and so do the connections.
    hubs: Mutex<HashMap<String, Arc<Hub>>>,
    stopping: CancellationToken,
}

impl Mock {
    pub fn load(settings: Settings) -> Result<Arc<Self>, SpecError> {
        let spec = Spec::load(settings.openapi.as_deref(), settings.asyncapi.as_deref())?;
        Ok(Arc::new(Self {
            spec: RwLock::new(Arc::new(spec)),
            memory: Memory::default(),
            chaos: Chaos::new(settings.latency_ms, settings.fail_rate, settings.seed),
            hubs: Mutex::new(HashMap::new()),
            stopping: CancellationToken::new(),
            settings,
        }))
    }

    /// What is served at this moment.
    pub fn spec(&self) -> Arc<Spec> {
        Arc::clone(&self.spec.read())
    }

    /// The tokens that let a caller in.
    pub fn tokens(&self) -> Vec<String> {
        self.spec().rest.tokens.known.iter().map(|(token, _)| token.clone()).collect()
    }

    fn hub(&self, channel: &Channel) -> Arc<Hub> {
        let mut hubs = self.hubs.lock();
        let hub = hubs.entry(channel.name.clone()).or_insert_with(|| Arc::new(Hub::new(&channel.counters)));
        Arc::clone(hub)
    }
}
