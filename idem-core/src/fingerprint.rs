//! What makes a retry the same request: a digest of what the client sent (R9-R12).

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use subtle::ConstantTimeEq;

use crate::digest::{PartDigest, Secret};
use crate::json;
use crate::policy::FingerprintMode;

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

    pub(crate) fn of_request(
        secret: Option<&Secret>,
        request: &RequestParts<'_>,
        mode: FingerprintMode,
    ) -> Self {
        let essence = essence(request.content_type);
        let canonical = match mode {
            FingerprintMode::Canonical if is_json(&essence) => json::canonical(request.body),
            _ => None,
        };
        let (form, body): (&[u8], _) = match &canonical {
            Some(canonical) => (b"json", canonical.as_ref()),
            None => (b"raw", request.body),
        };
        let (method, path) = (request.method.as_bytes(), request.path.as_bytes());
        let query = request.query.unwrap_or_default().as_bytes();
        Self::of(secret, [b"request", method, path, query, &essence, form, body])
    }

    pub(crate) fn of_input(secret: Option<&Secret>, material: &FingerprintInput) -> Self {
        Self::of(secret, [b"value", &material.0])
    }

    fn of<const N: usize>(secret: Option<&Secret>, parts: [&[u8]; N]) -> Self {
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

/// What of a request is compared (R11): every other header is left out.
#[derive(Clone, Copy)]
pub struct RequestParts<'a> {
    /// The method as sent.
    pub method: &'a str,
    /// The concrete path, before any router stripped a prefix.
    pub path: &'a str,
    /// The raw query, without the `?`.
    pub query: Option<&'a str>,
    /// The `Content-Type` field; its parameters are ignored.
    pub content_type: Option<&'a [u8]>,
    /// The whole body.
    pub body: &'a [u8],
}

/// Shows no path, query or body: they may be personal data (R43).
impl fmt::Debug for RequestParts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = format_args!("{} bytes", self.body.len());
        f.debug_struct("RequestParts")
            .field("method", &self.method)
            .field("body", &body)
            .finish_non_exhaustive()
    }
}

/// The media type without parameters, in lower case.
fn essence(content_type: Option<&[u8]>) -> Cow<'_, [u8]> {
    let field = content_type.unwrap_or_default();
    let essence = field.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if essence.iter().any(u8::is_ascii_uppercase) {
        Cow::Owned(essence.to_ascii_lowercase())
    } else {
        Cow::Borrowed(essence)
    }
}

fn is_json(essence: &[u8]) -> bool {
    essence == b"application/json" || essence.ends_with(b"+json")
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const PAYMENT: RequestParts<'static> = RequestParts {
        method: "POST",
        path: "/payments",
        query: None,
        content_type: Some(b"application/json"),
        body: br#"{"amount": 9007199254740993, "note": "a"}"#,
    };

    fn canonical(parts: &RequestParts<'_>) -> Fingerprint {
        Fingerprint::of_request(None, parts, FingerprintMode::Canonical)
    }

    #[test]
    fn reordered_json_and_another_charset_are_the_same_request() {
        let reordered =
            RequestParts { body: br#"{"note":"\u0061","amount":9007199254740993}"#, ..PAYMENT };
        let charset =
            RequestParts { content_type: Some(b"Application/JSON; charset=utf-8"), ..PAYMENT };
        assert!(!canonical(&PAYMENT).contradicts(&canonical(&reordered)));
        assert!(!canonical(&PAYMENT).contradicts(&canonical(&charset)));
    }

    #[test]
    fn any_part_that_counts_makes_another_request() {
        let others = [
            RequestParts { body: br#"{"amount": 9007199254740992, "note": "a"}"#, ..PAYMENT },
            RequestParts { method: "PUT", ..PAYMENT },
            RequestParts { path: "/payments/1", ..PAYMENT },
            RequestParts { query: Some("a=1"), ..PAYMENT },
            RequestParts { content_type: Some(b"text/plain"), ..PAYMENT },
            RequestParts { content_type: None, ..PAYMENT },
        ];
        for other in others {
            assert!(canonical(&PAYMENT).contradicts(&canonical(&other)), "{other:?}");
        }
    }

    #[test]
    fn raw_mode_and_broken_json_compare_bytes() {
        let raw = |parts| Fingerprint::of_request(None, parts, FingerprintMode::Raw);
        let reordered =
            RequestParts { body: br#"{"note":"a","amount":9007199254740993}"#, ..PAYMENT };
        assert!(raw(&PAYMENT).contradicts(&raw(&reordered)));
        let twice = RequestParts { body: br#"{"a":1,"a":2}"#, ..PAYMENT };
        let spaced = RequestParts { body: br#"{"a":1, "a":2}"#, ..PAYMENT };
        assert!(canonical(&twice).contradicts(&canonical(&spaced)));
    }

    #[test]
    fn another_version_is_not_compared() {
        let today = canonical(&PAYMENT);
        let old = Fingerprint::from_parts(0, [0; 32]);
        assert!(!today.contradicts(&old));
    }

    #[test]
    fn a_hash_map_compares_equal_whatever_its_order() {
        use std::collections::HashMap;
        let one: HashMap<_, _> = (0..50).map(|n| (n.to_string(), n)).collect();
        let two: HashMap<_, _> = (0..50).rev().map(|n| (n.to_string(), n)).collect();
        let print = |map| Fingerprint::of_input(None, &FingerprintInput::of(map).unwrap());
        assert!(!print(&one).contradicts(&print(&two)));
    }

    #[test]
    fn version_1_is_frozen() {
        let hex: String =
            canonical(&PAYMENT).digest().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "4c79667a428589e8746375b7877db9b2a47720fe99aceac93c16d98e271bd9bd");
    }
}
