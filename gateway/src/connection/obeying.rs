//! Commands: what the connection does itself, and what slices do.

use std::sync::Arc;
use std::time::Duration;

use kernel::{ErrorKind, Problem};
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout};

use super::Connection;
use crate::Gateway;
use crate::close::Close;
use crate::commands::Job;
use crate::frame::{self, Command};
use crate::limits::REFUSALS_MAX;
use crate::metrics::METRICS;
use crate::queue::Class;
use crate::session::Refused;

impl Connection<'_> {
    pub(super) async fn obey(&mut self, gateway: &Arc<Gateway>, command: Option<Command<'_>>) -> Result<(), Problem> {
        let taken = self.bucket.take(Instant::now());
        self.refusals = if taken.is_ok() { 0 } else { self.refusals.saturating_add(1) };
        if self.refusals > REFUSALS_MAX {
            self.outlet.close(Close::ProtocolError);
        }
        taken.map_err(|wait| {
            let message = "Too many commands; wait before the next one.";
            Problem::new(ErrorKind::RateLimited, "rate_limited", message).retry_after(wait)
        })?;
        let command = command.ok_or_else(|| {
            let message = "A command is a JSON object of id, op and d.";
            Problem::new(ErrorKind::Invalid, "malformed_frame", message)
        })?;
        let data = command.d;
        let peer = self.outlet.peer().copied();
        match (peer, &*command.op) {
            (None, "identify") => {
                self.identify(gateway, command.id, data).await;
                Ok(())
            }
            (None, _) => {
                let message = "The first command is identify.";
                Err(Problem::new(ErrorKind::Unauthenticated, "not_identified", message))
            }
            (Some(_), "identify") => {
                let message = "This connection has identified itself before.";
                Err(Problem::new(ErrorKind::Conflict, "already_identified", message))
            }
            (Some(_), "token.refresh") => {
                let before = self.outlet.expires_at();
                gateway.refresh(self.outlet, command.id, data).await;
                // A refusal changes nothing, and is no reason to tell of the same moment again.
                self.life.told_of_expiry &= self.outlet.expires_at() == before;
                Ok(())
            }
            (Some(peer), op) => {
                let commands = gateway.commands.get(op).ok_or_else(|| {
                    Problem::new(ErrorKind::NotFound, "unknown_command", "There is no such command.").at("/op")
                })?;
                let commands = Arc::clone(commands);
                let job = Job { id: command.id, op: op.into(), data: data.to_owned(), commands, peer };
                gateway.start(self.outlet, job)
            }
        }
    }

    /// Identifies the connection, or says why not and ends it.
    async fn identify(&mut self, gateway: &Arc<Gateway>, id: u64, data: &RawValue) {
        let rest = gateway.limits.identify_within.saturating_sub(self.life.started.elapsed());
        let refused = match timeout(rest, gateway.identify(self.outlet, id, data)).await {
            Ok(Ok(place)) => {
                self.account = Some(place);
                return;
            }
            Ok(Err(refused)) => refused,
            Err(_elapsed) => {
                let message = "The server could not identify you in time.";
                let problem = Problem::new(ErrorKind::Unavailable, "overloaded", message);
                Refused { problem: problem.retry_after(Duration::from_secs(1)), close: Close::Overloaded }
            }
        };
        METRICS.commands_refused.get_or_create(&[("code", refused.problem.code)]).inc();
        self.outlet.push(Class::Reply, frame::error(Some(id), refused.problem));
        self.outlet.close(refused.close);
    }
}
