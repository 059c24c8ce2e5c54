//! The bodies and queries of requests.

use std::num::NonZeroU64;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::HandlerScript;

/// The body of most requests.
#[derive(Clone, Debug, Deserialize)]
pub struct Payment {
    /// The amount.
    pub amount: NonZeroU64,
    /// The currency.
    pub currency: String,
    /// The source of the money. It is not used.
    #[serde(rename = "source")]
    pub _source: String,
    /// The label under which effects are counted.
    #[serde(deserialize_with = "without_nul")]
    pub note: String,
    /// Any text. It is not used.
    #[serde(rename = "memo")]
    pub _memo: Option<String>,
    /// The script of the handler.
    #[serde(default, rename = "sim")]
    pub script: HandlerScript,
}

/// The body of a change.
#[derive(Clone, Debug, Deserialize)]
pub struct Amendment {
    /// Any text. It is not used.
    #[serde(rename = "memo")]
    pub _memo: Option<String>,
    /// The label under which effects are counted.
    #[serde(deserialize_with = "without_nul")]
    pub note: String,
    /// The script of the handler.
    #[serde(default, rename = "sim")]
    pub script: HandlerScript,
}

/// The body of a new label.
#[derive(Clone, Debug, Deserialize)]
pub struct NewLabel {
    /// The label.
    pub label: String,
}

/// The query of requests without a note in the body.
#[derive(Clone, Debug, Deserialize)]
pub struct Note {
    /// The label under which effects are counted.
    #[serde(deserialize_with = "without_nul")]
    pub note: String,
}

/// Rejects a note with a NUL, which not every store can use as a label.
fn without_nul<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let note = String::deserialize(deserializer)?;
    if note.contains('\0') {
        Err(D::Error::custom("a note must not contain NUL"))
    } else {
        Ok(note)
    }
}
