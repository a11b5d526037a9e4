//! Calls of scripts that are carried out together.
//!
//! While as many runs are on their way as may be, calls that come gather, of whichever scripts, and leave as soon as one is answered: one
//! run then serves all of them, in the order in which they came. So nobody waits who comes alone, and the more come at once, the less
//! each costs: a run costs Redis and the driver about as much as a call.

use std::fmt::Write as _;
use std::sync::OnceLock;

use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::ClientLike as _;
use fred::types::{Value, scripts};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};

use crate::script::{Numbers, define};

/// Calls that leave together: other clients of the server wait for so many at most (10 to 30 µs each).
const CALLS_MAX: usize = 32;
/// Runs on their way at which calls begin to gather: while one is carried out, the next has arrived.
const RUNS_MAX: usize = 2;

/// A script whose calls need not be carried out one by one, as a `static` beside the code that makes them.
///
/// Each call is as good as a script of its own: nothing comes between its commands, and one that fails leaves the others alone. It
/// leaves no earlier than what was begun before it. What is begun after it may overtake it, but for other calls of such scripts: these
/// are carried out in the order in which they are made (but for those on their way when a server is found to have lost its scripts, by
/// `SCRIPT FLUSH` or a failover: they may swap).
#[derive(Debug)]
pub struct Batched {
    numbers: Numbers,
    lua: &'static str,
    keys: usize,
    args: usize,
    alone: OnceLock<scripts::Script>,
}

impl Batched {
    /// Lua that runs with the `KEYS` and `ARGV` of every call. What it returns is the call's answer. It sees the locals of
    /// [`server!`](crate::server), which are there once for all calls of a run.
    #[must_use]
    pub const fn new(lua: &'static str, keys: usize, args: usize) -> Self {
        Self { numbers: &[], lua, keys, args, alone: OnceLock::new() }
    }

    /// The same with numbers.
    #[must_use]
    pub const fn with(mut self, numbers: Numbers) -> Self {
        self.numbers = numbers;
        self
    }
}

/// Lua for runs of these scripts. `ARGV[1]` has a letter for each call, which names its script; the keys and arguments of all calls follow
/// one another.
///
/// What every run begins with is kept small: Lua makes the functions anew each time, and the more each sees of what surrounds
/// it, the longer that takes.
fn lua(scripts: &[&'static Batched]) -> String {
    let mut lua = String::from(crate::server!());
    let mut choose = String::from("local script, keys, args\n");
    for (place, Batched { numbers, lua: body, keys, args, .. }) in scripts.iter().enumerate() {
        let name = name(place);
        // Writing to a string does not fail.
        let _ = writeln!(lua, "local function {name}(KEYS, ARGV)");
        define(&mut lua, numbers);
        let _ = writeln!(lua, "{body}\nend");
        let _ = writeln!(choose, "if letter == '{name}' then script, keys, args = {name}, {keys}, {args} end");
    }
    let _ = write!(
        lua,
        "local letters, key, arg, answers = ARGV[1], 0, 1, {{}}
        for n = 1, #letters do
            local letter = string.sub(letters, n, n)
            {choose}
            local done, answer =
                pcall(script, {{ unpack(KEYS, key + 1, key + keys) }}, {{ unpack(ARGV, arg + 1, arg + args) }})
            key, arg = key + keys, arg + args
            if not done then answer = type(answer) == 'table' and answer.err or tostring(answer) end
            answers[2 * n - 1], answers[2 * n] = done and 1 or 0, answer or false
        end
        return answers"
    );
    lua
}

/// What a script is called in a run, by its place: a letter.
fn name(place: usize) -> char {
    ('a'..='z').nth(place).expect("a program has a handful of scripts")
}

/// The scripts that were called so far, as one.
struct Known {
    scripts: Vec<&'static Batched>,
    together: scripts::Script,
    /// Whether the server was given `together`.
    is_loaded: bool,
}

impl Known {
    fn new() -> Self {
        Self { scripts: Vec::new(), together: scripts::Script::from_lua(lua(&[])), is_loaded: false }
    }

    /// What a script is called in runs.
    fn name(&mut self, script: &'static Batched) -> char {
        let place = self.scripts.iter().position(|known| std::ptr::eq(*known, script)).unwrap_or_else(|| {
            self.scripts.push(script);
            self.together = scripts::Script::from_lua(lua(&self.scripts));
            self.is_loaded = false;
            self.scripts.len() - 1
        });
        name(place)
    }

    /// Gives the server what it may not have: the next run, of a script that it has, must not overtake this one.
    async fn load(&mut self, client: &Client) {
        if !self.is_loaded && client.is_connected() {
            // A run whose script is not there brings it along.
            self.is_loaded = self.together.load(client).await.is_ok();
        }
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
    let (mut known, mut gathered) = (Known::new(), Vec::with_capacity(CALLS_MAX));
    let mut runs = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            // First: what is to run leaves before more is gathered, so that runs leave in their order.
            Some(()) = runs.next() => {}
            count = asked.recv_many(&mut gathered, CALLS_MAX), if runs.len() < RUNS_MAX => {
                if count == 0 {
                    return;
                }
                let (mut names, mut calls) = (String::new(), Vec::with_capacity(count));
                // Without those that nobody waits for any more.
                for (script, call) in gathered.drain(..).filter(|(_, call)| !call.answer.is_closed()) {
                    names.push(known.name(script));
                    calls.push(call);
                }
                if !calls.is_empty() {
                    known.load(client).await;
                    runs.push(run(client, known.together.clone(), names, calls));
                }
            }
        }
    }
}

/// Carries one call out by itself.
pub(crate) async fn run_alone(client: &Client, script: &'static Batched, call: Call) {
    let alone = script.alone.get_or_init(|| scripts::Script::from_lua(lua(&[script])));
    run(client, alone.clone(), name(0).into(), vec![call]).await;
}

/// Runs a script for calls on one server, whose scripts are named in order.
async fn run(client: &Client, script: scripts::Script, names: String, calls: Vec<Call>) {
    let (mut keys, mut args, mut waiting) = (Vec::new(), vec![Value::from(names)], Vec::new());
    for call in calls {
        keys.extend(call.keys);
        args.extend(call.args);
        waiting.push(call.answer);
    }
    let answers = if client.is_connected() {
        script.evalsha_with_reload::<Vec<Value>, _, _>(client, keys, args).await
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
