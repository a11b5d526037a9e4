//! Small writes that share requests.
//!
//! While as many requests are on their way as may be, writes that come gather, and leave as soon as one is answered. So nobody waits
//! who comes alone, and the more come at once, the less each costs: most of what a small write costs Cassandra and the driver is its
//! request.
//!
//! A request stays below what the server warns of, in bytes and in partitions (`batch_size_warn_threshold` and
//! `unlogged_batch_across_partitions_warn_threshold` of `cassandra.yaml`): so few mutations are no burden for the node that hands them
//! on to their replicas.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use kernel::StoreError;
use scylla::client::session::Session;
use scylla::errors::ExecutionError;
use scylla::serialize::row::SerializeRow;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::prepared::PreparedStatement;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::fault::{self, StoreResult};

/// Writes that leave together: each may be of another partition, and of more than 10 the server warns.
const WRITES_MAX: usize = 10;
/// Bytes that leave together, of 5,120 of which the server does not warn.
const BYTES_MAX: usize = 5_120;
/// What a write counts beside its long values: its key, its other columns, and what the server keeps with each.
const WRITE_BYTES: usize = 128;
/// Longest that the long values of one caller's writes are to be small, in bytes.
pub const SMALL_BYTES_MAX: usize = BYTES_MAX - WRITES_MAX * WRITE_BYTES;
/// Requests on their way at which writes begin to gather: while one is carried out, the next has arrived.
const REQUESTS_MAX: usize = 2;
/// Longest that a write waits for requests to be answered: what it waits for may hang.
const GATHER_MAX: Duration = Duration::from_millis(5);
/// Groups that may wait to be gathered.
const QUEUE: usize = 256;

/// A write with its values.
pub struct Write {
    statement: PreparedStatement,
    values: Box<dyn SerializeRow + Send + Sync>,
    bytes: usize,
}

impl Write {
    /// `bytes` is how long its long values are (texts and blobs).
    pub fn new(statement: &PreparedStatement, values: impl SerializeRow + Send + Sync + 'static, bytes: usize) -> Self {
        Self { statement: statement.clone(), values: Box::new(values), bytes }
    }
}

/// What a caller wants written, and where the answer goes.
struct Asked<W> {
    writes: Vec<W>,
    /// With what each write counts beside its long values.
    bytes: usize,
    answer: oneshot::Sender<StoreResult<()>>,
}

/// Where writes are gathered. Clones gather in one place.
pub(crate) struct Gather<W = Write>(mpsc::Sender<Asked<W>>);

impl<W> Clone for Gather<W> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Gather {
    pub(crate) fn new(session: Arc<Session>) -> Self {
        Self::over(move |writes| {
            let session = session.clone();
            async move { send(&session, writes).await }
        })
    }

    pub(crate) async fn write(&self, writes: Vec<Write>) -> StoreResult<()> {
        let bytes = writes.iter().map(|write| write.bytes).sum();
        self.ask(writes, bytes).await
    }
}

impl<W: Send + 'static> Gather<W> {
    /// Gathers until all clones are gone.
    fn over<S, F>(send: S) -> Self
    where
        S: Fn(Vec<W>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), ExecutionError>> + Send + 'static,
    {
        let (asks, asked) = mpsc::channel(QUEUE);
        tokio::spawn(async move { carry(&send, asked).await });
        Self(asks)
    }

    /// `bytes` is how long all long values are.
    async fn ask(&self, writes: Vec<W>, bytes: usize) -> StoreResult<()> {
        if writes.len() > WRITES_MAX || bytes > SMALL_BYTES_MAX {
            return Err(StoreError::broken(format!("{} writes of {bytes} bytes are not small", writes.len())));
        }
        let bytes = bytes + writes.len() * WRITE_BYTES;
        let (answer, answered) = oneshot::channel();
        if self.0.send(Asked { writes, bytes, answer }).await.is_err() {
            return Err(StoreError::unavailable("nobody gathers writes any more"));
        }
        let gone = |_| Err(StoreError::Unknown("whoever gathered the writes is gone".into()));
        answered.await.unwrap_or_else(gone)
    }
}

/// A request that is being gathered.
struct Next<W> {
    asked: Vec<Asked<W>>,
    writes: usize,
    bytes: usize,
}

impl<W> Next<W> {
    const fn new() -> Self {
        Self { asked: Vec::new(), writes: 0, bytes: 0 }
    }

    const fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    fn has_room_for(&self, asked: &Asked<W>) -> bool {
        self.writes + asked.writes.len() <= WRITES_MAX && self.bytes + asked.bytes <= BYTES_MAX
    }

    fn push(&mut self, asked: Asked<W>) {
        self.writes += asked.writes.len();
        self.bytes += asked.bytes;
        self.asked.push(asked);
    }

    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::new())
    }
}

async fn carry<W, S, F>(send: &S, mut asked: mpsc::Receiver<Asked<W>>)
where
    S: Fn(Vec<W>) -> F,
    F: Future<Output = Result<(), ExecutionError>>,
{
    let (mut come, mut next) = (Vec::with_capacity(QUEUE), Next::new());
    let mut requests = FuturesUnordered::new();
    let mut leaves = std::pin::pin!(sleep_until(Instant::now()));
    loop {
        if !next.is_empty() && requests.len() < REQUESTS_MAX {
            requests.push(answer(send, next.take()));
        }
        tokio::select! {
            biased;
            Some(()) = requests.next() => {}
            () = &mut leaves, if !next.is_empty() => requests.push(answer(send, next.take())),
            count = asked.recv_many(&mut come, QUEUE) => {
                if count == 0 {
                    return;
                }
                for asked in come.drain(..) {
                    if !next.has_room_for(&asked) {
                        requests.push(answer(send, next.take()));
                    }
                    if next.is_empty() {
                        leaves.as_mut().reset(Instant::now() + GATHER_MAX);
                    }
                    next.push(asked);
                }
            }
        }
    }
}

/// Sends a request, and tells everybody who waits for it.
async fn answer<W, S, F>(send: &S, next: Next<W>)
where
    S: Fn(Vec<W>) -> F,
    F: Future<Output = Result<(), ExecutionError>>,
{
    let (mut writes, mut waiting) = (Vec::with_capacity(next.writes), Vec::with_capacity(next.asked.len()));
    // Without those that nobody waits for any more.
    for asked in next.asked.into_iter().filter(|asked| !asked.answer.is_closed()) {
        writes.extend(asked.writes);
        waiting.push(asked.answer);
    }
    if writes.is_empty() {
        return;
    }
    let meaning = if writes.len() == 1 { fault::write } else { fault::write_all };
    let sent = send(writes).await;
    for waits in waiting {
        // Whoever no longer waits does not want to know.
        drop(waits.send(sent.clone().map_err(meaning)));
    }
}

async fn send(session: &Session, mut writes: Vec<Write>) -> Result<(), ExecutionError> {
    if writes.len() == 1
        && let Some(write) = writes.pop()
    {
        return session.execute_unpaged(&write.statement, write.values).await.map(drop);
    }
    let mut batch = Batch::new(BatchType::Unlogged);
    let mut values = Vec::with_capacity(writes.len());
    for write in writes {
        batch.append_statement(write.statement);
        values.push(write.values);
    }
    session.batch(&batch, values).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use tokio::sync::Semaphore;
    use tokio::task::JoinHandle;

    /// A server that answers as often as it is let, and notes what each request carried.
    #[derive(Default)]
    struct Server {
        requests: Mutex<Vec<Vec<u32>>>,
        answers: Mutex<Vec<Result<(), ExecutionError>>>,
        may_answer: Option<Semaphore>,
    }

    impl Server {
        fn held() -> Arc<Self> {
            Arc::new(Self { may_answer: Some(Semaphore::new(0)), ..Self::default() })
        }

        fn gather(self: &Arc<Self>) -> Gather<u32> {
            let server = self.clone();
            Gather::over(move |writes| {
                let server = server.clone();
                async move {
                    server.requests.lock().unwrap().push(writes);
                    if let Some(may_answer) = &server.may_answer {
                        may_answer.acquire().await.unwrap().forget();
                    }
                    server.answers.lock().unwrap().pop().unwrap_or(Ok(()))
                }
            })
        }

        fn answers(&self, count: usize) {
            self.may_answer.as_ref().unwrap().add_permits(count);
        }

        fn requests(&self) -> Vec<Vec<u32>> {
            self.requests.lock().unwrap().clone()
        }
    }

    /// Asks for each group of writes, in this order.
    async fn ask(gather: &Gather<u32>, groups: &[(&[u32], usize)]) -> Vec<JoinHandle<StoreResult<()>>> {
        let mut asked = Vec::new();
        for (writes, bytes) in groups {
            let (gather, writes, bytes) = (gather.clone(), writes.to_vec(), *bytes);
            asked.push(tokio::spawn(async move { gather.ask(writes, bytes).await }));
            settle().await;
        }
        asked
    }

    /// Lets every task run until it waits.
    async fn settle() {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    async fn done(asked: Vec<JoinHandle<StoreResult<()>>>) {
        for asked in asked {
            asked.await.unwrap().unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_alone_leaves_at_once_and_who_comes_meanwhile_leaves_together() {
        let server = Server::held();
        let asked = ask(&server.gather(), &[(&[1, 2], 9), (&[3], 9), (&[4, 5], 9), (&[6], 9)]).await;
        assert_eq!(server.requests(), [vec![1, 2], vec![3]]);
        server.answers(1);
        settle().await;
        assert_eq!(server.requests(), [vec![1, 2], vec![3], vec![4, 5, 6]]);
        server.answers(2);
        done(asked).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_request_leaves_though_none_is_answered() {
        let ten: Vec<u32> = (10..20).collect();
        let server = Server::held();
        let asked = ask(&server.gather(), &[(&[1], 0), (&[2], 0), (&ten, 0), (&[3], 0)]).await;
        assert_eq!(server.requests(), [vec![1], vec![2], ten]);
        server.answers(4);
        done(asked).await;
        assert_eq!(server.requests()[3..], [vec![3]]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_stays_below_what_the_server_warns_of() {
        let fits = BYTES_MAX - SMALL_BYTES_MAX - 2 * WRITE_BYTES;
        for (bytes, together) in [(fits, true), (fits + 1, false)] {
            let server = Server::held();
            let asked = ask(&server.gather(), &[(&[1], 0), (&[2], 0), (&[3], SMALL_BYTES_MAX), (&[4], bytes)]).await;
            server.answers(4);
            done(asked).await;
            let rest = if together { vec![vec![3, 4]] } else { vec![vec![3], vec![4]] };
            assert_eq!(server.requests()[2..], rest);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_the_limit_for_requests_that_hang() {
        let server = Server::held();
        let asked = ask(&server.gather(), &[(&[1], 0), (&[2], 0), (&[3], 0)]).await;
        tokio::time::advance(GATHER_MAX - Duration::from_millis(1)).await;
        settle().await;
        assert_eq!(server.requests().len(), 2);
        tokio::time::advance(Duration::from_millis(1)).await;
        settle().await;
        assert_eq!(server.requests().len(), 3);
        server.answers(3);
        done(asked).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_told_to_all_who_share_the_request_and_to_no_other() {
        let server = Server::held();
        let asked = ask(&server.gather(), &[(&[1], 0), (&[2], 0), (&[3], 0), (&[4], 0)]).await;
        server.answers(2);
        settle().await;
        server.answers.lock().unwrap().push(Err(ExecutionError::EmptyPlan));
        server.answers(1);
        let mut failed = Vec::new();
        for asked in asked {
            failed.push(asked.await.unwrap().is_err_and(|error| error.certainly_not_written()));
        }
        assert_eq!(failed, [false, false, true, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_waits_for_is_not_sent() {
        let server = Server::held();
        let asked = ask(&server.gather(), &[(&[1], 0), (&[2], 0), (&[3], 0), (&[4], 0)]).await;
        asked[2].abort();
        settle().await;
        server.answers(3);
        assert!(asked.into_iter().last().unwrap().await.unwrap().is_ok());
        assert_eq!(server.requests(), [vec![1], vec![2], vec![4]]);
    }

    #[tokio::test]
    async fn what_is_not_small_is_refused_and_what_just_is_is_written() {
        let gather = Arc::new(Server::default()).gather();
        gather.ask(vec![0; WRITES_MAX], SMALL_BYTES_MAX).await.unwrap();
        for (writes, bytes) in [(WRITES_MAX + 1, 0), (1, SMALL_BYTES_MAX + 1)] {
            assert!(matches!(gather.ask(vec![0; writes], bytes).await, Err(StoreError::Broken(_))));
        }
        gather.ask(vec![1], 1).await.unwrap();
    }
}
