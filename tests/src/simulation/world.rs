//! The people of a plan, at work.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use kernel::{MessageId, RoomId};
use parking_lot::Mutex;
use plaza_client::{Backoff, CommandError, Event, Options, ResumeStatus, Socket, Subscription};
use schemas::chat::{Message, MessageCreated, MessageDeleted, MessageEdited};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::history::{self, Seen, Sent, violations};
use super::plan::{Action, Part, Plan};
use crate::deployment::Deployment;
use crate::people::Person;
use crate::wait;

/// How long after the last action everything may take to arrive everywhere.
const SETTLE_WITHIN: Duration = Duration::from_secs(90);
/// How long a sender goes on trying. Longer than any fault that is tried here.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(60);

/// Of one device: what follows is mostly the same.
const FAILURES_SHOWN: usize = 3;

/// Everybody in a plan, connected.
pub struct World {
    plan: Plan,
    people: Vec<Person>,
    rooms: Vec<RoomId>,
    actors: Vec<Actor>,
}

/// One device at work.
struct Actor {
    part: Part,
    socket: Socket,
    view: Arc<Mutex<history::Device>>,
    reader: JoinHandle<()>,
    sent: Vec<Sent>,
    edits: HashMap<MessageId, (u64, String)>,
    /// What went wrong, and should have gone right.
    failures: Vec<String>,
    /// Clear answers that something may pass later, with how often each came.
    refusals: BTreeMap<String, usize>,
}

/// What the senders came away with.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    pub seed: u64,
    pub sent: usize,
    pub acknowledged: usize,
    /// Why something was refused for a while, and how often, over all devices.
    pub refusals: BTreeMap<String, usize>,
    /// What went wrong, and should have gone right.
    pub failures: Vec<String>,
    pub resumes: u64,
    pub resyncs: u64,
}

impl World {
    /// Registers the people, makes the rooms, and connects all devices, spread over the nodes.
    pub async fn open(plaza: &Deployment, plan: Plan) -> Self {
        let mut people = Vec::new();
        for number in 0..plan.parts.iter().map(|part| part.person + 1).max().unwrap_or(0) {
            people.push(plaza.person(["ada", "ben", "cleo", "dana", "eli", "fay"][number % 6]).await);
        }
        let mut rooms = Vec::new();
        for (number, members) in plan.rooms.iter().enumerate() {
            let others: Vec<_> = members[1..].iter().map(|member| people[*member].id()).collect();
            let room = people[members[0]].session.group(&format!("room {number}"), &others).await;
            rooms.push(room.expect("a room can be made").id);
        }
        let actors = plan.parts.iter().enumerate().map(|(number, part)| {
            let own = (0..rooms.len()).filter(|room| plan.rooms[*room].contains(&part.person)).map(|room| rooms[room]);
            let person = &people[part.person];
            Actor::start(format!("device {number} of {}", person.session.me().handle), part, person, own, plaza.bases())
        });
        let actors = actors.collect();
        Self { plan, people, rooms, actors }
    }

    /// Everybody does their part, to the end.
    pub async fn act(&mut self) -> Tally {
        let (seed, rooms) = (self.plan.seed, &self.rooms);
        join_all(self.actors.iter_mut().enumerate().map(|(number, actor)| actor.act(seed, number, rooms))).await;
        let mut tally = Tally { seed, ..Tally::default() };
        for actor in &self.actors {
            tally.sent += actor.sent.len();
            tally.acknowledged += actor.sent.iter().filter(|sent| sent.acknowledged.is_some()).count();
            tally.resumes += actor.socket.stats().resumes.load(Ordering::Relaxed);
            tally.resyncs += actor.socket.stats().resyncs.load(Ordering::Relaxed);
            tally.failures.extend(actor.view.lock().complaints.iter().cloned());
            tally.failures.extend(actor.failures.iter().take(FAILURES_SHOWN).cloned());
            for (why, times) in &actor.refusals {
                *tally.refusals.entry(why.clone()).or_default() += times;
            }
        }
        tally
    }

    /// Waits until everything has arrived everywhere.
    ///
    /// # Panics
    /// When something that must hold does not, or a frame was not as the specs have it.
    pub async fn assert_holds(&self) {
        let mut wrong = Vec::new();
        let settled = wait::within(SETTLE_WITHIN, async || {
            wrong = self.wrong(None);
            wrong.is_empty().then_some(())
        });
        if settled.await.is_some() {
            // Not only the devices: what the stores say must be the same.
            wrong = self.wrong(Some(self.stored().await));
        }
        let seed = self.plan.seed;
        assert!(wrong.is_empty(), "PLAZA_SIM_SEED={seed} replays this:\n{}", wrong.join("\n"));
        for person in &self.people {
            person.contract.assert_kept();
        }
    }

    fn wrong(&self, stored: Option<history::Device>) -> Vec<String> {
        let mut views: Vec<_> = self.actors.iter().map(|actor| actor.view.lock().clone()).collect();
        views.extend(stored);
        let sent: Vec<_> = self.actors.iter().flat_map(|actor| actor.sent.clone()).collect();
        let edits = self.actors.iter().flat_map(|actor| actor.edits.clone()).collect();
        let failures = self.actors.iter().flat_map(|actor| actor.failures.clone());
        failures.chain(violations(&sent, &edits, &views)).collect()
    }

    /// All rooms as history has them.
    async fn stored(&self) -> history::Device {
        let mut stored = history::Device { name: "history".to_owned(), unbroken: true, ..history::Device::default() };
        for (room, members) in self.rooms.iter().zip(&self.plan.rooms) {
            stored.rooms.insert(*room);
            let reader = self.actors.iter().find(|actor| members.contains(&actor.part.person));
            let reader = reader.expect("every room has a member with a device");
            for message in read_on(&reader.socket, *room, 0).await.unwrap_or_default() {
                stored.take(*room, message.seq, seen(&message));
            }
        }
        stored
    }
}

impl Actor {
    fn start(
        name: String,
        part: &Part,
        person: &Person,
        rooms: impl Iterator<Item = RoomId>,
        nodes: Vec<String>,
    ) -> Self {
        let backoff = Backoff { longest: Duration::from_secs(1), ..Backoff::default() };
        let options = Options { nodes, backoff, reply_within: ACKNOWLEDGED_WITHIN, ..Options::default() };
        let (socket, subscription) = Socket::start(person.session.clone(), options);
        let rooms = rooms.collect();
        let view = history::Device { name, rooms, unbroken: true, ..history::Device::default() };
        let view = Arc::new(Mutex::new(view));
        let reader = tokio::spawn(listen(socket.clone(), subscription, Arc::clone(&view)));
        let (sent, edits, failures, refusals) = (Vec::new(), HashMap::new(), Vec::new(), BTreeMap::new());
        Self { part: part.clone(), socket, view, reader, sent, edits, failures, refusals }
    }

    async fn act(&mut self, seed: u64, number: usize, rooms: &[RoomId]) {
        for (step, (pause, action)) in self.part.actions.clone().into_iter().enumerate() {
            sleep(pause).await;
            let done = match action {
                Action::Send { room } => self.send(rooms[room], format!("{seed}/{number}/{step}")).await,
                Action::Edit { room } => self.edit(rooms[room]).await,
                Action::Read { room } => {
                    let seq = self.view.lock().complete_to(rooms[room]);
                    if seq == 0 { Ok(()) } else { self.socket.read(rooms[room], seq).await.map(drop) }
                }
                Action::Bounce { away } => self.socket.bounce(away).await,
            };
            // What may pass later is a clear answer; whether it was needed is for the test to say.
            match done {
                Ok(()) => {}
                Err(error) if error.is_temporary() => *self.refusals.entry(error.to_string()).or_default() += 1,
                Err(error) => self.failures.push(format!("device {number}, step {step}: {error:?}")),
            }
        }
    }

    async fn send(&mut self, room: RoomId, text: String) -> Result<(), CommandError> {
        let message = self.socket.message(room, text.clone());
        let outcome = self.socket.send(&message).await;
        let acknowledged = outcome.as_ref().ok().map(|sent| (sent.message.seq, sent.message.id));
        self.sent.push(Sent { room, client_id: message.client_id.to_string(), text, acknowledged });
        outcome.map(drop)
    }

    async fn edit(&mut self, room: RoomId) -> Result<(), CommandError> {
        let own = self.sent.iter().rev().find(|sent| sent.room == room && sent.acknowledged.is_some());
        let Some((seq, id)) = own.and_then(|sent| sent.acknowledged) else { return Ok(()) };
        let text = format!("{}, edited", own.map(|sent| sent.text.as_str()).unwrap_or_default());
        let edited = self.socket.edit_message(room, seq, text).await?;
        self.edits.insert(id, (u64::from(edited.version), edited.text));
        Ok(())
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

fn seen(message: &Message) -> Seen {
    Seen { id: message.id, text: message.text.clone(), version: u64::from(message.version) }
}

/// Takes in all that a socket brings, and reads from history what it says it cannot bring.
async fn listen(socket: Socket, mut subscription: Subscription, view: Arc<Mutex<history::Device>>) {
    while let Some(event) = subscription.next().await {
        match &event {
            Event::Connected { how: ResumeStatus::Fresh, .. } => read_all(&socket, &view),
            Event::Resync { .. } | Event::Gap { .. } => {
                view.lock().unbroken = false;
                read_all(&socket, &view);
            }
            Event::Update { kind, .. } => take_in(kind, &event, &mut view.lock()),
            Event::Closed { why } => view.lock().complaints.push(format!("closed for good: {why}")),
            Event::Connected { .. } | Event::Signal { .. } | Event::Disconnected { .. } => {}
        }
    }
}

fn take_in(kind: &str, event: &Event, view: &mut history::Device) {
    let mut unreadable = |why: serde_json::Error| view.complaints.push(format!("{kind} cannot be read: {why}"));
    match kind {
        "message.created" => match event.parse::<MessageCreated>() {
            Some(Ok(MessageCreated { message })) => view.take(message.room, message.seq, seen(&message)),
            Some(Err(why)) => unreadable(why),
            None => {}
        },
        "message.edited" => match event.parse::<MessageEdited>() {
            Some(Ok(edit)) => view.edit(edit.room, edit.seq, u64::from(edit.version), edit.text),
            Some(Err(why)) => unreadable(why),
            None => {}
        },
        "message.deleted" => match event.parse::<MessageDeleted>() {
            Some(Ok(gone)) => view.edit(gone.room, gone.seq, u64::from(gone.version), String::new()),
            Some(Err(why)) => unreadable(why),
            None => {}
        },
        _ => {}
    }
}

/// Reads all rooms on from where this device's own record ends, beside what goes on coming in.
fn read_all(socket: &Socket, view: &Arc<Mutex<history::Device>>) {
    let rooms = view.lock().rooms.clone();
    for room in rooms {
        let (socket, view) = (socket.clone(), Arc::clone(view));
        tokio::spawn(async move {
            let after = view.lock().complete_to(room);
            match read_on(&socket, room, after).await {
                Ok(messages) => {
                    let mut view = view.lock();
                    for message in messages {
                        view.take(room, message.seq, seen(&message));
                    }
                }
                Err(why) => view.lock().complaints.push(format!("{room} cannot be read: {why}")),
            }
        });
    }
}

/// History after `after`, tried again while the failure may pass.
async fn read_on(socket: &Socket, room: RoomId, after: u64) -> Result<Vec<Message>, CommandError> {
    let mut failures = 0;
    loop {
        match socket.catch_up(room, after).await {
            Err(error) if error.is_temporary() => {
                failures += 1;
                sleep(Backoff::default().wait(failures.min(3), error.retry_after())).await;
            }
            done => return done,
        }
    }
}
