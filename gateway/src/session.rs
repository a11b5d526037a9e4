//! Who a connection belongs to: `identify`, and the life of its token.

use std::sync::Arc;

use kernel::{ErrorKind, Problem, UserId};
use live::{Peer, Topic, read_data};
use schemas::socket::{Identified, Identify, PresenceWish, ResumeStatus, TokenRefresh, TokenRefreshed};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::Gateway;
use crate::admission::Held;
use crate::close::Close;
use crate::frame;
use crate::metrics::METRICS;
use crate::outlet::{Outlet, Why};
use crate::queue::Class;
use crate::resume;

/// Why `identify` failed, and how the connection is closed then.
pub struct Refused {
    pub problem: Problem,
    pub close: Close,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        let close = match problem.kind {
            ErrorKind::Unauthenticated | ErrorKind::Forbidden | ErrorKind::NotFound => Close::Unauthenticated,
            ErrorKind::Invalid => Close::ProtocolError,
            // A store that does not answer says nothing about the client.
            _ => Close::Overloaded,
        };
        Self { problem, close }
    }
}

impl Gateway {
    /// Answers `identify`: afterwards the connection follows its topics, and its reply and what it missed are queued.
    pub(crate) async fn identify(
        self: &Arc<Self>,
        outlet: &Arc<Outlet>,
        id: u64,
        data: &RawValue,
    ) -> Result<Held<UserId>, Refused> {
        let identify: Identify = read_data(data)?;
        let token = identify.token.expose();
        let verified = self.authenticator.verify(token, self.clock.now()).await?;
        let Some(place) = self.accounts.take(verified.user, self.limits.connections_per_account) else {
            let message = "This account has as many connections as it may.";
            let problem = Problem::new(ErrorKind::RateLimited, "too_many_connections", message);
            return Err(Refused { problem, close: Close::TooManyConnections });
        };
        let peer = Peer { user: verified.user, session: verified.session, connection: outlet.id };
        outlet.identified_as(peer);
        outlet.expires(verified.expires_at);
        let _hold = outlet.hold();
        outlet.bar_what_is_left(true);

        // First the person's own topic: from then on, orders to follow and to leave are heard. Then what they start from.
        let own = [Topic::User(peer.user)];
        let mut followed = self.hub.attach(outlet, &own, Why::Belongs).await?;
        // Revoked before the orders were heard: then nobody told this connection.
        self.authenticator.verify(token, self.clock.now()).await?;
        let named = resume::named(identify.resume.as_ref());
        let mut topics = self.hub.topics_of(peer.user).await?;
        topics.sort_unstable();
        topics.dedup();
        followed.extend(self.hub.attach(outlet, &topics, Why::Belongs).await?);
        let wished: Vec<Topic> = named.keys().filter(|topic| !outlet.follows(**topic)).copied().collect();
        let allowed = self.hub.allowed(peer.user, &wished).await?;
        followed.extend(self.hub.attach(outlet, &allowed, Why::Asked).await?);
        followed.retain(|(topic, _)| topic.is_numbered() && outlet.follows(*topic));

        let epoch = self.hub.epoch();
        let replay = self.hub.replay(identify.resume.as_ref(), &named, &followed).await?;
        self.opened(&peer, identify.presence).await;
        outlet.bar_what_is_left(false);
        if self.hub.epoch() != epoch {
            // Live delivery lost its memory just now; these positions are of before.
            let message = "Live delivery was interrupted; try again.";
            return Err(Problem::new(ErrorKind::Unavailable, "store_unavailable", message).into());
        }
        let is_news = |topic: &Topic| replay.status != ResumeStatus::Resumed || !named.contains_key(topic);
        let positions = followed.iter().filter(|(topic, _)| is_news(topic));
        let identified = Identified {
            status: replay.status,
            user: peer.user,
            session: peer.session,
            connection: format!("{:016x}", outlet.id),
            epoch: epoch.to_string(),
            positions: positions.map(|(topic, position)| (topic.to_string(), *position)).collect(),
            gone: wished.iter().filter(|topic| !outlet.follows(**topic)).map(ToString::to_string).collect(),
            replayed: replay.missed.len(),
            token_expires_at: verified.expires_at,
        };
        METRICS.resumes.get_or_create(&[("status", label(replay.status))]).inc();
        METRICS.replayed.inc_by(replay.missed.len() as u64);
        outlet.queue().replay(reply(id, &identified), replay.missed);
        Ok(place)
    }

    /// Answers `token.refresh`. The new token must be of the same session.
    pub(crate) async fn refresh(&self, outlet: &Outlet, id: u64, data: &RawValue) {
        let wire = match self.refreshed(outlet, data).await {
            Ok(refreshed) => reply(id, &refreshed),
            Err(problem) => frame::error(Some(id), problem),
        };
        outlet.push(Class::Reply, wire);
    }

    async fn refreshed(&self, outlet: &Outlet, data: &RawValue) -> Result<TokenRefreshed, Problem> {
        let refresh: TokenRefresh = read_data(data)?;
        let verified = self.authenticator.verify(refresh.token.expose(), self.clock.now()).await?;
        if outlet.peer().is_none_or(|peer| (peer.user, peer.session) != (verified.user, verified.session)) {
            let message = "This token is of another session; open a connection of its own for it.";
            return Err(Problem::new(ErrorKind::Forbidden, "other_session", message));
        }
        // A refresh never shortens what an earlier one granted.
        outlet.expires(verified.expires_at.max(outlet.expires_at()));
        Ok(TokenRefreshed { token_expires_at: outlet.expires_at() })
    }

    async fn opened(&self, peer: &Peer, presence: Option<PresenceWish>) {
        for lifecycle in &self.lifecycle {
            lifecycle.opened(peer, presence.map(PresenceWish::as_str)).await;
        }
    }
}

fn reply(id: u64, body: &impl Serialize) -> frame::Wire {
    match serde_json::value::to_raw_value(body) {
        Ok(body) => frame::reply(id, &body, &[]),
        Err(_) => {
            let message = "Something went wrong on our side.";
            frame::error(Some(id), Problem::new(ErrorKind::Internal, "internal", message))
        }
    }
}

const fn label(status: ResumeStatus) -> &'static str {
    match status {
        ResumeStatus::Fresh => "fresh",
        ResumeStatus::Resumed => "resumed",
        ResumeStatus::Resync => "resync",
    }
}
