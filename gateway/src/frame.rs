//! Frames to and from bytes. Pure.
//!
//! A frame that goes to clients is built once, with its WebSocket header, as [`Bytes`] that all queues share: a broadcast
//! to a thousand sockets costs one encoding and no copy.

use std::fmt::Write as _;

use bytes::{BufMut, Bytes, BytesMut};
use live::{Publication, Signal, Topic};
use schemas::socket::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A whole WebSocket frame, ready for the wire.
pub type Wire = Bytes;

/// Final text frame, unmasked as a server's frames are.
const TEXT: u8 = 0x81;
/// An empty ping.
pub const PING: Wire = Bytes::from_static(&[0x89, 0x00]);

/// One command of a client.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command<'a> {
    pub id: u64,
    #[serde(borrow)]
    pub op: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    pub d: &'a RawValue,
}

/// Greatest id that every JSON library keeps exact.
pub const COMMAND_ID_MAX: u64 = (1 << 53) - 1;

impl<'a> Command<'a> {
    /// Reads a text frame. `None` for what is not a command.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let command: Self = serde_json::from_str(text).ok()?;
        (1..=COMMAND_ID_MAX).contains(&command.id).then_some(command)
    }
}

/// Where topics stand that a connection has just begun to follow.
pub type Positions = [(Topic, u64)];

/// `{"t":"event",…}` of an event's body.
#[must_use]
pub fn event(topic: &Topic, publication: &Publication, body: &RawValue, follows: &Positions) -> Wire {
    let mut text = Text::with_capacity(body.get().len() + 80 + 60 * follows.len());
    text.push_fmt(format_args!(r#"{{"t":"event","topic":"{topic}","pos":{},"d":"#, publication.offset));
    text.push(body.get());
    text.positions(follows);
    text.push("}");
    text.finish()
}

/// `{"t":"signal",…}`.
#[must_use]
pub fn signal(topic: &Topic, signal: &Signal) -> Wire {
    let mut text = Text::with_capacity(signal.body.get().len() + 64);
    text.push_fmt(format_args!(r#"{{"t":"signal","topic":"{topic}","d":"#));
    text.push(signal.body.get());
    text.push("}");
    text.finish()
}

/// `{"t":"reply",…}`, with the positions of the topics that the command made the connection follow.
#[must_use]
pub fn reply(id: u64, body: &RawValue, follows: &Positions) -> Wire {
    let mut text = Text::with_capacity(body.get().len() + 48 + 60 * follows.len());
    text.push_fmt(format_args!(r#"{{"t":"reply","id":{id},"d":"#));
    text.push(body.get());
    text.positions(follows);
    text.push("}");
    text.finish()
}

/// `{"t":"error",…}`; without an id when the frame could not be read.
#[must_use]
pub fn error(id: Option<u64>, problem: kernel::Problem) -> Wire {
    #[derive(Serialize)]
    struct Frame {
        t: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
        error: Refusal,
    }
    json(&Frame { t: "error", id, error: problem.into() })
}

/// Any of the envelope's own frames.
#[must_use]
pub fn json(frame: &impl Serialize) -> Wire {
    // Made of strings and numbers, which always serialise.
    text(&serde_json::to_vec(frame).unwrap_or_default())
}

/// A text frame of what is UTF-8 already.
#[must_use]
pub fn text(payload: &[u8]) -> Wire {
    let mut text = Text::with_capacity(payload.len());
    text.0.extend_from_slice(payload);
    text.finish()
}

/// A payload, with room before it for the header, whose length is not known until the end.
struct Text(BytesMut);

const HEADER_MAX: usize = 10;

impl Text {
    fn with_capacity(payload: usize) -> Self {
        let mut bytes = BytesMut::with_capacity(HEADER_MAX + payload);
        bytes.put_bytes(0, HEADER_MAX);
        Self(bytes)
    }

    fn push(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn push_fmt(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to memory does not fail.
        let _ = self.0.write_fmt(text);
    }

    fn positions(&mut self, follows: &Positions) {
        for (nth, (topic, position)) in follows.iter().enumerate() {
            let before = if nth == 0 { r#","positions":{"# } else { "," };
            self.push_fmt(format_args!(r#"{before}"{topic}":{position}"#));
        }
        if !follows.is_empty() {
            self.push("}");
        }
    }

    fn finish(self) -> Wire {
        let mut frame = self.0;
        let length = frame.len() - HEADER_MAX;
        let (header, size) = header(length);
        let start = HEADER_MAX - size;
        frame[start..HEADER_MAX].copy_from_slice(&header[..size]);
        frame.freeze().slice(start..)
    }
}

/// The header of a text frame (RFC 6455, section 5.2), and its length.
fn header(payload: usize) -> ([u8; HEADER_MAX], usize) {
    let mut header = [0; HEADER_MAX];
    header[0] = TEXT;
    match payload {
        0..=125 => {
            header[1] = payload as u8;
            (header, 2)
        }
        126..=0xffff => {
            header[1] = 126;
            header[2..4].copy_from_slice(&(payload as u16).to_be_bytes());
            (header, 4)
        }
        _ => {
            header[1] = 127;
            header[2..10].copy_from_slice(&(payload as u64).to_be_bytes());
            (header, 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{RoomId, Timestamp, UserId};

    fn payload(wire: &Wire) -> &str {
        let skip = match wire[1] {
            127 => 10,
            126 => 4,
            _ => 2,
        };
        std::str::from_utf8(&wire[skip..]).unwrap()
    }

    #[test]
    fn headers_change_form_where_the_standard_says() {
        for (length, expected) in [
            (0, &[0x81, 0][..]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (0xffff, &[0x81, 126, 0xff, 0xff]),
            (0x1_0000, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let wire = text(&vec![b'x'; length]);
            assert_eq!(&wire[..expected.len()], expected);
            assert_eq!(wire.len(), expected.len() + length);
        }
    }

    #[test]
    fn bodies_are_spliced_in_as_they_are() {
        let topic = Topic::Room(RoomId::new(Timestamp::from_millis(1)));
        let other = Topic::User(UserId::new(Timestamp::from_millis(1)));
        let body = RawValue::from_string(r#"{"type":"message.created", "n":1.50}"#.to_owned()).unwrap();
        let publication = Publication { offset: 7, seq: None, trace: None, event: Bytes::new() };
        assert_eq!(
            payload(&event(&topic, &publication, &body, &[])),
            format!(r#"{{"t":"event","topic":"{topic}","pos":7,"d":{{"type":"message.created", "n":1.50}}}}"#)
        );
        assert_eq!(
            payload(&reply(3, &body, &[(topic, 1), (other, 2)])),
            format!(
                r#"{{"t":"reply","id":3,"d":{{"type":"message.created", "n":1.50}},"positions":{{"{topic}":1,"{other}":2}}}}"#
            )
        );
    }

    #[test]
    fn only_whole_commands_are_read() {
        let command = Command::parse(r#"{"id":1,"op":"history","d":{"limit":2}}"#).unwrap();
        assert_eq!((command.id, &*command.op, command.d.get()), (1, "history", r#"{"limit":2}"#));
        assert!(Command::parse(r#"{"id":9007199254740991,"op":"x","d":1}"#).is_some());
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"id":0,"op":"x","d":1}"#,
            r#"{"id":9007199254740992,"op":"x","d":1}"#,
            r#"{"id":1.5,"op":"x","d":1}"#,
            r#"{"id":1,"op":"x"}"#,
            r#"{"id":1,"op":"x","d":1,"e":2}"#,
        ] {
            assert!(Command::parse(wrong).is_none(), "{wrong}");
        }
    }
}
