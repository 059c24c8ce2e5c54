//! How a request steers its handler.

use std::time::Duration;

use serde::Deserialize;

/// Instructions to the handler.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sim {
    /// Answers with this status.
    pub status: Option<u16>,
    /// Waits so long after the effect.
    pub delay_ms: u64,
    /// Whether there is an effect.
    pub effect: Effect,
    /// Panics after the delay.
    pub panic: bool,
    /// The rest is for the first handler entry of this note only.
    pub once: bool,
    /// Pads the body of the answer to about so many bytes.
    pub size: usize,
    /// Streams the body of the answer in so many pieces.
    pub chunks: Option<usize>,
}

/// When the effect of a handler happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Before the delay and the status.
    #[default]
    Before,
    /// Never.
    None,
}

impl Sim {
    /// What is left of it for the `entry`-th entry of a note.
    #[must_use]
    pub fn for_entry(self, entry: u64) -> Self {
        if self.once && entry > 1 { Self::default() } else { self }
    }

    /// How long to wait.
    pub const fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }
}
