//! The parts of an HTTP request that make up its fingerprint.

use std::borrow::Cow;
use std::fmt;

use crate::hash::Secret;
use crate::json;
use crate::model::{Fingerprint, FingerprintMode};

/// The parts of a request that make up its [fingerprint](crate::rules::semantics#fingerprint-input). Headers other than
/// `Content-Type` are ignored.
///
/// `Debug` shows only the method and the size of the body.
#[derive(Clone, Copy)]
pub struct RequestParts<'a> {
    /// The method as sent.
    pub method: &'a str,
    /// The concrete path, before a router strips a prefix.
    pub path: &'a str,
    /// The raw query, without the `?`. `None` equals an empty query.
    pub query: Option<&'a str>,
    /// The value of the `Content-Type` header. Its parameters are ignored.
    pub content_type: Option<&'a [u8]>,
    /// The complete body.
    pub body: &'a [u8],
}

impl RequestParts<'_> {
    /// Returns the fingerprint of the request.
    pub(crate) fn fingerprint(self, secret: Option<&Secret>, mode: FingerprintMode) -> Fingerprint {
        let essence = essence(self.content_type);
        let canonical = match mode {
            FingerprintMode::Canonical if is_json(&essence) => json::canonical(self.body),
            _ => None,
        };
        let (form, body): (&[u8], _) = match &canonical {
            Some(canonical) => (b"json", canonical.as_ref()),
            None => (b"raw", self.body),
        };
        let (method, path) = (self.method.as_bytes(), self.path.as_bytes());
        let query = self.query.unwrap_or_default().as_bytes();
        Fingerprint::of(secret, [b"request", method, path, query, &essence, form, body])
    }
}

/// Path, query and body are not shown, because they can contain personal data.
impl fmt::Debug for RequestParts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = format_args!("{} bytes", self.body.len());
        f.debug_struct("RequestParts")
            .field("method", &self.method)
            .field("body", &body)
            .finish_non_exhaustive()
    }
}

/// Returns the media type without parameters, in lower case.
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::model::FingerprintInput;

    const PAYMENT: RequestParts<'static> = RequestParts {
        method: "POST",
        path: "/payments",
        query: None,
        content_type: Some(b"application/json"),
        body: br#"{"amount": 9007199254740993, "note": "a"}"#,
    };

    fn canonical(parts: &RequestParts<'_>) -> Fingerprint {
        parts.fingerprint(None, FingerprintMode::Canonical)
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
    fn every_part_of_the_input_changes_the_fingerprint() {
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
        let raw = |parts: &RequestParts<'_>| parts.fingerprint(None, FingerprintMode::Raw);
        let reordered =
            RequestParts { body: br#"{"note":"a","amount":9007199254740993}"#, ..PAYMENT };
        assert!(raw(&PAYMENT).contradicts(&raw(&reordered)));
        let twice = RequestParts { body: br#"{"a":1,"a":2}"#, ..PAYMENT };
        let spaced = RequestParts { body: br#"{"a":1, "a":2}"#, ..PAYMENT };
        assert!(canonical(&twice).contradicts(&canonical(&spaced)));
    }

    #[test]
    fn another_version_is_not_compared() {
        let current = canonical(&PAYMENT);
        let old = Fingerprint::from_parts(0, [0; 32]);
        assert!(!current.contradicts(&old));
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
