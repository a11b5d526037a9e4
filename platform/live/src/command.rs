//! Commands that arrive on a socket, and the slices that answer them.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Ctx, Problem, SessionId, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::Topic;

/// A failed command: what its error frame will say.
pub type CommandError = Problem;

/// Reads the `d` of a command, as strictly as a request's body is read.
pub fn read_data<T: DeserializeOwned>(data: &RawValue) -> Result<T, CommandError> {
    Ok(kernel::json::read(data.get().as_bytes())?)
}

/// The answer to a command, and what it does to the connection that asked.
#[derive(Debug)]
pub struct Reply {
    pub body: Box<RawValue>,
    /// Topics that this connection follows from now on. The gateway follows them before it sends the reply, and adds
    /// their positions to it.
    pub follow: Vec<Topic>,
    pub unfollow: Vec<Topic>,
}

impl Reply {
    /// A reply that carries `body`.
    pub fn with(body: &impl Serialize) -> Result<Self, CommandError> {
        let body = serde_json::value::to_raw_value(body)
            .map_err(|_| Problem::new(kernel::ErrorKind::Internal, "internal", "Something went wrong on our side."))?;
        Ok(Self { body, follow: Vec::new(), unfollow: Vec::new() })
    }

    #[must_use]
    pub fn follow(mut self, topics: impl IntoIterator<Item = Topic>) -> Self {
        self.follow.extend(topics);
        self
    }

    #[must_use]
    pub fn unfollow(mut self, topics: impl IntoIterator<Item = Topic>) -> Self {
        self.unfollow.extend(topics);
        self
    }
}

/// One identified connection, as slices see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Peer {
    pub user: UserId,
    pub session: SessionId,
    /// Unique among all connections of all nodes.
    pub connection: u64,
}

/// A slice's socket commands.
#[async_trait]
pub trait Commands: Send + Sync {
    /// The names of the commands that this slice answers, as the AsyncAPI file has them.
    fn names(&self) -> &'static [&'static str];

    /// Whether `name` only reads. Reads may overtake a connection's other commands, which run one after the other in
    /// the order of their arrival.
    fn is_read(&self, _name: &str) -> bool {
        false
    }

    /// Answers one command. `data` is the frame's `d` member, not yet looked at.
    ///
    /// MUST be safe to run concurrently with other commands of the same connection, and MUST NOT wait for the client.
    async fn call(&self, ctx: &Ctx, peer: &Peer, name: &str, data: &RawValue) -> Result<Reply, CommandError>;
}

/// Told of connections that come and go.
#[async_trait]
pub trait Lifecycle: Send + Sync {
    /// After a connection has identified itself. `presence` is the state that it asked to appear in, as `identify` has it.
    async fn opened(&self, peer: &Peer, presence: Option<&str>);
    /// After a connection has ended, however it ended.
    async fn closed(&self, peer: &Peer);
}

/// Says which topics a person's connection follows from the start, besides the person's own.
#[async_trait]
pub trait TopicSource: Send + Sync {
    async fn topics(&self, user: UserId) -> Result<Vec<Topic>, CommandError>;

    /// Which of `wished` the person may follow besides: the open channels of an interrupted connection. Asked when a
    /// connection resumes with positions of topics that [`TopicSource::topics`] does not name.
    async fn allowed(&self, _user: UserId, _wished: &[Topic]) -> Result<Vec<Topic>, CommandError> {
        Ok(Vec::new())
    }
}

/// All slices' commands by name.
#[derive(Clone, Default)]
pub struct CommandSet(HashMap<&'static str, Arc<dyn Commands>>);

impl CommandSet {
    #[must_use]
    pub fn new(slices: impl IntoIterator<Item = Arc<dyn Commands>>) -> Self {
        let mut by_name = HashMap::new();
        for slice in slices {
            for name in slice.names() {
                let twice = by_name.insert(*name, Arc::clone(&slice)).is_some();
                debug_assert!(!twice, "two slices answer {name}");
            }
        }
        Self(by_name)
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Commands>> {
        self.0.get(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.keys().copied()
    }
}
