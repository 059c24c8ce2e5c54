//! The outline of a request: short digests of its parts, which show an operator why a duplicate has another
//! [fingerprint](crate::rules::semantics#fingerprint-mismatch).

use std::collections::HashMap;

use bytes::Bytes;

use super::RequestParts;
use super::media_type::essence;
use super::request::is_json;
use crate::hash::{PartDigest, Secret};
use crate::json;

/// The parts of every request, in the order of their digests.
const PARTS: [&str; 5] = ["method", "path", "query", "media type", BODY];
const BODY: &str = "body";

/// The maximum number of members of a JSON body.
const MAX_MEMBERS: usize = 32;

/// The length of a digest, in bytes. That of a member consists of two halves, one for its name alone.
const DIGEST: usize = 8;
const HALF: usize = DIGEST / 2;

/// The digests of one request, with the names of its members.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    digests: Bytes,
    members: Vec<Box<str>>,
}

/// The parts in which two requests differ. Returned by [`RecordHandle::explain`](crate::records::RecordHandle::explain).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Differences {
    /// The parts of the second request that differ: `method`, `path`, `query`, `media type`, `body`, and members of a JSON
    /// body such as `body.amount`. The body alone is named if no member is known to differ.
    pub parts: Vec<String>,
    /// The number of members that only the first request has.
    pub only_in_first: usize,
}

impl Outline {
    pub(crate) fn of(request: &RequestParts<'_>, secret: Option<&Secret>) -> Self {
        let essence = essence(request.content_type);
        let canonical = if is_json(&essence) { json::canonical(request.body) } else { None };
        let body = canonical.as_deref().unwrap_or(request.body);
        let query = request.query.unwrap_or_default().as_bytes();
        let values = [request.method.as_bytes(), request.path.as_bytes(), query, &essence, body];
        let members = canonical.as_deref().map(json::members).unwrap_or_default();
        let members = &members[..members.len().min(MAX_MEMBERS)];
        let mut digests = Vec::with_capacity((PARTS.len() + members.len()) * DIGEST);
        for (name, value) in PARTS.into_iter().zip(values) {
            digests.extend_from_slice(&digest(secret, &[name.as_bytes(), value])[..DIGEST]);
        }
        for (name, value) in members {
            digests.extend_from_slice(&digest(secret, &[b"name", name])[..HALF]);
            digests.extend_from_slice(&digest(secret, &[b"member", name, value])[..HALF]);
        }
        let name = |(name, _): &(&[u8], &[u8])| String::from_utf8_lossy(name).into();
        Self { digests: digests.into(), members: members.iter().map(name).collect() }
    }

    /// The digests: 8 bytes for each part and each member.
    pub(crate) const fn digests(&self) -> &Bytes {
        &self.digests
    }

    /// Compares this request with the digests of the first one. Returns `None` if these are damaged.
    pub(crate) fn differences(&self, first: &[u8]) -> Option<Differences> {
        let fixed = PARTS.len() * DIGEST;
        let (first_parts, first_members) = first.split_at_checked(fixed)?;
        let (parts, members) = self.digests.split_at_checked(fixed)?;
        let mut found: HashMap<_, _> = first_members.chunks_exact(DIGEST).map(halves).collect();
        let mut differences = Differences::default();
        let pairs = parts.chunks(DIGEST).zip(first_parts.chunks(DIGEST));
        let differing = PARTS.iter().zip(pairs).filter(|(_, (own, first))| own != first);
        differences.parts = differing.map(|(name, _)| (*name).to_owned()).collect();
        let is_body = differences.parts.last().is_some_and(|part| part == BODY);
        for (name, member) in self.members.iter().zip(members.chunks_exact(DIGEST)) {
            let (name_digest, value) = halves(member);
            if found.remove(name_digest) != Some(value) {
                differences.parts.push(format!("{BODY}.{name}"));
            }
        }
        differences.only_in_first = found.len();
        // The members say more than the body around them.
        let is_explained = differences.parts.last().is_some_and(|part| part.starts_with("body."))
            || differences.only_in_first > 0;
        if is_body && is_explained {
            differences.parts.retain(|part| part != BODY);
        }
        Some(differences)
    }
}

fn digest(secret: Option<&Secret>, parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = PartDigest::new(secret);
    digest.part(b"outline");
    parts.iter().for_each(|part| digest.part(part));
    digest.finish()
}

fn halves(member: &[u8]) -> (&[u8], &[u8]) {
    member.split_at(HALF)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn outline(path: &str, content_type: &str, body: &str) -> Outline {
        let content_type = Some(content_type.as_bytes());
        let (query, body) = (None, body.as_bytes());
        let request = RequestParts { method: "POST", path, query, content_type, body };
        Outline::of(&request, Some(&Secret::new(b"secret")))
    }

    fn json(body: &str) -> Outline {
        outline("/payments", "application/json", body)
    }

    fn compared(first: &Outline, second: &Outline) -> (Vec<String>, usize) {
        let Differences { parts, only_in_first } = second.differences(first.digests()).unwrap();
        (parts, only_in_first)
    }

    fn named(parts: &[&str], only_in_first: usize) -> (Vec<String>, usize) {
        (parts.iter().map(|part| (*part).to_owned()).collect(), only_in_first)
    }

    #[test]
    fn differing_members_are_named_and_missing_ones_are_counted() {
        let first = json(r#"{"amount": 100, "currency": "EUR", "note": "a"}"#);
        let same = json(r#"{"note":"a","currency":"EUR","amount":100}"#);
        assert_eq!(compared(&first, &same), named(&[], 0));
        let second = json(r#"{"amount": 101, "currency": "EUR", "source": "card"}"#);
        assert_eq!(compared(&first, &second), named(&["body.amount", "body.source"], 1));
        assert_eq!(compared(&first, &json("{}")), named(&[], 3));
    }

    #[test]
    fn other_parts_are_named() {
        let first = outline("/a", "text/plain", "x");
        assert_eq!(compared(&first, &outline("/b", "text/plain", "x")), named(&["path"], 0));
        let second = outline("/a", "application/json", "{\"a\":1}");
        assert_eq!(compared(&first, &second), named(&["media type", "body.a"], 0));
        assert_eq!(compared(&first, &outline("/a", "text/plain", "y")), named(&["body"], 0));
        // A difference in later members than the outline has.
        let many = |last: u32| {
            let members: Vec<_> =
                (100..140).map(|n| format!("\"{n}\":{}", n / 139 * last)).collect();
            json(&format!("{{{}}}", members.join(",")))
        };
        assert_eq!(compared(&many(1), &many(2)), named(&["body"], 0));
        assert_eq!(many(1).digests().len(), 296);
    }

    #[test]
    fn digests_depend_on_the_secret() {
        let plain = RequestParts {
            method: "POST",
            path: "/payments",
            query: None,
            content_type: Some(b"application/json"),
            body: b"{}",
        };
        let keyed = json("{}");
        assert_eq!(compared(&keyed, &Outline::of(&plain, None)).0.len(), 5);
    }

    #[test]
    fn damaged_digests_are_not_compared() {
        assert_eq!(json("{}").differences(&[0; 39]), None);
    }
}
