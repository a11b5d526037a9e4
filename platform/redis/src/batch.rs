//! Calls of scripts that are carried out together.
//!
//! While as many runs are on their way as may be, calls that come gather, and leave as soon as one is answered: one run of a script then
//! serves all of them. So nobody waits who comes alone, and the more come at once, the less each costs: a run costs Redis and the
//! driver about as much as a call.

use std::sync::OnceLock;

use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::ClientLike as _;
use fred::types::{Value, scripts};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};

/// Calls that leave together: other clients of the server wait for so many at most (10 to 30 µs each).
const CALLS_MAX: usize = 32;
/// Runs on their way at which calls begin to gather: while one is carried out, the next has arrived.
const RUNS_MAX: usize = 2;

/// A script whose calls need not be carried out one by one, as a `static` beside the code that makes them.
///
/// Each call is as good as a script of its own: nothing comes between its commands, and one that fails leaves the others alone. It
/// leaves no earlier than what was begun before it, and may be overtaken by what is begun after it.
#[derive(Debug)]
pub struct Batched {
    once: &'static str,
    each: &'static str,
    keys: usize,
    args: usize,
    script: OnceLock<scripts::Script>,
}

impl Batched {
    /// Lua that runs `once` for all calls, and then `each` with the `KEYS` and `ARGV` of every call. What `each` returns is the
    /// call's answer. `each` sees the locals of `once`.
    #[must_use]
    pub const fn new(once: &'static str, each: &'static str, keys: usize, args: usize) -> Self {
        Self { once, each, keys, args, script: OnceLock::new() }
    }

    fn script(&self) -> &scripts::Script {
        let Self { once, each, keys, args, .. } = self;
        self.script.get_or_init(|| {
            scripts::Script::from_lua(format!(
                "{once}
                local function call(KEYS, ARGV) {each}
                end
                local answers = {{}}
                for n = 0, #KEYS / {keys} - 1 do
                    local keys, args = {{}}, {{}}
                    for i = 1, {keys} do keys[i] = KEYS[n * {keys} + i] end
                    for i = 1, {args} do args[i] = ARGV[n * {args} + i] end
                    local done, answer = pcall(call, keys, args)
                    if not done then answer = type(answer) == 'table' and answer.err or tostring(answer) end
                    answers[2 * n + 1], answers[2 * n + 2] = done and 1 or 0, answer or false
                end
                return answers"
            ))
        })
    }
}

/// A call on its way.
pub(crate) struct Call {
    keys: Vec<String>,
    args: Vec<Value>,
    answer: oneshot::Sender<Result<Value, Error>>,
}

/// A call of a script, and where its answer comes.
pub(crate) type Asked = (&'static Batched, Call);

impl Call {
    /// Fails if they are not as many as the script takes.
    pub(crate) fn of(
        script: &'static Batched,
        keys: Vec<String>,
        args: Vec<Value>,
    ) -> Result<(Asked, oneshot::Receiver<Result<Value, Error>>), Error> {
        if (keys.len(), args.len()) != (script.keys, script.args) {
            let why =
                format!("{} keys and {} arguments for {} and {}", keys.len(), args.len(), script.keys, script.args);
            return Err(Error::new(ErrorKind::InvalidArgument, why));
        }
        let (answer, answered) = oneshot::channel();
        Ok(((script, Self { keys, args, answer }), answered))
    }
}

/// Carries calls out until nobody can make any more.
pub(crate) async fn carry(client: Client, mut asked: mpsc::Receiver<Asked>) {
    let client = &client;
    let mut gathered = Vec::with_capacity(CALLS_MAX);
    let mut runs = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            // First: what is to run leaves before more is gathered, so that runs leave in their order.
            Some(()) = runs.next() => {}
            calls = asked.recv_many(&mut gathered, CALLS_MAX), if runs.len() < RUNS_MAX => {
                if calls == 0 {
                    return;
                }
                runs.extend(groups(&mut gathered).into_iter().map(|(script, calls)| run(client, script, calls)));
            }
        }
    }
}

/// By script, without those that nobody waits for any more.
fn groups(gathered: &mut Vec<Asked>) -> Vec<(&'static Batched, Vec<Call>)> {
    let mut groups: Vec<(&'static Batched, Vec<Call>)> = Vec::new();
    for (script, call) in gathered.drain(..).filter(|(_, call)| !call.answer.is_closed()) {
        match groups.iter_mut().find(|(known, _)| std::ptr::eq(*known, script)) {
            Some((_, calls)) => calls.push(call),
            None => groups.push((script, vec![call])),
        }
    }
    groups
}

/// Runs a script for calls on one server.
pub(crate) async fn run(client: &Client, script: &'static Batched, calls: Vec<Call>) {
    let (mut keys, mut args, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
    for call in calls {
        keys.extend(call.keys);
        args.extend(call.args);
        waiting.push(call.answer);
    }
    let answers = if client.is_connected() {
        script.script().evalsha_with_reload::<Vec<Value>, _, _>(client, keys, args).await
    } else {
        Err(Error::new(ErrorKind::Routing, "not connected to Redis"))
    };
    let answers = answers.and_then(|answers| {
        let is_whole = answers.len() == 2 * waiting.len();
        if is_whole { Ok(answers) } else { Err(Error::new(ErrorKind::Protocol, "a script answered too little")) }
    });
    match answers {
        Ok(answers) => {
            let mut answers = answers.into_iter();
            for waits in waiting {
                let (Some(done), Some(answer)) = (answers.next(), answers.next()) else { return };
                let failed = || Error::new(ErrorKind::Unknown, answer.as_string().unwrap_or_default());
                // Whoever no longer waits does not want to know.
                drop(waits.send(if done.as_i64() == Some(1) { Ok(answer) } else { Err(failed()) }));
            }
        }
        Err(error) => {
            for waits in waiting {
                drop(waits.send(Err(Error::new(error.kind().clone(), error.details().to_owned()))));
            }
        }
    }
}
