//! What a request asks for: a payment, and how the handler shall behave.

use std::num::NonZeroU64;

use idem_core::Outcome;
use serde::Deserialize;

/// The body of most requests.
#[derive(Clone, Debug, Deserialize)]
pub struct Order {
    /// How much; zero is refused by the extractor.
    pub amount: NonZeroU64,
    /// The label under which runs are counted.
    pub note: String,
    /// Anything.
    pub memo: Option<String>,
    /// How the handler shall behave.
    #[serde(default)]
    pub sim: Sim,
}

/// The query of requests whose body is no [`Order`].
#[derive(Clone, Debug, Deserialize)]
pub struct Label {
    /// The label under which runs are counted.
    pub note: String,
}

/// Instructions to the handler, in the order in which it follows them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sim {
    /// The rest is for the first run of this note only.
    pub once: bool,
    /// Stops at the [`Gate`](super::Gate) of its note.
    pub gate: bool,
    /// Blocks its thread for so many milliseconds.
    pub block_ms: u64,
    /// Panics, after the effect.
    pub panic: bool,
    /// Answers with this status.
    pub status: Option<u16>,
    /// Says itself how it ended.
    pub declare: Option<Declared>,
    /// Adds these headers; each character is one byte (ISO 8859-1).
    pub headers: Vec<(String, String)>,
    /// Answers with exactly so many bytes.
    pub size: Option<usize>,
    /// Streams the body, in so many chunks.
    pub chunks: Option<usize>,
    /// What comes behind the last chunk of a stream.
    pub ends: Ending,
}

/// What a handler declares of its outcome.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Declared {
    /// It did nothing.
    NotExecuted,
    /// Its answer stands.
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

/// How a streamed body ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// As it should.
    #[default]
    Whole,
    /// With an error.
    Broken,
    /// With a panic.
    Panic,
    /// Not at all, and nothing more comes.
    Never,
    /// Not at all, and more comes for ever.
    Endless,
}
