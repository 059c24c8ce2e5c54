//! Media types of requests and responses.

use std::borrow::Cow;

/// Returns the media type without parameters, in lower case.
pub(super) fn essence(content_type: Option<&[u8]>) -> Cow<'_, [u8]> {
    let field = content_type.unwrap_or_default();
    if field == b"application/json" {
        return Cow::Borrowed(field); // the usual one
    }
    let essence = field.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if essence.iter().any(u8::is_ascii_uppercase) {
        Cow::Owned(essence.to_ascii_lowercase())
    } else {
        Cow::Borrowed(essence)
    }
}

/// Returns the parameter `boundary` of a multipart type. `None` if it is missing, and for each field that two parsers
/// could read differently: a repeated or extended boundary (RFC 2231), a malformed parameter or an escape in quotes.
pub(super) fn boundary(content_type: &[u8]) -> Option<&[u8]> {
    let start = content_type.iter().position(|byte| *byte == b';')? + 1;
    let mut rest = Some(&content_type[start..]);
    let mut boundary = None;
    while let Some(text) = rest {
        let parameter = Parameter::first_of(text)?;
        if is_extended_boundary(parameter.name) {
            return None;
        }
        let is_boundary = parameter.name.eq_ignore_ascii_case(b"boundary");
        if is_boundary && boundary.replace(parameter.value).is_some() {
            return None;
        }
        rest = parameter.rest;
    }
    boundary.filter(|boundary| is_boundary(boundary))
}

/// Whether a name such as `boundary*` or `boundary*0` sets the boundary for parsers of RFC 2231. Others ignore it.
fn is_extended_boundary(name: &[u8]) -> bool {
    split_once(name, b'*').is_some_and(|(name, _)| name.eq_ignore_ascii_case(b"boundary"))
}

struct Parameter<'a> {
    name: &'a [u8],
    /// Without quotes.
    value: &'a [u8],
    /// The text after the next semicolon, if there is one.
    rest: Option<&'a [u8]>,
}

impl<'a> Parameter<'a> {
    fn first_of(text: &'a [u8]) -> Option<Self> {
        let (name, value) = split_once(text, b'=')?;
        let name = name.trim_ascii();
        if !is_token(name) {
            return None;
        }
        let (value, rest) = match value.strip_prefix(b"\"") {
            Some(quoted) => {
                split_once(quoted, b'"').filter(|(value, _)| !value.contains(&b'\\'))?
            }
            None => {
                let end = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
                (value[..end].trim_ascii_end(), &value[end..])
            }
        };
        let rest = match rest.trim_ascii_start().split_first() {
            None => None,
            Some((b';', after)) => Some(after),
            Some(_) => return None,
        };
        Some(Self { name, value, rest })
    }
}

fn split_once(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == separator)?;
    Some((&text[..at], &text[at + 1..]))
}

/// Whether a name is a token (RFC 9110, section 5.6.2).
pub(crate) fn is_token(name: &[u8]) -> bool {
    let in_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty() && name.iter().all(in_token)
}

/// Whether a boundary is valid (RFC 2046, section 5.1.1).
fn is_boundary(boundary: &[u8]) -> bool {
    let in_boundary = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(byte);
    (1..=MAX_BOUNDARY).contains(&boundary.len())
        && boundary.iter().all(in_boundary)
        && !boundary.ends_with(b" ")
}

/// The maximum length of a boundary, in bytes.
const MAX_BOUNDARY: usize = 70;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_is_read_from_every_usual_form() {
        for field in [
            "multipart/form-data; boundary=a.b",
            "multipart/form-data;BOUNDARY=\"a.b\"",
            "multipart/form-data ; charset=\"x;y\" ; boundary=a.b ; q=1",
        ] {
            assert_eq!(boundary(field.as_bytes()), Some(b"a.b".as_slice()), "{field}");
        }
        let browser = b"multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW";
        assert_eq!(boundary(browser), Some(b"----WebKitFormBoundary7MA4YWxkTrZu0gW".as_slice()));
    }

    #[test]
    fn a_boundary_that_two_parsers_could_read_differently_is_refused() {
        let long = format!("multipart/form-data; boundary={}", "a".repeat(MAX_BOUNDARY + 1));
        for field in [
            "multipart/form-data",
            "multipart/form-data; boundary",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"a",
            "multipart/form-data; boundary=\"a\"b",
            "multipart/form-data; boundary=\"a\\b\"",
            "multipart/form-data; boundary=\"a \"",
            "multipart/form-data; boundary=a; boundary=b",
            "multipart/form-data; boundary=a; Boundary=a",
            "multipart/form-data; boundary=a; boundary*=''b",
            "multipart/form-data; Boundary*0=b; boundary=a",
            "multipart/form-data; x; boundary=a",
            "multipart/form-data; x=\"\\\"; boundary=a; y=\"; boundary=b",
            "multipart/form-data; boundary=a;",
            "multipart/form-data; boundary=a*b",
            &long,
        ] {
            assert_eq!(boundary(field.as_bytes()), None, "{field}");
        }
    }
}
