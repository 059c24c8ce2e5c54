//! The parts of an HTTP request that make up its fingerprint.

use std::borrow::Cow;
use std::fmt;

use super::media_type::{self, essence};
use super::multipart::Multipart;
use super::urlencoded;
use crate::hash::{PartDigest, Secret};
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
    /// The value of the `Content-Type` header. Its parameters are ignored, except for multipart bodies: `boundary` separates
    /// their parts, and the whole value counts if they are compared as bytes.
    pub content_type: Option<&'a [u8]>,
    /// The complete body.
    pub body: &'a [u8],
}

impl<'a> RequestParts<'a> {
    /// Returns the fingerprint of the request.
    pub(crate) fn fingerprint(self, secret: Option<&Secret>, mode: FingerprintMode) -> Fingerprint {
        let essence = essence(self.content_type);
        let canonical = match mode {
            FingerprintMode::Canonical => self.canonical(&essence),
            FingerprintMode::Raw | FingerprintMode::Argument => None,
        };
        let form = canonical.unwrap_or(Form::Raw(self.body));
        let (method, path) = (self.method.as_bytes(), self.path.as_bytes());
        let query = self.query.unwrap_or_default().as_bytes();
        let mut digest = PartDigest::new(secret);
        for part in [b"request", method, path, query, &essence, form.tag()] {
            digest.part(part);
        }
        match form {
            Form::Json(text) => digest.part(&text),
            Form::Urlencoded(text) => digest.part(&text),
            Form::Multipart(parts) => parts.write_to(&mut digest),
            Form::Raw(body) => {
                digest.part(body);
                // Another boundary divides the same bytes into other parts.
                if essence.starts_with(b"multipart/") {
                    digest.part(self.content_type.unwrap_or_default());
                }
            }
        }
        Fingerprint::of_digest(digest)
    }

    /// Returns the form of the body that is independent of how it was written, if there is one.
    fn canonical(&self, essence: &[u8]) -> Option<Form<'a>> {
        match essence {
            b"application/x-www-form-urlencoded" => {
                urlencoded::canonical(self.body).map(Form::Urlencoded)
            }
            b"multipart/form-data" => {
                let boundary = media_type::boundary(self.content_type?)?;
                Multipart::split(self.body, boundary).map(Form::Multipart)
            }
            _ if is_json(essence) => json::canonical(self.body).map(Form::Json),
            _ => None,
        }
    }
}

/// The form in which a body is compared.
enum Form<'a> {
    Json(Cow<'a, [u8]>),
    Urlencoded(Vec<u8>),
    Multipart(Multipart<'a>),
    Raw(&'a [u8]),
}

impl Form<'_> {
    /// The tag in the digest, so that bodies of different forms never have one fingerprint.
    const fn tag(&self) -> &'static [u8] {
        match self {
            Self::Json(_) => b"json",
            Self::Urlencoded(_) => b"urlencoded",
            Self::Multipart(_) => b"multipart",
            Self::Raw(_) => b"raw",
        }
    }
}

/// Path, query and body are not shown, because they can contain personal data.
impl fmt::Debug for RequestParts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestParts")
            .field("method", &self.method)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

pub(super) fn is_json(essence: &[u8]) -> bool {
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
    fn only_json_types_are_compared_as_json() {
        let reordered = br#"{"note":"a","amount":9007199254740993}"#;
        for (content_type, is_json) in [
            ("application/json", true),
            ("application/problem+json", true),
            ("text/plain", false),
            ("application/json-seq", false),
        ] {
            let first = RequestParts { content_type: Some(content_type.as_bytes()), ..PAYMENT };
            let second = RequestParts { body: reordered, ..first };
            let same = !canonical(&first).contradicts(&canonical(&second));
            assert_eq!(same, is_json, "{content_type}");
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
        for version in [0, 1, 3] {
            let other = Fingerprint::from_parts(version, [0; 32]);
            assert!(!current.contradicts(&other));
        }
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
    fn forms_are_compared_by_their_content() {
        let form = |content_type, body| RequestParts { content_type, body, ..PAYMENT };
        let pairs = |body| form(Some(b"application/x-www-form-urlencoded".as_slice()), body);
        assert!(!canonical(&pairs(b"a=1&b=2")).contradicts(&canonical(&pairs(b"%61=1&b=2"))));
        assert!(canonical(&pairs(b"a=1&b=2")).contradicts(&canonical(&pairs(b"b=2&a=1"))));
        let parts = form(Some(b"multipart/form-data; boundary=x"), b"--x\r\n\r\n1\r\n--x--");
        let others =
            form(Some(b"Multipart/Form-Data; boundary=yy"), b"--yy\r\n\r\n1\r\n--yy--\r\n");
        assert!(!canonical(&parts).contradicts(&canonical(&others)));
        let raw = |parts: &RequestParts<'_>| parts.fingerprint(None, FingerprintMode::Raw);
        assert!(raw(&parts).contradicts(&raw(&others)));
    }

    /// The bytes contain a form for each of two boundaries, so the boundary selects the content.
    #[test]
    fn multipart_bodies_that_are_compared_as_bytes_need_the_same_boundary() {
        let body = b"--b1\r\n\r\n1\r\n--b1--\r\n--b2\r\n\r\n2\r\n--b2--\r\n";
        let with = |content_type: &'static str| RequestParts {
            content_type: Some(content_type.as_bytes()),
            body,
            ..PAYMENT
        };
        for others in ["form-data", "mixed"] {
            let [first, second] = ["b1", "b2"].map(|boundary| {
                let content_type = format!("multipart/{others}; boundary={boundary}");
                with(content_type.leak())
            });
            assert!(canonical(&first).contradicts(&canonical(&second)), "{others}");
            assert!(canonical(&first).contradicts(&canonical(&with("multipart/form-data"))));
            assert!(!canonical(&first).contradicts(&canonical(&first)));
        }
        let part = RequestParts {
            body: b"--x\r\n\r\n1\r\n--x--",
            ..with("multipart/form-data; boundary=x")
        };
        let other = RequestParts { body: part.body, ..with("multipart/form-data; boundary=y") };
        let raw = |parts: &RequestParts<'_>| parts.fingerprint(None, FingerprintMode::Raw);
        assert!(raw(&part).contradicts(&raw(&other)));
    }

    /// The whole field counts, so each way to write it differs from the others.
    #[test]
    fn multipart_bodies_that_are_compared_as_bytes_need_the_same_content_type() {
        let fields = [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=b1",
            "multipart/form-data; boundary=B1",
            "multipart/form-data; boundary=\"b1\"",
            "multipart/form-data; boundary=b1; boundary=b2",
            "multipart/form-data; boundary=b2; boundary=b1",
            "multipart/form-data; boundary=b1; charset=utf-8",
        ];
        for body in [b"--b1\r\n\r\n1\r\n--b1--\r\nepilogue".as_slice(), b""] {
            let with = |field: &'static str| RequestParts {
                content_type: Some(field.as_bytes()),
                body,
                ..PAYMENT
            };
            for (n, first) in fields.into_iter().enumerate() {
                assert!(!canonical(&with(first)).contradicts(&canonical(&with(first))), "{first}");
                for &second in &fields[n + 1..] {
                    let differ = canonical(&with(first)).contradicts(&canonical(&with(second)));
                    assert!(differ, "{first} and {second}");
                }
            }
        }
    }

    /// A form that is compared as bytes never equals one that is compared by its content.
    #[test]
    fn forms_have_tags() {
        let content_type = Some(b"application/x-www-form-urlencoded".as_slice());
        let canonical_text = RequestParts { content_type, body: b"a=1", ..PAYMENT };
        let raw = canonical_text.fingerprint(None, FingerprintMode::Raw);
        assert!(canonical(&canonical_text).contradicts(&raw));
    }

    #[test]
    fn version_2_is_frozen() {
        let form = |content_type, body| RequestParts { content_type, body, ..PAYMENT };
        let part = b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n";
        for (request, expected) in [
            (PAYMENT, "4c79667a428589e8746375b7877db9b2a47720fe99aceac93c16d98e271bd9bd"),
            (
                form(Some(b"application/x-www-form-urlencoded"), b"a=%31&b=+"),
                "e386664b91521ef38faa9b356e411de54f055de71f050009b538f64264e9e967",
            ),
            (
                form(Some(b"multipart/form-data; boundary=b"), part),
                "e98a5f98c6695d0d6585ad7258e7eb5a058aabc5ee2efd9cf4aeecf2207b9b91",
            ),
            (
                form(Some(b"multipart/form-data; boundary=b"), b"a"),
                "8b8f51b28f0d185844be9d18c4a0a5fe5c5343533e4b71c9385056eff534884b",
            ),
            (
                form(Some(b"text/plain"), b"a"),
                "1bddf20af8f5e1c80d02ac5598a8e1e707883c99e8b6cffe070d9423113945f8",
            ),
        ] {
            let fingerprint = canonical(&request);
            let hex: String =
                fingerprint.digest().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!((fingerprint.version(), &*hex), (2, expected), "{request:?}");
        }
    }
}
