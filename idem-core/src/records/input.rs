//! The input of operators as text: for tools.

use bytes::Bytes;

use crate::http::{KeySyntax, Scope, stored_headers};
use crate::model::{IdempotencyKey, KeyError, ScopeParts, ScopeValue, StoredResponse};

/// Text that a tool cannot use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidInput {
    /// A tuple of scopes has no value or too many.
    #[error("a scope has one to four values, not {0}")]
    ScopeValues(usize),
    /// A header cannot be sent.
    #[error("`{0}` is not a header; write NAME:VALUE")]
    Header(String),
    /// A header is never replayed.
    #[error("`{0}` is a header that is never stored; leave it out")]
    HeaderNotStored(String),
    /// A response with this status is sent without a body.
    #[error("a response with status {0} has no body; leave the body out")]
    BodyNotAllowed(u16),
}

/// One value of a scope with its parts.
struct Value(Vec<String>);

impl ScopeValue for Value {
    fn write_parts(&self, parts: &mut ScopeParts) {
        self.0.iter().for_each(|part| parts.push(part));
    }
}

/// Returns the scope that `values` describe. A JSON array of strings is a value with several parts, and all other text is a
/// value with one part. Several values are a tuple, as in `scope = "(tenant, user)"`.
///
/// # Errors
/// If there are none or more than four values.
pub fn scope<T: AsRef<str>>(values: &[T]) -> Result<Scope, InvalidInput> {
    let value = |text: &T| {
        let text = text.as_ref();
        Value(serde_json::from_str(text).unwrap_or_else(|_| vec![text.to_owned()]))
    };
    let values: Vec<_> = values.iter().map(value).collect();
    match &values[..] {
        [a] => Ok(Scope::of(a)),
        [a, b] => Ok(Scope::of(&(a, b))),
        [a, b, c] => Ok(Scope::of(&(a, b, c))),
        [a, b, c, d] => Ok(Scope::of(&(a, b, c, d))),
        values => Err(InvalidInput::ScopeValues(values.len())),
    }
}

/// Returns the keys that `text` can mean, the most likely one first. Text in quotes is a key as clients send it, in the quoted
/// form of the header, or a key that contains these quotes. All other text is one key.
///
/// # Errors
/// If the text is no key.
pub fn keys(text: &str) -> Result<Vec<IdempotencyKey>, KeyError> {
    let literal = IdempotencyKey::new(text);
    let quoted = IdempotencyKey::from_header([text.as_bytes()], KeySyntax::Strict);
    match quoted {
        Ok(Some(key)) => Ok([key].into_iter().chain(literal.ok()).collect()),
        _ => literal.map(|key| vec![key]),
    }
}

/// Whether a response with this status can have a body (RFC 9110, sections 6.4.1 and 15.3.6).
pub(super) const fn may_have_body(status: u16) -> bool {
    !matches!(status, 100..=199 | 204 | 205 | 304)
}

/// Returns a response with these headers, each written as `NAME:VALUE`. Without a `Content-Type`, a body counts as JSON if
/// it is JSON, and otherwise as bytes.
///
/// # Errors
/// If a header is malformed, or is one that is [never stored](crate::rules::semantics#stored-headers). If there is a body, and
/// responses with this status have none.
pub fn response<T: AsRef<str>>(
    status: u16,
    body: Bytes,
    headers: &[T],
) -> Result<StoredResponse, InvalidInput> {
    if !body.is_empty() && !may_have_body(status) {
        return Err(InvalidInput::BodyNotAllowed(status));
    }
    let mut fields = Vec::new();
    for header in headers.iter().map(T::as_ref) {
        let field = header.split_once(':').map(|(name, value)| (name.trim(), value.trim()));
        let field =
            field.filter(|(name, value)| is_token(name) && !value.contains(char::is_control));
        let (name, value) = field.ok_or_else(|| InvalidInput::Header(header.to_owned()))?;
        fields.push((name.to_ascii_lowercase(), value));
    }
    if !body.is_empty() && fields.iter().all(|(name, _)| name != "content-type") {
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok();
        let kind = if is_json { "application/json" } else { "application/octet-stream" };
        fields.push(("content-type".to_owned(), kind));
    }
    let all = fields.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let headers = stored_headers(all, std::iter::empty());
    let is_stored = |name: &str| headers.iter().any(|(stored, _)| stored == name.as_bytes());
    match fields.iter().find(|(name, _)| !is_stored(name)) {
        Some((name, _)) => Err(InvalidInput::HeaderNotStored(name.clone())),
        None => Ok(StoredResponse { status, headers, body }),
    }
}

/// Whether `name` is a header name (RFC 9110, section 5.6.2).
fn is_token(name: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_tchar)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn text_is_one_part_and_an_array_is_several() {
        assert_eq!(scope(&["acme"]).unwrap(), Scope::of("acme"));
        assert_eq!(scope(&["42"]).unwrap(), Scope::of(&42));
        assert_eq!(scope(&[r#"["acme"]"#]).unwrap(), Scope::of("acme"));
        let two = Value(vec!["acme".into(), "eu".into()]);
        assert_eq!(scope(&[r#"["acme","eu"]"#]).unwrap(), Scope::of(&two));
        assert_ne!(scope(&["acme,eu"]).unwrap(), Scope::of(&two));
    }

    #[test]
    fn repeated_values_are_a_tuple() {
        assert_eq!(scope(&["acme", "ada"]).unwrap(), Scope::of(&("acme", "ada")));
        assert_eq!(scope(&["a"; 5]), Err(InvalidInput::ScopeValues(5)));
        assert_eq!(scope::<&str>(&[]), Err(InvalidInput::ScopeValues(0)));
    }

    #[test]
    fn headers_that_could_not_be_replayed_are_refused() {
        let with = |header: &str| response(200, Bytes::new(), &[header]);
        assert!(with("Location: /payments/1").is_ok());
        for bad in ["none", ": x", "a b: c", "x: a\nb", "\u{e9}: x"] {
            assert_eq!(with(bad), Err(InvalidInput::Header(bad.to_owned())));
        }
        let denied = InvalidInput::HeaderNotStored("set-cookie".to_owned());
        assert_eq!(with("Set-Cookie: a=b"), Err(denied));
    }

    #[test]
    fn quoted_key_is_read_as_it_was_sent_and_as_it_is() {
        let read = |text: &str| {
            let keys = keys(text).unwrap();
            keys.iter().map(|key| key.as_str().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(read("ord-1"), ["ord-1"]);
        assert_eq!(read(r#""ord-1""#), ["ord-1", r#""ord-1""#]);
        assert_eq!(read(r#""ord-1";v=1"#), ["ord-1", r#""ord-1";v=1"#]);
        assert_eq!(read(r#""\"ord\"""#), [r#""ord""#, r#""\"ord\"""#]);
        assert_eq!(read(r#""ord"#), [r#""ord"#], "not a quoted form");
        assert_eq!(read("ord 1"), ["ord 1"], "a key of a function");
        assert!(keys("").is_err() && keys("\u{e9}").is_err());
        let longest = "a".repeat(IdempotencyKey::MAX_LEN);
        assert_eq!(read(&format!("\"{longest}\""))[0], longest);
    }

    #[test]
    fn body_is_refused_if_the_status_has_none() {
        let with = |status, body: &'static str| response::<&str>(status, body.into(), &[]);
        for status in [100, 199, 204, 205, 304] {
            assert_eq!(with(status, "{}"), Err(InvalidInput::BodyNotAllowed(status)));
            assert!(with(status, "").is_ok());
        }
        for status in [200, 203, 206, 303, 305, 404, 599] {
            assert!(with(status, "{}").is_ok(), "{status}");
        }
    }

    #[test]
    fn body_without_a_type_is_json_if_it_is() {
        let kind = |body: &'static [u8]| {
            let response = response::<&str>(200, Bytes::from_static(body), &[]).unwrap();
            response.headers.iter().map(|(_, value)| value.to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(kind(b"{\"a\":1}"), [b"application/json"]);
        assert_eq!(kind(b"{a"), [b"application/octet-stream"]);
        assert!(kind(b"").is_empty());
    }
}
