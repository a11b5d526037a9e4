//! Load on connections that stand: a pace of messages, or as many as the server takes.

use std::sync::Arc;
use std::time::Duration;

use futures_util::SinkExt;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_tungstenite::tungstenite::protocol::Message;

use super::link::{Error, Link, Moment, Sender};
use crate::measure::{Outcome, Recorder};
use crate::process::Server;

/// How long nothing arrives, after the last send, before what is missing counts as not delivered. Waiting for it is no part
/// of the run.
const QUIET: Duration = Duration::from_secs(5);

/// Makes the frame that one sender sends: its number in the run, the stamp, the newest moment that it was told.
pub type MakeFrame<'a> = dyn Fn(usize, u64, u64, Option<&str>) -> String + 'a;

/// What to send over the connections.
pub struct Plan {
    /// Messages a second, over all senders in turn.
    pub rate: f64,
    pub warm_up: Duration,
    pub lasting: Duration,
    /// Connections that each message reaches.
    pub reach: u64,
}

/// Connections with a task each that counts what arrives.
pub struct Crowd {
    senders: Vec<(Sender, Moment)>,
    recorder: Arc<Recorder>,
    tasks: tokio::task::JoinSet<()>,
}

impl Crowd {
    pub fn gather(links: Vec<Link>) -> Self {
        let recorder = Arc::new(Recorder::new());
        let mut tasks = tokio::task::JoinSet::new();
        let mut senders = Vec::with_capacity(links.len());
        for link in links {
            let (sender, receiver) = link.split();
            let moment = Moment::default();
            senders.push((sender, Arc::clone(&moment)));
            let recorder = Arc::clone(&recorder);
            tasks.spawn(async move { receiver.record(&recorder, &moment).await });
        }
        Self { senders, recorder, tasks }
    }

    /// Sends by the plan and waits until all has arrived, or until nothing has for [`QUIET`].
    pub async fn run(&mut self, server: &Server, plan: &Plan, frame: &MakeFrame<'_>) -> Result<Outcome, Error> {
        let warm = self.pace(plan, plan.warm_up, 0, frame).await?;
        self.settle(server, plan, warm).await?;
        self.recorder.reset();
        let (cpu, start) = (server.cpu()?, Instant::now());
        let sent = self.pace(plan, plan.lasting, warm, frame).await?;
        let (cpu_at_last, last) = self.settle(server, plan, sent).await?;
        Ok(Outcome {
            delivered: self.recorder.delivered(),
            expected: self.expected(plan, sent),
            refused: self.recorder.refusals(),
            lost_connections: self.recorder.lost_connections(),
            cpu: cpu_at_last.saturating_sub(cpu),
            wall: last.duration_since(start),
            p50: self.recorder.quantile(0.5),
            p99: self.recorder.quantile(0.99),
        })
    }

    async fn pace(&mut self, plan: &Plan, lasting: Duration, from: u64, frame: &MakeFrame<'_>) -> Result<u64, Error> {
        let mut tick = tokio::time::interval(Duration::from_secs_f64(1.0 / plan.rate));
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let end = Instant::now() + lasting;
        let mut sent = 0;
        while Instant::now() < end {
            tick.tick().await;
            let number = from + sent;
            let sender = usize::try_from(number)? % self.senders.len();
            let (link, moment) = &mut self.senders[sender];
            let text = frame(sender, number, self.recorder.now(), moment.lock().as_deref());
            link.send(Message::text(text)).await?;
            sent += 1;
        }
        Ok(sent)
    }

    /// Deliveries by the sends that were not refused.
    fn expected(&self, plan: &Plan, sent: u64) -> u64 {
        sent.saturating_sub(self.recorder.refusals()) * plan.reach
    }

    /// Waits for what was sent to arrive. Says when the last of it did, and what the server had used up by then.
    async fn settle(&self, server: &Server, plan: &Plan, sent: u64) -> Result<(Duration, Instant), Error> {
        let (mut delivered, mut cpu, mut last) = (self.recorder.delivered(), server.cpu()?, Instant::now());
        while delivered < self.expected(plan, sent) && last.elapsed() < QUIET {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let now = self.recorder.delivered();
            if now > delivered {
                (delivered, cpu, last) = (now, server.cpu()?, Instant::now());
            }
        }
        Ok((cpu, last))
    }

    /// Ends all connections.
    pub async fn disperse(mut self) {
        self.tasks.shutdown().await;
    }
}
