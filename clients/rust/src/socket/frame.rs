//! The server's frames, read.

use schemas::socket::{Expiring, Hello, Positions, Reconnect, Refusal, Resync};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// One frame from the server.
#[derive(Debug)]
pub enum Frame {
    Hello(Hello),
    /// `positions`, here and in an event: where topics stand that this connection follows from now on.
    Reply {
        id: u64,
        body: Box<RawValue>,
        positions: Positions,
    },
    Error {
        id: Option<u64>,
        refusal: Refusal,
    },
    Event {
        topic: Box<str>,
        pos: u64,
        body: Box<RawValue>,
        positions: Positions,
    },
    Signal {
        topic: Box<str>,
        body: Box<RawValue>,
    },
    Resync(Resync),
    Reconnect(Reconnect),
    Expiring(Expiring),
    /// A kind that this client does not know: to be passed over.
    Unknown,
}

/// All members of all frames. Told apart by hand, because a tagged enum cannot keep a body raw.
#[derive(Deserialize)]
struct Members<'a> {
    t: &'a str,
    id: Option<u64>,
    topic: Option<&'a str>,
    pos: Option<u64>,
    #[serde(borrow)]
    d: Option<&'a RawValue>,
    error: Option<Refusal>,
    #[serde(default)]
    positions: Positions,
}

impl Frame {
    /// Reads one text frame. The error is a sentence for the log.
    pub fn parse(text: &str) -> Result<Self, String> {
        let excerpt = || text.chars().take(200).collect::<String>();
        let frame: Members<'_> = serde_json::from_str(text).map_err(|why| format!("{why} in frame {}", excerpt()))?;
        frame.read(text).map_err(|what| format!("{what} in frame {}", excerpt()))
    }
}

impl Members<'_> {
    fn read(self, text: &str) -> Result<Frame, String> {
        Ok(match self.t {
            "event" => Frame::Event {
                topic: self.topic()?,
                pos: self.pos.ok_or("no pos")?,
                body: self.body()?,
                positions: self.positions,
            },
            "signal" => Frame::Signal { topic: self.topic()?, body: self.body()? },
            "reply" => Frame::Reply { id: self.id.ok_or("no id")?, body: self.body()?, positions: self.positions },
            "error" => Frame::Error { id: self.id, refusal: self.error.ok_or("no error")? },
            "hello" => Frame::Hello(whole(text)?),
            "resync" => Frame::Resync(whole(text)?),
            "reconnect" => Frame::Reconnect(whole(text)?),
            "expiring" => Frame::Expiring(whole(text)?),
            _ => Frame::Unknown,
        })
    }

    fn topic(&self) -> Result<Box<str>, String> {
        Ok(self.topic.ok_or("no topic")?.into())
    }

    fn body(&self) -> Result<Box<RawValue>, String> {
        Ok(self.d.ok_or("no d")?.to_owned())
    }
}

/// Frames that carry no slice's data are their own bodies.
fn whole<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|why| why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_stay_as_they_were_written() {
        let text = r#"{"t":"event","topic":"room_1","pos":7,"d":{"type":"message.created", "n":1.50}}"#;
        let Ok(Frame::Event { topic, pos, body, .. }) = Frame::parse(text) else { panic!("not an event") };
        assert_eq!((&*topic, pos, body.get()), ("room_1", 7, r#"{"type":"message.created", "n":1.50}"#));
    }

    #[test]
    fn unknown_kinds_and_members_are_passed_over() {
        assert!(matches!(Frame::parse(r#"{"t":"weather","d":{}}"#), Ok(Frame::Unknown)));
        let more = r#"{"t":"expiring","in_ms":30000,"since":"now"}"#;
        assert!(matches!(Frame::parse(more), Ok(Frame::Expiring(Expiring { in_ms: 30_000 }))));
    }

    #[test]
    fn a_frame_without_what_it_needs_is_refused() {
        for wrong in ["", "{}", r#"{"t":"event","pos":1,"d":{}}"#, r#"{"t":"reply","id":1}"#, r#"{"t":"error"}"#] {
            assert!(Frame::parse(wrong).is_err(), "{wrong}");
        }
    }
}
