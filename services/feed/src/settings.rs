use serde::Deserialize;

/// What decides whether content is written into timelines or looked up by readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Distribution {
    /// The rule of cost, for each author, kind and class of viewers: [`crate::policy`].
    #[default]
    Rule,
    /// Everything is written to everybody.
    Push,
    /// Authors with many followers are looked up.
    Followers,
}

/// How content reaches its readers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub distribution: Distribution,
    /// With `followers`: from so many followers on, what an author publishes is not written to everybody's timeline, but
    /// looked up by readers. It is written again when less than half of that is left.
    pub pull_followers_min: u64,
    /// With `rule`: what writing one row takes, in microseconds. Absent: as measured.
    pub push_us: Option<f64>,
    /// With `rule`: what looking up one author takes, in microseconds. Absent: as measured.
    pub pull_us: Option<f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { distribution: Distribution::default(), pull_followers_min: 10_000, push_us: None, pull_us: None }
    }
}
