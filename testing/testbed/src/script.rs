//! The script of a handler, the member `sim` of a request.

use std::time::Duration;

use idem_testkit::http::app::{Ending, Gate};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// The steps that a handler performs, in their order.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct HandlerScript {
    /// Panic while the body is read, as a bug in an extractor does.
    #[serde(deserialize_with = "panic_if_unreadable")]
    pub unreadable: bool,
    /// Apply the script to the first handler entry of this note only.
    pub once: bool,
    /// Whether the handler has an effect.
    pub effect: Effect,
    /// Block the thread, in milliseconds.
    pub block_ms: u64,
    /// Wait, in milliseconds.
    pub delay_ms: u64,
    /// Wait until `/_test/gate` opens the gate of the note.
    pub gate: bool,
    /// Panic.
    pub panic: bool,
    /// Return this status.
    #[serde(deserialize_with = "response_status")]
    pub status: Option<u16>,
    /// Pad the response body to about this size, in bytes.
    pub size: usize,
    /// Stream the response body in this number of chunks.
    pub chunks: Option<usize>,
    /// The end of a streamed body, after its last chunk.
    pub ends: Ending,
}

/// The time of the effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Before all other steps.
    #[default]
    Before,
    /// No effect.
    None,
}

impl HandlerScript {
    /// Returns the script for the entry with number `entry` of its note.
    #[must_use]
    pub fn for_entry(self, entry: u64) -> Self {
        if self.once && entry > 1 { Self::default() } else { self }
    }

    /// Performs the steps between the effect and the response.
    ///
    /// # Panics
    /// If the script contains a panic.
    pub async fn perform(&self, gate: &Gate) {
        std::thread::sleep(Duration::from_millis(self.block_ms));
        if self.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.delay_ms)).await;
        }
        if self.gate {
            gate.pass().await;
        }
        assert!(!self.panic, "the handler panics as instructed");
    }
}

/// Rejects statuses that cannot be the status of a final response.
fn response_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    let status = Option::<u16>::deserialize(deserializer)?;
    if status.is_none_or(|status| (200..600).contains(&status)) {
        Ok(status)
    } else {
        Err(D::Error::custom("`status` must be between 200 and 599"))
    }
}

fn panic_if_unreadable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let unreadable = bool::deserialize(deserializer)?;
    assert!(!unreadable, "the extractor panics as instructed");
    Ok(false)
}
