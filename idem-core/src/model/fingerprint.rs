//! Fingerprints: digests that show whether a retry has the content of the first request.

use std::fmt;

use serde::Serialize;
use subtle::ConstantTimeEq;

use crate::exact;
use crate::hash::{PartDigest, Secret};

/// A digest of a request's [fingerprint input](crate::rules::semantics#fingerprint-input), with the version of the
/// rule that made it.
///
/// Fingerprints of different versions are never compared. A deploy that changes the rule therefore neither refuses
/// nor reruns requests that older code recorded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    version: u8,
    digest: [u8; 32],
}

/// The current version of the rule. Version 1 compared form and multipart bodies as bytes. All media types share one
/// version: with a version of its own, a multipart record could be replayed to a JSON request.
const VERSION: u8 = 2;

impl Fingerprint {
    /// Restores a fingerprint from its stored parts.
    pub const fn from_parts(version: u8, digest: [u8; 32]) -> Self {
        Self { version, digest }
    }

    /// The version of the rule that made the fingerprint.
    pub const fn version(&self) -> u8 {
        self.version
    }

    /// The bytes of the digest.
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Whether the two fingerprints show different requests. Returns `false` for different versions.
    ///
    /// The comparison of the digests takes constant time.
    pub fn contradicts(&self, other: &Self) -> bool {
        self.version == other.version && !bool::from(self.words().as_slice().ct_eq(&other.words()))
    }

    /// The digest in machine words, which are compared faster than bytes.
    fn words(&self) -> [u64; 4] {
        let (words, _) = self.digest.as_chunks();
        std::array::from_fn(|word| u64::from_ne_bytes(words[word]))
    }

    pub(crate) fn of_input(secret: Option<&Secret>, input: &FingerprintInput) -> Self {
        let mut digest = PartDigest::new(secret);
        digest.part(b"value");
        digest.part(&input.0);
        Self::of_digest(digest)
    }

    pub(crate) fn of_digest(digest: PartDigest) -> Self {
        Self { version: VERSION, digest: digest.finish() }
    }
}

/// Whether two requests under one key are known to differ. A request without a fingerprint matches every other.
pub(crate) fn contradict(first: Option<Fingerprint>, other: Option<Fingerprint>) -> bool {
    first.zip(other).is_some_and(|(first, other)| first.contradicts(&other))
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint(v{})", self.version)
    }
}

/// The value of a `fingerprint = "…"` expression, as [canonical JSON](crate::rules::semantics#canonical-json).
pub struct FingerprintInput(Vec<u8>);

impl FingerprintInput {
    /// Serializes `value` as canonical JSON. Members of objects and elements of hash sets are sorted, so a `HashMap`
    /// and a `HashSet` compare equal in every process.
    ///
    /// `serde` shows a set like an array. A set of `std` or `hashbrown` is recognized by the name of its type. For
    /// any other collection without an order, use a `BTreeSet` or a sorted `Vec` in its place.
    ///
    /// # Errors
    /// If `value` cannot be serialized as JSON: it contains a map whose keys are not strings, or a float that is NaN
    /// or infinite.
    pub fn of<V: Serialize + ?Sized>(value: &V) -> Result<Self, serde_json::Error> {
        exact::to_vec(value).map(|text| Self(exact::canonical(&text).into_owned()))
    }
}

impl fmt::Debug for FingerprintInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FingerprintInput({} bytes)", self.0.len())
    }
}
