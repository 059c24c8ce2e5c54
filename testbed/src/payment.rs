//! What requests ask for.

use std::num::NonZeroU64;

use serde::Deserialize;

use crate::sim::Sim;

/// The body of most requests.
#[derive(Clone, Debug, Deserialize)]
pub struct Payment {
    pub amount: NonZeroU64,
    pub currency: String,
    /// Where the money comes from; nobody looks.
    #[serde(rename = "source")]
    pub _source: String,
    /// The label under which effects are counted.
    pub note: String,
    /// Anything.
    #[serde(rename = "memo")]
    pub _memo: Option<String>,
    #[serde(default)]
    pub sim: Sim,
}

/// The body of a change.
#[derive(Clone, Debug, Deserialize)]
pub struct Amendment {
    #[serde(rename = "memo")]
    pub _memo: Option<String>,
    pub note: String,
    #[serde(default)]
    pub sim: Sim,
}

/// The body of a new label.
#[derive(Clone, Debug, Deserialize)]
pub struct NewLabel {
    pub label: String,
}

/// The query of requests whose body has no note.
#[derive(Clone, Debug, Deserialize)]
pub struct Note {
    pub note: String,
}
