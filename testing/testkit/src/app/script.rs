//! The script of a handler, the member `sim` of a request.

use std::path::PathBuf;
use std::time::Duration;

use idem_core::Outcome;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::Gate;

/// The pause between two looks for a file.
const PAUSE: Duration = Duration::from_millis(10);

/// The steps that a handler performs, in their order.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct HandlerScript {
    /// Panic while the body is read, as a bug in an extractor does.
    #[serde(deserialize_with = "panic_if_unreadable")]
    pub unreadable: bool,
    /// Apply the script to the first handler entry of this note only.
    pub once: bool,
    /// The step before the effect that marks the run as acted. Each route for it has its own default.
    pub act: Option<Act>,
    /// The time of the effect.
    pub effect: Effect,
    /// Let the provider apply the effect after the handler has ended, in milliseconds from then. For a handler without
    /// its own effect.
    pub late_ms: Option<u64>,
    /// Block the thread, in milliseconds.
    pub block_ms: u64,
    /// Block the thread until this file exists. It applies to the first handler entry of this note only.
    pub block_until: Option<PathBuf>,
    /// Wait, in milliseconds.
    pub delay_ms: u64,
    /// Wait until this file exists.
    pub until: Option<PathBuf>,
    /// Wait until the gate of the note is open.
    pub gate: bool,
    /// Panic.
    pub panic: bool,
    /// Return this status.
    #[serde(deserialize_with = "response_status")]
    pub status: Option<u16>,
    /// Declare this outcome.
    pub outcome: Option<DeclaredOutcome>,
    /// Add these headers, or replace `content-type`. Each character of a value is one byte (ISO 8859-1).
    pub headers: Vec<(String, String)>,
    /// Pad the response body. Its length is this size plus [`PAD_OVERHEAD`](super::PAD_OVERHEAD), in bytes.
    pub size: usize,
    /// Stream the response body in this number of chunks.
    pub chunks: Option<usize>,
    /// The end of a streamed body, after its last chunk.
    pub ends: Ending,
    /// Mark the response as a stream.
    pub pass_through: bool,
    /// The `recover` hook. It is the same in every entry.
    pub hook: Hook,
}

/// The step before the effect that marks a run as acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Take a downstream key.
    Downstream,
    /// Confirm the claim.
    Confirm,
    /// No step.
    None,
}

/// The behaviour of the `recover` hook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// Ask the ledger.
    #[default]
    Ask,
    /// Report that the outcome cannot be determined.
    Unknown,
    /// Report that the provider's data contradict the request.
    Disputed,
    /// Panic.
    Panic,
    /// Wait for [`SLOW_HOOK`](super::SLOW_HOOK), then ask the ledger.
    Slow,
}

/// The time of the effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Before all other steps.
    #[default]
    Before,
    /// After the gate.
    After,
    /// No effect.
    None,
}

/// The outcome that a handler declares.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeclaredOutcome {
    /// The run had no effect.
    NotExecuted,
    /// The response is final.
    Final,
}

impl From<DeclaredOutcome> for Outcome {
    fn from(declared: DeclaredOutcome) -> Self {
        match declared {
            DeclaredOutcome::NotExecuted => Self::NotExecuted,
            DeclaredOutcome::Final => Self::Final,
        }
    }
}

/// The end of a streamed body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The regular end.
    #[default]
    Whole,
    /// An error.
    Broken,
    /// A panic.
    Panic,
    /// No end, and no further chunk.
    Never,
    /// No end, and an unlimited number of chunks.
    Endless,
}

impl HandlerScript {
    /// Returns the script for the entry with number `entry` of its note.
    #[must_use]
    pub(super) fn for_entry(self, entry: u64) -> Self {
        match entry {
            ..=1 => self,
            _ if self.once => Self::default(),
            _ => Self { block_until: None, ..self },
        }
    }

    /// Waits as instructed.
    pub(super) async fn wait(&self, gate: &Gate) {
        std::thread::sleep(Duration::from_millis(self.block_ms));
        while self.block_until.as_ref().is_some_and(|file| !file.exists()) {
            std::thread::sleep(PAUSE);
        }
        if self.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.delay_ms)).await;
        }
        while self.until.as_ref().is_some_and(|file| !file.exists()) {
            tokio::time::sleep(PAUSE).await;
        }
        if self.gate {
            gate.pass().await;
        }
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
