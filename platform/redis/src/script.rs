//! Lua scripts, sent once and called by their hash.

use std::sync::OnceLock;

use fred::types::scripts;

/// A script, as a `static` beside the code that runs it.
///
/// In a cluster all keys of a call must share one hash tag.
#[derive(Debug)]
pub struct Script {
    lua: &'static str,
    loaded: OnceLock<scripts::Script>,
}

impl Script {
    #[must_use]
    pub const fn new(lua: &'static str) -> Self {
        Self { lua, loaded: OnceLock::new() }
    }

    pub(crate) fn get(&self) -> &scripts::Script {
        self.loaded.get_or_init(|| scripts::Script::from_lua(self.lua))
    }
}

/// Lua that leaves `memory`: what the server that runs the script remembers by, 16 hexadecimal digits. They begin the server's replication
/// id (`INFO replication`), which is another after a restart, a restore, and each promotion to master, also after one of the
/// same process. Redis changes it as well when a master's first replica comes, and when it has had none for
/// `repl-backlog-ttl` (an hour). Takes 3 µs.
#[macro_export]
macro_rules! memory {
    () => {
        r"
    local memory
    do
        local server = redis.call('INFO', 'replication')
        local _, at = string.find(server, 'master_replid:', 1, true)
        memory = string.sub(server, at + 1, at + 16)
    end
    "
    };
}
