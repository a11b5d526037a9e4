//! Why a connection ends, and what its client should do about it.

use live::CloseReason;

/// A close code. 4000 to 4499: connect again and resume. From 4500: connecting again as before will end the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Close {
    /// This server is stopping.
    GoingAway = 4000,
    /// The client did not read what was sent to it.
    SlowConsumer = 4001,
    /// No sign of life after several pings.
    PingTimeout = 4002,
    /// The server cannot go on with this connection; wait before the next.
    Overloaded = 4003,
    /// A frame that this protocol forbids.
    ProtocolError = 4500,
    /// No successful `identify` in time.
    IdentifyTimeout = 4501,
    /// The token was refused.
    Unauthenticated = 4502,
    /// The session was logged out.
    SessionRevoked = 4503,
    /// The access token expired and was not refreshed.
    TokenExpired = 4504,
    /// The account has as many connections as it may.
    TooManyConnections = 4505,
    /// The account is gone or locked.
    AccountClosed = 4506,
}

impl Close {
    pub const ALL: [Self; 11] = [
        Self::GoingAway,
        Self::SlowConsumer,
        Self::PingTimeout,
        Self::Overloaded,
        Self::ProtocolError,
        Self::IdentifyTimeout,
        Self::Unauthenticated,
        Self::SessionRevoked,
        Self::TokenExpired,
        Self::TooManyConnections,
        Self::AccountClosed,
    ];

    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// Whether the client should connect again and resume.
    #[must_use]
    pub const fn reconnects(self) -> bool {
        self.code() < 4500
    }

    /// The text beside the code.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::GoingAway => "going away",
            Self::SlowConsumer => "slow consumer: resume from your positions",
            Self::PingTimeout => "ping timeout",
            Self::Overloaded => "overloaded",
            Self::ProtocolError => "protocol error",
            Self::IdentifyTimeout => "identify timeout",
            Self::Unauthenticated => "unauthenticated",
            Self::SessionRevoked => "session revoked",
            Self::TokenExpired => "token expired",
            Self::TooManyConnections => "too many connections",
            Self::AccountClosed => "account closed",
        }
    }
}

impl From<CloseReason> for Close {
    fn from(reason: CloseReason) -> Self {
        match reason {
            CloseReason::SessionRevoked => Self::SessionRevoked,
            CloseReason::AccountClosed => Self::AccountClosed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_private_use_distinct_and_fit_a_close_frame() {
        let mut codes: Vec<_> = Close::ALL.iter().map(|close| close.code()).collect();
        assert!(codes.iter().all(|code| (4000..=4999).contains(code)));
        assert!(Close::ALL.iter().all(|close| close.reason().len() <= 123));
        codes.dedup();
        assert_eq!(codes.len(), Close::ALL.len());
    }
}
