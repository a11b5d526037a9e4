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
