//! Those who use a Plaza in tests: people with a session, devices with a socket and a record of what they saw.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use plaza_client::{ApiError, CommandError, Event, Options, Session, Socket, Subscription};
use schemas::accounts::{Device as DeviceName, LogIn, Platform, Registration};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::contract::Contract;
use crate::deployment::Deployment;
use crate::wait::SOON;

pub const PASSWORD: &str = "correct horse battery";

/// A person who has registered. Several may be called ada; their handles differ.
#[derive(Clone)]
pub struct Person {
    pub session: Session,
    pub contract: Arc<Contract>,
    nodes: Vec<String>,
}

impl Deployment {
    /// Somebody new, whose handle begins with `name`.
    pub async fn person(&self, name: &str) -> Person {
        let contract = Contract::new();
        let api = self.api().witnessed_by(contract.clone());
        let registration = Registration {
            handle: format!("{name}_{:08x}", rand::random::<u32>()),
            name: name.to_owned(),
            password: PASSWORD.to_owned().into(),
            device: Some(DeviceName { name: "first".to_owned(), platform: Platform::Desktop }),
        };
        let session = api.register(&registration).await.expect("a new handle registers");
        Person { session, contract, nodes: self.bases() }
    }
}

impl Person {
    /// The same person on another device: another session.
    pub async fn log_in(&self, device: &str) -> Result<Self, ApiError> {
        let log_in = LogIn {
            handle: self.session.me().handle.clone(),
            password: PASSWORD.to_owned().into(),
            device: Some(DeviceName { name: device.to_owned(), platform: Platform::Ios }),
        };
        let session = self.session.api().log_in(&log_in).await?;
        Ok(Self { session, contract: Arc::clone(&self.contract), nodes: self.nodes.clone() })
    }

    /// Opens a socket by any node, and waits until it is identified.
    pub async fn device(&self) -> Device {
        self.device_with(Options { nodes: self.nodes.clone(), ..Options::default() }).await
    }

    /// Opens a socket by the node of this number.
    pub async fn device_by(&self, node: usize) -> Device {
        let node = self.nodes[node % self.nodes.len()].clone();
        self.device_with(Options { nodes: vec![node], ..Options::default() }).await
    }

    pub async fn device_with(&self, options: Options) -> Device {
        let device = Device::start(self.clone(), options);
        device.until("connected", |event| matches!(event, Event::Connected { .. }).then_some(())).await;
        device
    }

    #[must_use]
    pub fn id(&self) -> kernel::UserId {
        self.session.user()
    }
}

/// One open socket, with everything that it brought.
pub struct Device {
    pub socket: Socket,
    pub person: Person,
    record: Arc<Record>,
    reader: JoinHandle<()>,
}

struct Record {
    events: Mutex<Vec<Event>>,
    length: watch::Sender<usize>,
}

/// In place of a length: nothing more will come.
const ENDED: usize = usize::MAX;

impl Device {
    /// Opens a socket without waiting for it.
    #[must_use]
    pub fn start(person: Person, options: Options) -> Self {
        let (socket, subscription) = Socket::start(person.session.clone(), options);
        let record = Arc::new(Record { events: Mutex::new(Vec::new()), length: watch::Sender::new(0) });
        let reader = tokio::spawn(Arc::clone(&record).keep(subscription));
        Self { socket, person, record, reader }
    }

    /// The first event, past or to come, in which `find` finds something.
    ///
    /// # Panics
    /// When none comes soon.
    pub async fn until<T>(&self, what: &str, find: impl FnMut(&Event) -> Option<T>) -> T {
        self.within(SOON, find).await.unwrap_or_else(|| panic!("in vain: {what}\n{self:?}"))
    }

    pub async fn within<T>(&self, deadline: Duration, mut find: impl FnMut(&Event) -> Option<T>) -> Option<T> {
        let mut length = self.record.length.subscribe();
        let mut seen = 0;
        let search = async {
            loop {
                {
                    let events = self.record.events.lock();
                    if let Some(found) = events[seen..].iter().find_map(&mut find) {
                        return Some(found);
                    }
                    seen = events.len();
                }
                if *length.wait_for(|length| *length > seen).await.ok()? == ENDED {
                    // The end may have come right behind an event that was not looked at yet.
                    return self.record.events.lock()[seen..].iter().find_map(&mut find);
                }
            }
        };
        tokio::time::timeout(deadline, search).await.ok().flatten()
    }

    /// The first update or signal of a kind, past or to come, for which `which` holds; read as what it is.
    pub async fn told<T: DeserializeOwned>(&self, kind: &str, mut which: impl FnMut(&T) -> bool) -> T {
        self.until(kind, |event| read(event, kind).filter(&mut which)).await
    }

    /// All updates and signals of a kind until now.
    #[must_use]
    pub fn all<T: DeserializeOwned>(&self, kind: &str) -> Vec<T> {
        self.record.events.lock().iter().filter_map(|event| read(event, kind)).collect()
    }

    /// How many events of any sort have come until now.
    #[must_use]
    pub fn count(&self, which: impl Fn(&Event) -> bool) -> usize {
        self.record.events.lock().iter().filter(|event| which(event)).count()
    }

    /// Forgets what came until now.
    pub fn forget(&self) {
        self.record.events.lock().clear();
        self.record.length.send_replace(0);
    }

    /// Sends a command and reads its reply as plain JSON.
    pub async fn call(&self, op: &'static str, data: Value) -> Result<Value, CommandError> {
        self.socket.call(op, &data).await
    }
}

impl Record {
    async fn keep(self: Arc<Self>, mut subscription: Subscription) {
        while let Some(event) = subscription.next().await {
            let length = {
                let mut events = self.events.lock();
                events.push(event);
                events.len()
            };
            self.length.send_replace(length);
        }
        self.length.send_replace(ENDED);
    }
}

fn read<T: DeserializeOwned>(event: &Event, wanted: &str) -> Option<T> {
    event.parse_as(wanted)?.ok()
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} has seen:", self.person.session.me().handle)?;
        self.record.events.lock().iter().try_for_each(|event| writeln!(f, "  {event:?}"))
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.reader.abort();
        // A difference from the specs fails the test, unless it is failing already.
        if !std::thread::panicking() {
            self.person.contract.assert_kept();
        }
    }
}
