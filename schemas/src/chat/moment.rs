use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A moment, by the clock of whoever numbers messages, and within one memory of theirs. Clients send it back as it came.
///
/// `1772442900000.3f1c0b9ad2e84756`: milliseconds, and which memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment {
    /// Below 10^15.
    pub millis: u64,
    /// Moments of different memories cannot be compared.
    pub memory: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a moment is sent back as it came")]
pub struct MomentError;

const MILLIS_DIGITS_MAX: usize = 15;
const MEMORY_DIGITS: usize = 16;

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        let (millis, memory) = text.split_once('.').ok_or(MomentError)?;
        let is_hex = memory.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if millis.len() > MILLIS_DIGITS_MAX || !millis.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(MomentError);
        }
        if memory.len() != MEMORY_DIGITS || !is_hex {
            return Err(MomentError);
        }
        let millis = millis.parse().map_err(|_| MomentError)?;
        let memory = u64::from_str_radix(memory, 16).map_err(|_| MomentError)?;
        Ok(Self { millis, memory })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:016x}", self.millis, self.memory)
    }
}

impl TryFrom<String> for Moment {
    type Error = MomentError;

    fn try_from(text: String) -> Result<Self, MomentError> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_as_it_was_written() {
        let moment = Moment { millis: 1_772_442_900_000, memory: 0x0f1c_0b9a_d2e8_4756 };
        assert_eq!(moment.to_string(), "1772442900000.0f1c0b9ad2e84756");
        assert_eq!("1772442900000.0f1c0b9ad2e84756".parse(), Ok(moment));
        assert!("999999999999999.0f1c0b9ad2e84756".parse::<Moment>().is_ok());
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        let wrong = [
            "",
            "1",
            "1.",
            ".0f1c0b9ad2e84756",
            "-1.0f1c0b9ad2e84756",
            "+1.0f1c0b9ad2e84756",
            "1.0F1C0B9AD2E84756",
            "1.0f1c0b9ad2e8475",
            "1.0f1c0b9ad2e847560",
            "1.+f1c0b9ad2e84756",
            "1000000000000000.0f1c0b9ad2e84756",
        ];
        for text in wrong {
            assert_eq!(text.parse::<Moment>(), Err(MomentError), "{text:?}");
        }
    }
}
