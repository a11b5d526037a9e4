//! Running commands: reads side by side, everything else in the order of its arrival.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kernel::{Ctx, ErrorKind, Problem, RequestId};
use live::{Commands, Peer};
use serde_json::value::RawValue;
use tracing::Instrument as _;

use crate::Gateway;
use crate::frame;
use crate::outlet::{Hold, Outlet, Why};
use crate::queue::Class;

/// One command on its way to the slice that answers it.
pub struct Job {
    pub id: u64,
    pub op: Box<str>,
    pub data: Box<RawValue>,
    pub commands: Arc<dyn Commands>,
    pub peer: Peer,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not its data: that is what people say.
        f.debug_struct("Job").field("id", &self.id).field("op", &self.op).finish_non_exhaustive()
    }
}

impl Gateway {
    /// Has `job` answered, unless too many are unanswered already.
    pub(crate) fn start(self: &Arc<Self>, outlet: &Arc<Outlet>, job: Job) -> Result<(), Problem> {
        let limit = self.limits.commands_in_flight;
        let one_more = |running: usize| (running < limit).then_some(running + 1);
        if outlet.in_flight.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_err() {
            let message = "Too many commands of this connection are unanswered; wait for their answers.";
            let problem = Problem::new(ErrorKind::RateLimited, "too_many_in_flight", message);
            return Err(problem.retry_after(Duration::from_millis(100)));
        }
        let gateway = Arc::clone(self);
        let outlet = Arc::clone(outlet);
        if job.commands.is_read(&job.op) {
            tokio::spawn(async move { gateway.answer(&outlet, job).await });
            return Ok(());
        }
        {
            let mut lane = outlet.lane.lock();
            lane.waiting.push_back(job);
            if lane.running {
                return Ok(());
            }
            lane.running = true;
        }
        tokio::spawn(async move {
            while let Some(job) = next(&outlet) {
                gateway.answer(&outlet, job).await;
            }
        });
        Ok(())
    }

    async fn answer(self: &Arc<Self>, outlet: &Arc<Outlet>, job: Job) {
        let request = RequestId::random();
        let span = tracing::info_span!("socket.command", op = %job.op, %request, otel.kind = "server");
        async {
            let id = job.id;
            let op = job.op.clone();
            let work = self.carry_out(outlet, job, request);
            // On a task of its own, so that a panic in a slice is an answer and not the end of the lane.
            let done = tokio::spawn(tokio::time::timeout(self.limits.command_within, work).in_current_span()).await;
            let mut held = None;
            let wire = match done {
                Ok(Ok(Ok((wire, hold)))) => {
                    held = hold;
                    wire
                }
                Ok(Ok(Err(problem))) => {
                    if problem.kind == ErrorKind::Internal {
                        tracing::error!(code = problem.code, "a command failed");
                    }
                    frame::error(Some(id), problem)
                }
                Ok(Err(_elapsed)) => {
                    tracing::warn!(%op, "a command took too long");
                    let message = "This took too long, and may have happened. Repeat it as it was.";
                    let problem = Problem::new(ErrorKind::Unavailable, "outcome_unknown", message);
                    frame::error(Some(id), problem.retry_after(Duration::from_secs(1)))
                }
                Err(panic) => {
                    tracing::error!(%panic, "a command panicked");
                    let message = "Something went wrong on our side.";
                    frame::error(Some(id), Problem::new(ErrorKind::Internal, "internal", message))
                }
            };
            outlet.push(Class::Reply, wire);
            drop(held);
        }
        .instrument(span)
        .await;
        outlet.in_flight.fetch_sub(1, Ordering::AcqRel);
    }

    /// Calls the slice, and follows what its reply says before that is sent. Events wait for it meanwhile.
    fn carry_out(
        self: &Arc<Self>,
        outlet: &Arc<Outlet>,
        job: Job,
        request: RequestId,
    ) -> impl Future<Output = Result<(frame::Wire, Option<Hold>), Problem>> + Send + 'static {
        let (gateway, outlet) = (Arc::clone(self), Arc::clone(outlet));
        async move {
            let Peer { user, session, .. } = job.peer;
            let ctx = Ctx { user, session, now: gateway.clock.now(), request };
            let reply = job.commands.call(&ctx, &job.peer, &job.op, &job.data).await?;
            for topic in reply.unfollow {
                gateway.hub.detach(&outlet, topic);
            }
            if reply.follow.is_empty() {
                return Ok((frame::reply(job.id, &reply.body, &[]), None));
            }
            let hold = outlet.hold();
            let mut positions = gateway.hub.attach(&outlet, &reply.follow, Why::Asked).await?;
            positions.retain(|(topic, _)| topic.is_numbered());
            Ok((frame::reply(job.id, &reply.body, &positions), Some(hold)))
        }
    }
}

/// The next command of the lane; ends the lane when there is none.
fn next(outlet: &Outlet) -> Option<Job> {
    let mut lane = outlet.lane.lock();
    let next = lane.waiting.pop_front();
    if next.is_none() {
        lane.running = false;
        // An idle connection holds nothing for commands.
        lane.waiting.shrink_to_fit();
    }
    next
}
