//! What the tests play on: the service with its stores, its routes behind the real edge, a clock that stands still.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use accounts::{Origin, Relations, Service, Settings, View};
use async_trait::async_trait;
use http::Method;
use kernel::{Clock, Ctx, Problem, RequestId, SessionId, Timestamp, UserId};
use live::bus::{Bus, Incoming, LocalBus, Window};
use live::limiter::Local;
use live::{Control, Topic};
use parking_lot::Mutex;
use postgres::Db;
use schemas::accounts::{LogIn, Registration, SignedIn};
use serde_json::Value;
use web::Authenticator as _;
use web::testing::{Answer, Ask, Door, PEER};

pub const PASSWORD: &str = "an engine that weaves";
pub const HOME: IpAddr = PEER.ip();
/// Longest wait for something that is bound to happen.
const DEADLINE: Duration = Duration::from_secs(60);

pub struct Stage {
    pub db: Db,
    pub service: Arc<Service>,
    pub clock: Clock,
    pub bus: Arc<LocalBus>,
    pub relations: Arc<Known>,
    door: Door,
}

/// Relations as a test sets them; `None` stands for a block.
#[derive(Default)]
pub struct Known(pub Mutex<HashMap<(UserId, UserId), Option<View>>>);

#[async_trait]
impl Relations for Known {
    async fn view(&self, viewer: UserId, person: UserId) -> Result<Option<View>, Problem> {
        let nothing = View { counts: Default::default(), relation: Default::default() };
        Ok(self.0.lock().get(&(viewer, person)).copied().unwrap_or(Some(nothing)))
    }
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        Self::on(postgres::testing::fresh().await, settings).await
    }

    /// A further node on the same database.
    pub async fn on(db: Db, settings: Settings) -> Self {
        let clock = Clock::manual(Timestamp::from_millis(1_770_000_000_000));
        let bus = Arc::new(LocalBus::new(Window::default()));
        let limiter = Arc::new(Local::new());
        let service = Service::start(db.clone(), limiter.clone(), bus.clone(), settings, clock.now()).await.unwrap();
        let relations = Arc::new(Known::default());
        let routes = accounts::routes(service.clone(), relations.clone());
        let door = Door::guarded(&db, &clock, limiter, service.clone(), routes);
        Self { db, service, clock, bus, relations, door }
    }

    pub fn home(&self) -> Origin {
        Origin { now: self.clock.now(), address: HOME }
    }

    pub async fn register(&self, handle: &str) -> SignedIn {
        self.service.register(self.home(), registration(handle)).await.unwrap()
    }

    pub async fn log_in(&self, handle: &str) -> SignedIn {
        self.service.log_in(self.home(), proof(handle, PASSWORD)).await.unwrap()
    }

    pub fn ctx(&self, who: &SignedIn) -> Ctx {
        self.ctx_of(who.account.id, who.tokens.session)
    }

    pub fn ctx_of(&self, user: UserId, session: SessionId) -> Ctx {
        Ctx { user, session, now: self.clock.now(), request: RequestId::random() }
    }

    /// The code with which an access token is refused, or `None` when it is good.
    pub async fn refused(&self, token: &str) -> Option<&'static str> {
        self.service.verify(token, self.clock.now()).await.err().map(|problem| problem.code)
    }

    /// Sends a request from [`HOME`], and checks the answer against openapi.
    pub async fn send(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> Answer {
        self.door.send(Ask::new(method, path).by(token).value(body)).await
    }

    /// What this node hears on a person's topic from now on.
    pub async fn listen(&self, user: UserId) -> Ear {
        self.bus.follow(Topic::User(user)).await.unwrap();
        Ear(self.bus.incoming().expect("one ear a test"))
    }

    /// The kinds of the events that wait in the outbox, in order.
    pub async fn outbox(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT kind FROM outbox ORDER BY seq").fetch_all(self.db.pool()).await.unwrap()
    }
}

pub struct Ear(tokio::sync::mpsc::Receiver<Incoming>);

impl Ear {
    /// The next thing heard: its orders, and the event's body.
    pub async fn next(&mut self) -> (Vec<Control>, Value) {
        let heard = tokio::time::timeout(DEADLINE, self.0.recv()).await.expect("something to hear").unwrap();
        let event: live::UserEvent = match heard {
            Incoming::Event { publication, .. } => serde_json::from_slice(&publication.event).unwrap(),
            Incoming::Control { event, .. } => event,
            other => panic!("{other:?}"),
        };
        let body = event.body.map_or(Value::Null, |body| serde_json::from_str(body.get()).unwrap());
        (event.control, body)
    }
}

pub fn registration(handle: &str) -> Registration {
    Registration {
        handle: handle.to_owned(),
        name: handle.to_owned(),
        password: PASSWORD.to_owned().into(),
        device: None,
    }
}

pub fn proof(handle: &str, password: &str) -> LogIn {
    LogIn { handle: handle.to_owned(), password: password.to_owned().into(), device: None }
}
