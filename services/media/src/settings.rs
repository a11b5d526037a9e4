//! What operators may set.

use serde::Deserialize;

/// How media are processed.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Files that one process works on at once: each may take 500 MB of memory and one processor.
    pub workers: u32,
    /// The program that makes still pictures of videos. Empty: none are made.
    pub ffmpeg: String,
}

/// Most files at once.
pub const WORKERS_MAX: u32 = 64;

impl Default for Settings {
    fn default() -> Self {
        Self { workers: 1, ffmpeg: "ffmpeg".to_owned() }
    }
}

impl Settings {
    pub fn validate(&self) -> Result<(), &'static str> {
        if (1..=WORKERS_MAX).contains(&self.workers) { Ok(()) } else { Err("workers is 1 to 64") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_worker_and_not_too_many() {
        let valid = |workers| Settings { workers, ..Settings::default() }.validate().is_ok();
        assert!(valid(1) && valid(WORKERS_MAX));
        assert!(!valid(0) && !valid(WORKERS_MAX + 1));
    }
}
