//! Whether people block each other, asked by every message between two.
//!
//! Questions that come while a statement is under way go together in the next one. So each is answered by what was committed
//! when it was asked, or later, and a node on which many talk asks seldom.

use kernel::{StoreError, UserId};
use postgres::{Db, StoreResult, fault};
use sqlx::PgConnection;
use tokio::sync::{mpsc, oneshot};

use crate::lists;

/// Pairs in one statement.
const PAIRS_AT_ONCE: usize = 256;
/// Questions that wait on one node. Who comes when it is full waits to ask.
const WAITING_MAX: usize = 4_096;

pub(crate) type Pair = (UserId, UserId);

pub(crate) struct Blocked {
    questions: mpsc::Sender<Question>,
}

struct Question {
    pair: Pair,
    answer: oneshot::Sender<StoreResult<bool>>,
}

impl Blocked {
    /// Asks `db` as long as this is there.
    pub fn start(db: Db) -> Self {
        let (questions, asked) = mpsc::channel(WAITING_MAX);
        tokio::spawn(answer(db, asked));
        Self { questions }
    }

    /// Whether one of two blocks the other.
    pub async fn ask(&self, pair: Pair) -> StoreResult<bool> {
        let (answer, answered) = oneshot::channel();
        // Who is gone drops what it was sent: then there is no answer either.
        self.questions.send(Question { pair, answer }).await.ok();
        answered.await.map_err(|_| StoreError::unavailable("nobody answers whether people are blocked"))?
    }
}

async fn answer(db: Db, mut asked: mpsc::Receiver<Question>) {
    let mut questions = Vec::with_capacity(PAIRS_AT_ONCE);
    while asked.recv_many(&mut questions, PAIRS_AT_ONCE).await > 0 {
        match db.pool().acquire().await.map_err(fault) {
            Ok(mut connection) => answer_with(&mut connection, &mut asked, &mut questions).await,
            Err(error) => refuse(&mut questions, &error),
        }
    }
}

/// Answers until nobody waits or a statement fails: as long as people talk, no time goes into taking connections and giving them back.
async fn answer_with(
    connection: &mut PgConnection,
    asked: &mut mpsc::Receiver<Question>,
    questions: &mut Vec<Question>,
) {
    loop {
        // Who asked may be gone by now.
        questions.retain(|question| !question.answer.is_closed());
        let pairs: Vec<Pair> = questions.iter().map(|question| question.pair).collect();
        match lists::blocked(&mut *connection, &pairs).await {
            Ok(blocked) => {
                for (question, is_blocked) in questions.drain(..).zip(blocked) {
                    let _ = question.answer.send(Ok(is_blocked));
                }
            }
            Err(error) => return refuse(questions, &error),
        }
        if asked.is_empty() || asked.recv_many(questions, PAIRS_AT_ONCE).await == 0 {
            return;
        }
    }
}

fn refuse(questions: &mut Vec<Question>, error: &StoreError) {
    for question in questions.drain(..) {
        let _ = question.answer.send(Err(alike(error)));
    }
}

/// The error once more, for the next who asked.
fn alike(error: &StoreError) -> StoreError {
    match error {
        StoreError::Broken(why) => StoreError::broken(why.to_string()),
        other => StoreError::unavailable(other.to_string()),
    }
}
