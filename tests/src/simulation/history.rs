//! What was acknowledged, what each device saw, and whether the two agree.

use std::collections::{BTreeMap, HashMap, HashSet};

use kernel::{MessageId, RoomId};

/// A send as its sender knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub room: RoomId,
    pub client_id: String,
    pub text: String,
    /// Number and id, once the server has acknowledged it.
    pub acknowledged: Option<(u64, MessageId)>,
}

/// A message as a device has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub id: MessageId,
    pub text: String,
    pub version: u64,
}

/// All that one device has, by room and sequence number.
#[derive(Debug, Clone, Default)]
pub struct Device {
    pub name: String,
    /// The rooms that its owner is a member of.
    pub rooms: HashSet<RoomId>,
    pub messages: HashMap<RoomId, BTreeMap<u64, Seen>>,
    /// Edits that came before their message: an event may overtake a page of history that is on its way.
    pub early: HashMap<(RoomId, u64), (u64, String)>,
    /// What the device itself noticed: two messages of one number, a number behind its time.
    pub complaints: Vec<String>,
    /// Whether everything came as events. If not, edits may have been missed, which only history tells.
    pub unbroken: bool,
}

impl Device {
    /// Up to where a room's messages are all there.
    #[must_use]
    pub fn complete_to(&self, room: RoomId) -> u64 {
        let Some(messages) = self.messages.get(&room) else { return 0 };
        (1..).zip(messages.keys()).take_while(|(wanted, seq)| wanted == *seq).count() as u64
    }

    /// Takes an edit in, or keeps it until its message comes.
    pub fn edit(&mut self, room: RoomId, seq: u64, version: u64, text: String) {
        match self.messages.get_mut(&room).and_then(|messages| messages.get_mut(&seq)) {
            Some(known) if known.version < version => (known.version, known.text) = (version, text),
            Some(_) => {}
            None => {
                let early = self.early.entry((room, seq)).or_default();
                if early.0 < version {
                    *early = (version, text);
                }
            }
        }
    }

    /// Takes a message in. A second one of the same number must be the same one, as new or newer.
    pub fn take(&mut self, room: RoomId, seq: u64, mut seen: Seen) {
        if let Some((version, text)) = self.early.remove(&(room, seq))
            && version > seen.version
        {
            (seen.version, seen.text) = (version, text);
        }
        let messages = self.messages.entry(room).or_default();
        match messages.get_mut(&seq) {
            None => {
                messages.insert(seq, seen);
            }
            Some(known) if known.id != seen.id => {
                self.complaints.push(format!("{room} {seq} is {} and {}", known.id, seen.id));
            }
            Some(known) if known.version < seen.version => *known = seen,
            Some(_) => {}
        }
    }
}

/// Everything that must hold at the end. Returns what does not.
#[must_use]
pub fn violations(sent: &[Sent], edits: &HashMap<MessageId, (u64, String)>, devices: &[Device]) -> Vec<String> {
    let mut wrong: Vec<String> = Vec::new();
    let acknowledged: Vec<_> = sent.iter().filter_map(|sent| Some((sent, sent.acknowledged?))).collect();

    let mut numbers = HashSet::new();
    for (sent, (seq, _)) in &acknowledged {
        if !numbers.insert((sent.room, *seq)) {
            wrong.push(format!("{} {seq} was acknowledged for two messages", sent.room));
        }
    }

    let texts: HashSet<(RoomId, &str)> = sent.iter().map(|sent| (sent.room, sent.text.as_str())).collect();
    for device in devices {
        wrong.extend(device.complaints.iter().map(|complaint| format!("{}: {complaint}", device.name)));
        for (sent, (seq, id)) in acknowledged.iter().filter(|(sent, _)| device.rooms.contains(&sent.room)) {
            match device.messages.get(&sent.room).and_then(|messages| messages.get(seq)) {
                None => wrong.push(format!("{} lacks {} {seq} ({:?})", device.name, sent.room, sent.text)),
                Some(seen) if seen.id != *id => {
                    wrong.push(format!("{} has another message as {} {seq}", device.name, sent.room));
                }
                Some(seen) => {
                    let (version, text) = edits.get(id).map_or((1, &sent.text), |(version, text)| (*version, text));
                    if device.unbroken && (seen.version < version || seen.version == version && seen.text != *text) {
                        let have = (seen.version, &seen.text);
                        wrong.push(format!("{} has {} {seq} as {have:?}, not {text:?}", device.name, sent.room));
                    }
                }
            }
        }
        for (room, messages) in &device.messages {
            if !device.rooms.contains(room) {
                wrong.push(format!("{} has messages of {room}, which is none of its rooms", device.name));
            }
            let (last, complete) = (messages.keys().last().copied().unwrap_or(0), device.complete_to(*room));
            if last != complete {
                wrong.push(format!("{} has {room} up to {last}, with a hole after {complete}", device.name));
            }
            // What was sent once is there once, acknowledged or not.
            let mut once = HashSet::new();
            for (seq, seen) in messages.iter().filter(|(_, seen)| seen.version == 1 && !seen.text.is_empty()) {
                if !once.insert(&seen.text) {
                    wrong
                        .push(format!("{} has {:?} in {room} twice, the second time as {seq}", device.name, seen.text));
                }
                if !texts.contains(&(*room, seen.text.as_str())) {
                    wrong.push(format!("{} has {:?} in {room}, which nobody sent", device.name, seen.text));
                }
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Timestamp;

    fn world() -> (Vec<Sent>, Device) {
        let room = RoomId::new(Timestamp::from_millis(1));
        let mut device = Device { name: "ada's".to_owned(), unbroken: true, ..Device::default() };
        device.rooms.insert(room);
        let mut all = Vec::new();
        for seq in 1..=3 {
            let (id, text) = (MessageId::new(Timestamp::from_millis(2)), format!("number {seq}"));
            device.take(room, seq, Seen { id, text: text.clone(), version: 1 });
            all.push(Sent { room, client_id: seq.to_string(), text, acknowledged: Some((seq, id)) });
        }
        (all, device)
    }

    #[test]
    fn nothing_is_wrong_with_a_complete_device() {
        let (sent, device) = world();
        assert_eq!(violations(&sent, &HashMap::new(), &[device]), [""; 0]);
    }

    #[test]
    fn what_is_lost_doubled_or_changed_is_noticed() {
        let spoil = |change: &dyn Fn(&mut Vec<Sent>, &mut Device)| {
            let (mut sent, mut device) = world();
            change(&mut sent, &mut device);
            violations(&sent, &HashMap::new(), &[device]).join("; ")
        };
        fn messages(device: &mut Device) -> &mut BTreeMap<u64, Seen> {
            device.messages.values_mut().next().unwrap()
        }
        let lost = spoil(&|_, device| drop(messages(device).remove(&2)));
        assert!(lost.contains("lacks") && lost.contains("hole after 1"), "{lost}");
        let doubled = spoil(&|_, device| {
            let again = messages(device)[&1].clone();
            messages(device).insert(4, again);
        });
        assert!(doubled.contains("twice, the second time as 4"), "{doubled}");
        let clash = spoil(&|sent, _| sent[2].acknowledged = sent[1].acknowledged);
        assert!(clash.contains("acknowledged for two"), "{clash}");
        let renumbered = spoil(&|_, device| {
            let room = *device.messages.keys().next().unwrap();
            let id = MessageId::new(Timestamp::from_millis(9));
            device.take(room, 1, Seen { id, text: "number 1".to_owned(), version: 1 });
        });
        assert!(renumbered.contains(" 1 is "), "{renumbered}");
        let foreign = spoil(&|sent, _| drop(sent.remove(0)));
        assert!(foreign.contains("nobody sent"), "{foreign}");
    }

    #[test]
    fn the_highest_version_stays_whichever_comes_first() {
        let (room, id) = (RoomId::new(Timestamp::from_millis(1)), MessageId::new(Timestamp::from_millis(2)));
        let mut device = Device::default();
        device.edit(room, 1, 3, "third".to_owned());
        device.edit(room, 1, 2, "second".to_owned());
        device.take(room, 1, Seen { id, text: "first".to_owned(), version: 1 });
        assert_eq!(device.messages[&room][&1].text, "third");
        device.edit(room, 1, 4, "fourth".to_owned());
        device.take(room, 1, Seen { id, text: "third".to_owned(), version: 3 });
        assert_eq!(device.messages[&room][&1].text, "fourth");
    }

    #[test]
    fn an_edit_must_have_arrived_where_nothing_was_interrupted() {
        let (sent, mut device) = world();
        let (_, id) = sent[0].acknowledged.unwrap();
        let edits = HashMap::from([(id, (2, "better".to_owned()))]);
        assert_eq!(violations(&sent, &edits, std::slice::from_ref(&device)).len(), 1);
        device.unbroken = false;
        assert!(violations(&sent, &edits, std::slice::from_ref(&device)).is_empty());
    }
}
