//! What requests ask for.

use std::num::NonZeroU64;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

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
    #[serde(deserialize_with = "without_nul")]
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
    #[serde(deserialize_with = "without_nul")]
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
    #[serde(deserialize_with = "without_nul")]
    pub note: String,
}

/// Not every store can count under a label with a NUL in it, so none does.
fn without_nul<'de, D: Deserializer<'de>>(sent: D) -> Result<String, D::Error> {
    let note = String::deserialize(sent)?;
    if note.contains('\0') { Err(D::Error::custom("a note has no NUL")) } else { Ok(note) }
}
