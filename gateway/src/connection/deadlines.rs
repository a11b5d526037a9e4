//! What a connection has to do by when.

use std::time::Duration;

use rand::RngExt as _;
use schemas::socket::Expiring;
use tokio::time::Instant;

use super::{Connection, End};
use crate::Gateway;
use crate::close::Close;
use crate::frame;
use crate::limits::Limits;
use crate::queue::Class;

impl Connection<'_> {
    /// Does what is due, and says whether that ends the connection.
    pub(super) fn due(&mut self, gateway: &Gateway) -> Option<End> {
        let (now, limits) = (Instant::now(), &gateway.limits);
        if self.blocked.is_some_and(|since| now >= since + limits.write_within) {
            return Some(End::Stuck);
        }
        if self.account.is_none() {
            return (now >= self.life.started + limits.identify_within).then_some(End::Ours(Close::IdentifyTimeout));
        }
        let (expires_at, today) = (self.outlet.expires_at(), gateway.clock.now());
        if today >= expires_at.plus(limits.expiry_grace) {
            return Some(End::Ours(Close::TokenExpired));
        }
        if today >= expires_at.minus(limits.expiring_notice) && !self.life.told_of_expiry {
            self.life.told_of_expiry = true;
            let in_ms = expires_at.since(today).as_millis() as u64;
            self.outlet.push(Class::Control, frame::json(&Expiring { in_ms }));
        }
        if now >= self.life.sign_of_life_due() {
            if self.life.pings >= limits.pings_missed_max {
                return Some(End::Ours(Close::PingTimeout));
            }
            self.life.pings += 1;
            self.life.quiet_since = now;
            self.outlet.push(Class::Control, frame::PING);
        }
        None
    }

    pub(super) fn next_deadline(&self, gateway: &Gateway) -> Instant {
        let limits = &gateway.limits;
        let unblocked = self.blocked.map(|since| since + limits.write_within);
        if self.account.is_none() {
            return unblocked.into_iter().fold(self.life.started + limits.identify_within, Instant::min);
        }
        let expires_at = self.outlet.expires_at();
        let token = if self.life.told_of_expiry {
            expires_at.plus(limits.expiry_grace)
        } else {
            expires_at.minus(limits.expiring_notice)
        };
        let token = Instant::now() + token.since(gateway.clock.now());
        unblocked.into_iter().fold(token.min(self.life.sign_of_life_due()), Instant::min)
    }
}

/// When the client was heard of.
pub(super) struct Life {
    pub(super) started: Instant,
    /// The last sign of life, or the last ping that asks for one.
    quiet_since: Instant,
    ping_after: Duration,
    pings: u8,
    pub(super) told_of_expiry: bool,
}

impl Life {
    pub(super) fn new(limits: &Limits) -> Self {
        let now = Instant::now();
        // Connections that came together are not to be pinged together.
        let ping_after = limits.ping_after.mul_f64(rand::rng().random_range(0.8..1.0));
        Self { started: now, quiet_since: now, ping_after, pings: 0, told_of_expiry: false }
    }

    pub(super) fn heard(&mut self) {
        self.quiet_since = Instant::now();
        self.pings = 0;
    }

    fn sign_of_life_due(&self) -> Instant {
        self.quiet_since + self.ping_after
    }
}
