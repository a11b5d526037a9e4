//! Drives the WebSocket of a server, mock or real, by its spec alone, and says where the two differ.
//!
//! Each example of each command is sent as it stands, and then spoilt in every way that its schema refuses. What answers must be what
//! the spec declares, and the connection must live on; whatever else arrives must be one of the channel's messages.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::socket::pointer::{put, remove};
use crate::spec::{Channel, Command, Spec};

/// How long a server has for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Longest wait that a server may ask for before a command is repeated.
const WAIT_MS_MAX: u64 = 10_000;

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("no connection: {0}")]
    Connect(String),
    #[error("the connection ended after {0}")]
    Ended(String),
    #[error("{0}: no answer within {ANSWER_WITHIN:?}")]
    Silent(String),
}

/// What came of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// Frames that were sent and answered as declared.
    pub passed: usize,
    /// Differences, a sentence each.
    pub differences: Vec<String>,
    /// Refusals that were excepted, and how often each came.
    pub excepted: BTreeMap<String, usize>,
}

/// Drives every channel at `address` (host and port). `exceptions` are commands and codes, `message.send room_not_found`: valid commands
/// that this server may refuse, because it does not have what the examples name.
pub async fn run(spec: &Spec, address: &str, token: &str, exceptions: &[String]) -> Result<Report, Broken> {
    let mut report = Report::default();
    for channel in &spec.channels {
        let mut run = Run::open(channel, address, token, exceptions, &mut report).await?;
        run.greeted().await?;
        let first = channel.commands.iter().find(|it| channel.first.as_ref() == Some(&it.message));
        if let Some(first) = first {
            // Of several examples, the first: later ones may ask for more.
            run.valid(first, 1).await?;
        }
        for command in channel.commands.iter().filter(|it| channel.first.as_ref() != Some(&it.message)) {
            run.valid(command, usize::MAX).await?;
            run.spoilt(command).await?;
        }
        run.no_command().await?;
    }
    Ok(report)
}

struct Run<'a> {
    channel: &'a Channel,
    socket: WebSocketStream<TcpStream>,
    token: &'a str,
    exceptions: &'a [String],
    report: &'a mut Report,
    id: u64,
}

impl<'a> Run<'a> {
    async fn open(
        channel: &'a Channel,
        address: &str,
        token: &'a str,
        exceptions: &'a [String],
        report: &'a mut Report,
    ) -> Result<Self, Broken> {
        let failed = |error: tungstenite::Error| Broken::Connect(error.to_string());
        let mut request = format!("ws://{address}{}", channel.address).into_client_request().map_err(failed)?;
        if let Some(protocol) = channel.subprotocol.as_ref().and_then(|it| it.parse().ok()) {
            request.headers_mut().insert("sec-websocket-protocol", protocol);
        }
        let stream = TcpStream::connect(address).await.map_err(|error| Broken::Connect(error.to_string()))?;
        let (socket, _) = tokio_tungstenite::client_async(request, stream).await.map_err(failed)?;
        Ok(Self { channel, socket, token, exceptions, report, id: 0 })
    }

    fn differs(&mut self, what: String) {
        self.report.differences.push(what);
    }

    async fn greeted(&mut self) -> Result<(), Broken> {
        for name in &self.channel.greeting {
            let frame = self.frame(name).await?;
            match self.channel.messages[name].schema.check(&frame) {
                Ok(()) => self.report.passed += 1,
                Err(unfit) => self.differs(format!("{name}: {} at {:?}", unfit.why, unfit.pointer)),
            }
        }
        Ok(())
    }

    /// Sends the examples of a command as they stand.
    async fn valid(&mut self, command: &Command, most: usize) -> Result<(), Broken> {
        let channel = self.channel;
        for (name, example) in channel.messages[&command.message].examples.iter().take(most) {
            let what = format!("{} {name}", command.message);
            let answer = self.ask(&what, command, example.clone()).await?;
            let reply = command.reply.as_ref().and_then(|name| channel.messages.get(name));
            let Some(reply) = reply else { continue };
            if reply.schema.is_valid(&answer) && reply.constants.iter().all(|(at, it)| answer.pointer(at) == Some(it)) {
                self.report.passed += 1;
                continue;
            }
            match self.refusal(&answer) {
                Some(code) => {
                    let exception = format!("{} {code}", command.message);
                    if self.exceptions.contains(&exception) {
                        *self.report.excepted.entry(exception).or_default() += 1;
                    } else {
                        self.differs(format!("{what}: refused with {code}"));
                    }
                }
                None => self.differs(format!("{what}: neither its reply nor a refusal: {answer}")),
            }
        }
        Ok(())
    }

    /// Sends the first example of a command, spoilt in every way that the schema refuses.
    async fn spoilt(&mut self, command: &Command) -> Result<(), Broken> {
        let message = &self.channel.messages[&command.message];
        let Some((_, example)) = message.examples.first() else { return Ok(()) };
        let mut start = example.clone();
        put(&mut start, &self.channel.correlation, json!(1));
        for (how, frame) in spoilt(&start, &self.channel.data) {
            if message.schema.is_valid(&frame) {
                continue;
            }
            let what = format!("{} with {how}", command.message);
            let answer = self.ask(&what, command, frame).await?;
            match self.refusal(&answer) {
                Some(_) => self.report.passed += 1,
                None => self.differs(format!("{what}: not refused: {answer}")),
            }
        }
        Ok(())
    }

    /// What is no command at all is refused without an id, and the connection lives on.
    async fn no_command(&mut self) -> Result<(), Broken> {
        if self.channel.error.is_none() {
            return Ok(());
        }
        for text in ["", "[]", "{", "\"hello\""] {
            self.say(text, "no command").await?;
            let answer = self.answer("no command", None).await?;
            match self.refusal(&answer) {
                Some(_) => self.report.passed += 1,
                None => self.differs(format!("{text:?}: not refused: {answer}")),
            }
        }
        Ok(())
    }

    /// The code of a frame that refuses a command as the spec says.
    fn refusal(&self, frame: &Value) -> Option<String> {
        let error = self.channel.messages.get(self.channel.error.as_ref()?)?;
        let is_one = error.constants.iter().all(|(pointer, value)| frame.pointer(pointer) == Some(value));
        (is_one && error.schema.is_valid(frame))
            .then(|| frame.pointer("/error/code")?.as_str().map(ToOwned::to_owned))?
    }

    /// Sends a command under an id of its own, again after the wait that the server asks for, until it is answered.
    async fn ask(&mut self, what: &str, command: &Command, mut frame: Value) -> Result<Value, Broken> {
        if let Some(pointer) = command.token.as_ref().filter(|it| frame.pointer(it).is_some_and(Value::is_string)) {
            put(&mut frame, pointer, self.token.into());
        }
        loop {
            self.id += 1;
            put(&mut frame, &self.channel.correlation, self.id.into());
            self.say(&frame.to_string(), what).await?;
            let answer = self.answer(what, Some(&self.id.into())).await?;
            let limited = answer.pointer("/error/code").is_some_and(|code| code == "rate_limited");
            match answer.pointer("/error/retry_after_ms").and_then(Value::as_u64) {
                Some(wait_ms) if limited => {
                    tokio::time::sleep(Duration::from_millis(wait_ms.clamp(1, WAIT_MS_MAX))).await;
                }
                _ => return Ok(answer),
            }
        }
    }

    /// The answer with this id, or a refusal without one. Whatever else comes meanwhile is checked.
    async fn answer(&mut self, what: &str, id: Option<&Value>) -> Result<Value, Broken> {
        loop {
            let frame = self.frame(what).await?;
            match (frame.pointer(&self.channel.correlation), id) {
                (Some(given), Some(id)) if given == id => return Ok(frame),
                (None, _) if self.refusal(&frame).is_some() => return Ok(frame),
                _ => {}
            }
            let channel = self.channel;
            let mut messages = channel.messages.values();
            let is_it = |pointer: &String, value: &Value| frame.pointer(pointer) == Some(value);
            let known = messages.find(|message| {
                !message.constants.is_empty()
                    && message.constants.iter().all(|(pointer, value)| is_it(pointer, value))
                    && message.schema.is_valid(&frame)
            });
            if known.is_none() {
                self.differs(format!("after {what}: no message of the channel: {frame}"));
            }
        }
    }

    async fn say(&mut self, text: &str, what: &str) -> Result<(), Broken> {
        let sent = self.socket.send(Message::text(text.to_owned())).await;
        sent.map_err(|_| Broken::Ended(what.to_owned()))
    }

    async fn frame(&mut self, what: &str) -> Result<Value, Broken> {
        loop {
            match timeout(ANSWER_WITHIN, self.socket.next()).await {
                Err(_) => return Err(Broken::Silent(what.to_owned())),
                Ok(Some(Ok(Message::Text(text)))) => match serde_json::from_str(&text) {
                    Ok(frame) => return Ok(frame),
                    Err(_) => self.differs(format!("after {what}: no JSON: {text}")),
                },
                Ok(Some(Ok(Message::Close(frame)))) => {
                    let code = frame.map_or(1005, |frame| u16::from(frame.code));
                    return Err(Broken::Ended(format!("{what}, with the code {code}")));
                }
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(_)) | None) => return Err(Broken::Ended(what.to_owned())),
            }
        }
    }
}

/// A frame with one thing wrong, in every way.
fn spoilt(frame: &Value, data: &str) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let mut change = |how: String, change: &dyn Fn(&mut Value)| {
        let mut spoilt = frame.clone();
        change(&mut spoilt);
        all.push((how, spoilt));
    };
    let place = |name: &str| format!("{data}/{}", name.replace('~', "~0").replace('/', "~1"));
    change("an unknown member".to_owned(), &|it| put(it, &place("no_such_member"), true.into()));
    for name in frame.pointer(data).and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name) {
        change(format!("{name} missing"), &|it| remove(it, &place(name)));
        change(format!("{name} null"), &|it| put(it, &place(name), Value::Null));
        change(format!("{name} a nested list"), &|it| put(it, &place(name), json!([[]])));
    }
    all
}
