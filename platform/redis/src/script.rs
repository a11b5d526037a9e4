//! Lua scripts, sent once and called by their hash.

use std::fmt::Write as _;
use std::sync::OnceLock;

use fred::types::scripts;

/// Whole numbers that a script calls by a name: written into it, they need not come with each call.
pub type Numbers = &'static [(&'static str, u128)];

/// A script, as a `static` beside the code that runs it.
///
/// In a cluster all keys of a call must share one hash tag.
#[derive(Debug)]
pub struct Script {
    numbers: Numbers,
    lua: &'static str,
    loaded: OnceLock<scripts::Script>,
}

impl Script {
    #[must_use]
    pub const fn new(lua: &'static str) -> Self {
        Self { numbers: &[], lua, loaded: OnceLock::new() }
    }

    /// The same with numbers.
    #[must_use]
    pub const fn with(mut self, numbers: Numbers) -> Self {
        self.numbers = numbers;
        self
    }

    pub(crate) fn get(&self) -> &scripts::Script {
        self.loaded.get_or_init(|| {
            let mut lua = String::new();
            define(&mut lua, self.numbers);
            scripts::Script::from_lua(lua + self.lua)
        })
    }
}

/// Appends Lua that gives numbers their names.
pub(crate) fn define(lua: &mut String, numbers: Numbers) {
    for (name, number) in numbers {
        // Writing to a string does not fail.
        let _ = writeln!(lua, "local {name} = {number}");
    }
}

/// Lua that asks the server that runs the script for its time and its memory. It leaves
/// - `now_us` and `now`, in microseconds and in milliseconds,
/// - `text(number)`, whole and in all its digits: beyond 14 of them Lua would write 1.7e+15,
/// - `memory`: what the server remembers by, 16 hexadecimal digits. They begin the server's replication id (`INFO replication`), which is
///   another after a restart, a restore, and each promotion to master, also after one of the same process. Redis changes it
///   as well when a master's first replica comes, and when it has had none for `repl-backlog-ttl` (an hour).
///
/// Takes 5 µs.
#[macro_export]
macro_rules! server {
    () => {
        r"
    local time = redis.call('TIME')
    local now_us = time[1] * 1000000 + time[2]
    local now = math.floor(now_us / 1000)
    local function text(number) return string.format('%d', number) end
    local memory
    do
        local server = redis.call('INFO', 'replication')
        local _, at = string.find(server, 'master_replid:', 1, true)
        memory = string.sub(server, at + 1, at + 16)
    end
    "
    };
}
