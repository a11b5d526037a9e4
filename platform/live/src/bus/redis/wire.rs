//! What nodes tell each other, as bytes.

use bytes::Bytes;

use super::broken;
use crate::UserEvent;
use crate::bus::{BusError, Publication};

/// First byte of what is published: an event, `e<number> <own number or -> <traceparent or -> <JSON>`; or the JSON of …
pub(super) const EVENT: u8 = b'e';
/// … an order, or …
pub(super) const CONTROL: u8 = b'c';
/// … a signal.
pub(super) const SIGNAL: u8 = b's';

/// An event and the trace that it belongs to, as scripts take it.
pub(super) fn draft(event: &UserEvent) -> Result<Bytes, BusError> {
    let mut draft = telemetry::current_traceparent().map_or_else(|| b"-".to_vec(), |trace| Vec::from(trace.as_bytes()));
    draft.push(b' ');
    serde_json::to_writer(&mut draft, event).map_err(broken)?;
    Ok(draft.into())
}

pub(super) fn publication(payload: &Bytes) -> Option<Publication> {
    let mut parts = payload.splitn(4, |byte| *byte == b' ');
    let mut word = || std::str::from_utf8(parts.next()?).ok();
    let offset = word()?.strip_prefix('e')?.parse().ok()?;
    let seq = match word()? {
        "-" => None,
        seq => Some(seq.parse().ok()?),
    };
    let trace = word().filter(|trace| *trace != "-").map(Box::from);
    let event = parts.next().map(|event| payload.slice_ref(event))?;
    Some(Publication { offset, seq, trace, event })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_as_scripts_write_it() {
        let read = |text: &'static str| publication(&Bytes::from_static(text.as_bytes()));
        let event = read("e17 - - {\"body\":{\"a\": 1}}").unwrap();
        assert_eq!((event.offset, event.seq, event.trace), (17, None, None));
        assert_eq!(event.event, "{\"body\":{\"a\": 1}}");
        let event = read("e18 42 00-ab-cd-01 {}").unwrap();
        assert_eq!((event.seq, event.trace.as_deref()), (Some(42), Some("00-ab-cd-01")));
        for wrong in ["", "e", "x1 - - {}", "e1 -", "e1 x - {}"] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }
}
