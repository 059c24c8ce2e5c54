//! The bodies of requests: a payment, and the script of the handler.

use std::num::NonZeroU64;

use idem_core::Outcome;
use serde::Deserialize;

/// The body of most requests.
#[derive(Clone, Debug, Deserialize)]
pub struct Order {
    /// The amount. The extractor refuses zero.
    pub amount: NonZeroU64,
    /// The label under which runs are counted.
    pub note: String,
    /// Any text.
    pub memo: Option<String>,
    /// The script of the handler.
    #[serde(default, rename = "sim")]
    pub script: HandlerScript,
}

/// The query of requests whose body is not an [`Order`].
#[derive(Clone, Debug, Deserialize)]
pub struct Label {
    /// The label under which runs are counted.
    pub note: String,
}

/// The steps that a handler performs, in their order.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HandlerScript {
    /// Apply the script to the first run of this note only.
    pub once: bool,
    /// Wait at the [`Gate`](super::Gate) of the note.
    pub gate: bool,
    /// Block the thread, in milliseconds.
    pub block_ms: u64,
    /// Panic after the effect.
    pub panic: bool,
    /// Return this status.
    pub status: Option<u16>,
    /// Declare this outcome.
    pub declare: Option<Declared>,
    /// Add these headers. Each character is one byte (ISO 8859-1).
    pub headers: Vec<(String, String)>,
    /// Pad the response body to exactly this size, in bytes.
    pub size: Option<usize>,
    /// Stream the body in this number of chunks.
    pub chunks: Option<usize>,
    /// The end of a streamed body, after its last chunk.
    pub ends: Ending,
}

/// The outcome that a handler declares.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Declared {
    /// The run had no effect.
    NotExecuted,
    /// The response is final.
    Final,
}

impl From<Declared> for Outcome {
    fn from(declared: Declared) -> Self {
        match declared {
            Declared::NotExecuted => Self::NotExecuted,
            Declared::Final => Self::Final,
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
