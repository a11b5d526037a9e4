//! What a client says, and what it gets for it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::mpsc::{Sender, WeakSender};

use super::hub::{Audience, Hub};
use super::pointer::put;
use super::script::{Moment, Refusal, text};
use super::timeline;
use crate::Mock;
use crate::spec::{Channel, Command, How, Push, Spec, To};

/// A connection is to be closed with this code.
pub struct End(pub u16);

/// One connection's side of the conversation.
pub struct Caller {
    id: u64,
    mock: Arc<Mock>,
    spec: Arc<Spec>,
    at: usize,
    hub: Arc<Hub>,
    /// Weak, so that the queue ends when the hub lets go of it.
    queue: WeakSender<String>,
    /// The token that it came with, once it is ready.
    token: Option<String>,
    claims: Value,
}

impl Caller {
    pub fn new(id: u64, mock: Arc<Mock>, spec: Arc<Spec>, at: usize, hub: Arc<Hub>, queue: Sender<String>) -> Self {
        Self { id, mock, spec, at, hub, queue: queue.downgrade(), token: None, claims: Value::Null }
    }

    fn channel(&self) -> &Channel {
        &self.spec.channels[self.at]
    }

    pub const fn is_ready(&self) -> bool {
        self.token.is_some()
    }

    /// Sends the first frames. Without a command that has to come first, the connection is ready at once.
    pub fn greet(&mut self) {
        let spec = Arc::clone(&self.spec);
        for name in &spec.channels[self.at].greeting {
            if let Some(message) = self.channel().messages.get(name) {
                let frame = self.moment(&Value::Null, &Value::Null).frame(message, None, &Default::default());
                self.say(&frame);
            }
        }
        if self.channel().first.is_none() {
            self.ready(String::new());
            timeline::start(&self.mock, &self.spec, self.at, &self.hub);
        }
    }

    fn ready(&mut self, token: String) {
        self.claims = self.spec.rest.tokens.claims(&token).cloned().unwrap_or_default();
        self.hub.change(self.id, |client| client.token = Some(token.clone()));
        self.token = Some(token);
    }

    fn say(&self, frame: &Value) {
        // A full queue is dealt with where others fill it, too.
        if let Some(queue) = self.queue.upgrade()
            && queue.try_send(frame.to_string()).is_err()
        {
            self.hub.leave(self.id);
        }
    }

    fn moment<'a>(&'a self, command: &'a Value, reply: &'a Value) -> Moment<'a> {
        Moment {
            spec: &self.spec,
            hub: &self.hub,
            seed: self.mock.settings.seed,
            now: Timestamp::now(),
            caller: &self.claims,
            command,
            reply,
        }
    }

    /// Answers one text frame. Only a first command that fails ends the connection.
    pub async fn hear(&mut self, frame: &str) -> Result<(), End> {
        self.mock.chaos.wait(None).await;
        let spec = Arc::clone(&self.spec);
        let channel = &spec.channels[self.at];
        let Some((frame, id)) = read(channel, frame) else {
            let refusal = Refusal::new("malformed_frame", "A command is a JSON object of id, op and d.");
            self.say(&refusal.frame(channel, None));
            return Ok(());
        };
        let is_first = |command: &Command| channel.first.as_ref() == Some(&command.message);
        let command = found(channel, &frame);
        let refused = match command {
            Some(command) if is_first(command) && self.is_ready() => {
                Some(Refusal::new("already_identified", "This connection has identified itself before."))
            }
            Some(command) if !is_first(command) && !self.is_ready() => None,
            _ if !self.is_ready() && !command.is_some_and(is_first) => None,
            None => Some(Refusal::new("unknown_command", "There is no such command.").at("/op")),
            Some(_) => None,
        };
        if let Some(refusal) = refused {
            self.say(&refusal.frame(channel, Some(&id)));
            return Ok(());
        }
        let Some(command) = command.filter(|it| self.is_ready() || is_first(it)) else {
            let refusal = Refusal::new("not_identified", "The first command is identify.");
            self.say(&refusal.frame(channel, Some(&id)));
            return Ok(());
        };
        match self.obey(channel, command, &frame, &id) {
            Ok(()) => Ok(()),
            Err((refusal, id, close)) => {
                self.say(&refusal.frame(channel, id));
                if is_first(command) { Err(End(close)) } else { Ok(()) }
            }
        }
    }

    fn obey<'a>(
        &mut self,
        channel: &Channel,
        command: &Command,
        frame: &Value,
        id: &'a Value,
    ) -> Result<(), (Refusal, Option<&'a Value>, u16)> {
        let closes = channel.closes;
        if let Err(unfit) = channel.messages[&command.message].schema.check(frame) {
            let within = unfit.pointer.strip_prefix(channel.data.as_str());
            let is_there = frame.pointer(&channel.data).is_some();
            return Err(match within {
                Some(pointer) if is_there => {
                    (Refusal::new("invalid_body", unfit.why).at(pointer), Some(id), closes.protocol)
                }
                _ => (Refusal::new("malformed_frame", told(&unfit.why, unfit.how)), None, closes.protocol),
            });
        }
        if self.is_ready() && self.mock.chaos.fails(None) {
            let mut refusal = Refusal::new("store_unavailable", "This failure was asked for.");
            refusal.retry = true;
            return Err((refusal, Some(id), closes.protocol));
        }
        let token = command.token.as_ref().and_then(|pointer| frame.pointer(pointer)).and_then(Value::as_str);
        if let Some(token) = token {
            self.verify(token).map_err(|refusal| (refusal, Some(id), closes.token))?;
        }
        let becomes_ready = !self.is_ready();
        if becomes_ready {
            self.claims = token.and_then(|it| self.spec.rest.tokens.claims(it)).cloned().unwrap_or_default();
        }
        let reply = self.reply(channel, command, frame, id);
        self.say(&reply);
        if becomes_ready {
            self.ready(token.unwrap_or_default().to_owned());
        }
        let moment = self.moment(frame, &reply);
        let topics = |topic: &Option<Value>| match topic.as_ref().and_then(|it| moment.value(it, None)) {
            Some(Value::Array(topics)) => topics.iter().map(text).collect(),
            Some(topic) => vec![text(&topic)],
            None => Vec::new(),
        };
        let (follow, unfollow) = (topics(&command.follow), topics(&command.unfollow));
        self.hub.change(self.id, |client| {
            client.follows.extend(follow);
            client.follows.retain(|topic| !unfollow.contains(topic));
        });
        for push in &command.emits {
            self.emit(channel, push, &moment);
        }
        if becomes_ready {
            timeline::start(&self.mock, &self.spec, self.at, &self.hub);
        }
        Ok(())
    }

    fn verify(&self, token: &str) -> Result<(), Refusal> {
        let claims = self.spec.rest.tokens.claims(token);
        let refused = claims.and_then(|it| it.get("refused")).and_then(Value::as_str);
        match (claims, refused) {
            (Some(_), None) => Ok(()),
            (_, Some(code)) => Err(Refusal::new(code, "This token stands for one that is refused.")),
            (None, None) => {
                let known: Vec<&str> = self.spec.rest.tokens.known.iter().map(|(token, _)| token.as_str()).collect();
                Err(Refusal::new("unauthenticated", format!("This needs a mock token: one of {}.", known.join(", "))))
            }
        }
    }

    fn reply(&self, channel: &Channel, command: &Command, frame: &Value, id: &Value) -> Value {
        let Some(message) = command.reply.as_ref().and_then(|name| channel.messages.get(name)) else {
            return Value::Null;
        };
        let moment = self.moment(frame, &Value::Null);
        let mut choices = command.choices.iter();
        let chosen = choices.find(|(when, _)| when.as_ref().is_none_or(|when| moment.value(when, None).is_some()));
        let mut reply = moment.frame(message, chosen.map(|(_, example)| example.as_str()), &command.set);
        put(&mut reply, &channel.correlation, id.clone());
        reply
    }

    fn emit(&self, channel: &Channel, push: &Push, moment: &Moment<'_>) {
        let Some(frame) = moment.push(channel, push) else { return };
        match &push.to {
            To::Everyone => self.hub.send(&Audience::Everyone, &frame),
            To::Others => self.hub.send(&Audience::AllBut(self.id), &frame),
            To::Caller => self.hub.send(&Audience::Token(self.token.as_deref().unwrap_or_default()), &frame),
            To::Followers(topic) => {
                if let Some(topic) = moment.value(topic, None) {
                    self.hub.send(&Audience::Followers(&text(&topic)), &frame);
                }
            }
        }
    }
}

/// The frame, and the id that its answer will carry.
fn read(channel: &Channel, frame: &str) -> Option<(Value, Value)> {
    let frame: Value = serde_json::from_str(frame).ok()?;
    let id = frame.pointer(&channel.correlation).filter(|id| id.is_string() || id.is_u64())?.clone();
    Some((frame, id))
}

/// The command that a frame is, by the constants of its message.
fn found<'a>(channel: &'a Channel, frame: &Value) -> Option<&'a Command> {
    let is_it = |command: &&Command| {
        let constants = &channel.messages[&command.message].constants;
        constants.iter().all(|(pointer, value)| frame.pointer(pointer) == Some(value))
    };
    channel.commands.iter().filter(is_it).max_by_key(|it| channel.messages[&it.message].constants.len())
}

fn told(why: &str, how: How) -> String {
    match how {
        How::Shape => format!("This is no command: {why}."),
        _ => format!("This is no command that fits: {why}."),
    }
}
