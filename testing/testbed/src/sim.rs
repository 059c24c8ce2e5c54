//! How a request steers its handler.

use std::time::Duration;

use idem_testkit::http::app::{Ending, Gate};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Instructions to the handler, in the order in which it follows them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sim {
    /// Panics while the body is read, as a bug in an extractor would.
    #[serde(deserialize_with = "not_unreadable")]
    pub unreadable: bool,
    /// The rest is for the first handler entry of this note only.
    pub once: bool,
    /// Whether there is an effect.
    pub effect: Effect,
    /// Blocks its thread for so long.
    pub block_ms: u64,
    /// Waits so long.
    pub delay_ms: u64,
    /// Waits until `/_test/gate` opens the gate of its note.
    pub gate: bool,
    /// Panics.
    pub panic: bool,
    /// Answers with this status.
    #[serde(deserialize_with = "of_an_answer")]
    pub status: Option<u16>,
    /// Pads the body of the answer to about so many bytes.
    pub size: usize,
    /// Streams the body of the answer in so many pieces.
    pub chunks: Option<usize>,
    /// What comes behind the last piece of a stream.
    pub ends: Ending,
}

/// When the effect of a handler happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Before all else.
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

    /// What lies between the effect and the answer.
    ///
    /// # Panics
    /// If it is told to.
    pub async fn linger(&self, gate: &Gate) {
        std::thread::sleep(Duration::from_millis(self.block_ms));
        if self.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.delay_ms)).await;
        }
        if self.gate {
            gate.pass().await;
        }
        assert!(!self.panic, "the handler panics as told");
    }
}

/// Lower ones are not of answers, and there are no higher ones.
fn of_an_answer<'de, D: Deserializer<'de>>(told: D) -> Result<Option<u16>, D::Error> {
    let status = Option::<u16>::deserialize(told)?;
    if status.is_none_or(|status| (200..600).contains(&status)) {
        Ok(status)
    } else {
        Err(D::Error::custom("`status` is from 200 to 599"))
    }
}

fn not_unreadable<'de, D: Deserializer<'de>>(told: D) -> Result<bool, D::Error> {
    let unreadable = bool::deserialize(told)?;
    assert!(!unreadable, "the extractor panics as told");
    Ok(false)
}
