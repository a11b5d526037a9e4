//! The fields of a message, one after the other.

use bytes::{Buf as _, Bytes};
use kernel::Timestamp;

use super::DecodeError;
use crate::Lsn;

/// PostgreSQL counts microseconds from 2000-01-01T00:00:00Z.
const EPOCH_MS: i64 = 946_684_800_000;

pub struct Fields {
    bytes: Bytes,
}

impl Fields {
    pub const fn new(bytes: Bytes) -> Self {
        Self { bytes }
    }

    pub fn left(&self) -> usize {
        self.bytes.len()
    }

    pub fn byte(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        self.bytes.try_get_u8().map_err(|_| DecodeError::Truncated(what))
    }

    pub fn u16(&mut self, what: &'static str) -> Result<u16, DecodeError> {
        self.bytes.try_get_u16().map_err(|_| DecodeError::Truncated(what))
    }

    pub fn u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        self.bytes.try_get_u32().map_err(|_| DecodeError::Truncated(what))
    }

    fn u64(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        self.bytes.try_get_u64().map_err(|_| DecodeError::Truncated(what))
    }

    pub fn lsn(&mut self, what: &'static str) -> Result<Lsn, DecodeError> {
        self.u64(what).map(Lsn::new)
    }

    pub fn time(&mut self, what: &'static str) -> Result<Timestamp, DecodeError> {
        self.u64(what).map(|micros| since_2000(micros.cast_signed()))
    }

    /// A length: never negative.
    pub fn length(&mut self, what: &'static str) -> Result<usize, DecodeError> {
        let number = self.u32(what)?.cast_signed();
        usize::try_from(number).map_err(|_| DecodeError::OutOfRange { what, number: number.into() })
    }

    pub fn take(&mut self, length: usize, what: &'static str) -> Result<Bytes, DecodeError> {
        if length > self.bytes.len() {
            return Err(DecodeError::Truncated(what));
        }
        Ok(self.bytes.split_to(length))
    }

    /// A text that ends with a zero byte.
    pub fn text(&mut self, what: &'static str) -> Result<String, DecodeError> {
        let length = self.bytes.iter().position(|byte| *byte == 0).ok_or(DecodeError::Truncated(what))?;
        let text = self.bytes.split_to(length);
        self.bytes.advance(1);
        String::from_utf8(text.into()).map_err(|_| DecodeError::NotUtf8(what))
    }
}

/// A time as PostgreSQL writes it into its log.
pub fn since_2000(micros: i64) -> Timestamp {
    Timestamp::from_millis(micros.div_euclid(1_000).saturating_add(EPOCH_MS))
}
