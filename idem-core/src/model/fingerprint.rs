//! What makes a retry the same request: a digest of what the client sent (R9-R12).

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use subtle::ConstantTimeEq;

use crate::hash::{PartDigest, Secret};
use crate::json;

/// A digest of the request under a key, with the version of the rule that made it.
///
/// Fingerprints of different versions are never compared: a deploy that changes the rule must neither
/// refuse nor rerun what older code recorded (R11).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    version: u8,
    digest: [u8; 32],
}

/// The rule of today.
const VERSION: u8 = 1;

impl Fingerprint {
    /// A fingerprint as a store kept it.
    pub const fn from_parts(version: u8, digest: [u8; 32]) -> Self {
        Self { version, digest }
    }

    /// The version of the rule that made it.
    pub const fn version(&self) -> u8 {
        self.version
    }

    /// The digest itself.
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Whether the two are digests of the same rule over different requests. Constant time.
    pub fn contradicts(&self, other: &Self) -> bool {
        self.version == other.version && !bool::from(self.words().as_slice().ct_eq(&other.words()))
    }

    /// The digest in pieces that are compared at once.
    fn words(&self) -> [u64; 4] {
        let (words, _) = self.digest.as_chunks();
        std::array::from_fn(|word| u64::from_ne_bytes(words[word]))
    }

    pub(crate) fn of_input(secret: Option<&Secret>, material: &FingerprintInput) -> Self {
        Self::of(secret, [b"value", &material.0])
    }

    pub(crate) fn of<const N: usize>(secret: Option<&Secret>, parts: [&[u8]; N]) -> Self {
        let mut digest = PartDigest::new(secret);
        for part in parts {
            digest.part(part);
        }
        Self { version: VERSION, digest: digest.finish() }
    }
}

/// Whether two requests under one key are known to differ; what was not compared does not.
pub(crate) fn contradict(first: Option<Fingerprint>, other: Option<Fingerprint>) -> bool {
    first.zip(other).is_some_and(|(first, other)| first.contradicts(&other))
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint(v{})", self.version)
    }
}

/// The canonical JSON of a value that an annotation named (`fingerprint = "payment"`).
pub struct FingerprintInput(Vec<u8>);

impl FingerprintInput {
    /// The canonical JSON of `value`: members sorted, so that a `HashMap` field compares equal in
    /// every process.
    ///
    /// # Errors
    /// If `value` cannot be written as JSON (a map with keys that are not strings, say).
    pub fn of<V: Serialize + ?Sized>(value: &V) -> Result<Self, serde_json::Error> {
        let plain = serde_json::to_vec(value)?;
        let canonical = json::canonical(&plain).map(Cow::into_owned);
        Ok(Self(canonical.unwrap_or(plain)))
    }
}

impl fmt::Debug for FingerprintInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FingerprintInput({} bytes)", self.0.len())
    }
}
