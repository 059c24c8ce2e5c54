//! The response that is stored and replayed.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use smallvec::SmallVec;

/// The status, headers and body that are replayed, byte for byte.
///
/// Cloning shares the bytes. `Debug` shows only sizes, because responses can contain personal data.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredResponse {
    /// The HTTP status. The result of a plain function has 200 for `Ok` and 400 for `Err`.
    pub status: u16,
    /// The [headers that are stored](crate::rules::semantics#stored-headers).
    pub headers: Headers,
    /// The complete body.
    pub body: Bytes,
}

impl StoredResponse {
    /// A response with this status, these headers and this body.
    pub const fn new(status: u16, headers: Headers, body: Bytes) -> Self {
        Self { status, headers, body }
    }

    /// A response with a JSON body.
    ///
    /// # Errors
    /// If `value` cannot be written as JSON.
    pub fn json<T: Serialize + ?Sized>(status: u16, value: &T) -> serde_json::Result<Self> {
        let body = serde_json::to_vec(value)?;
        Ok(Self::with_type(status, "application/json", body.into()))
    }

    /// A response with a body of plain text in UTF-8.
    pub fn text(status: u16, text: impl Into<String>) -> Self {
        Self::with_type(status, "text/plain; charset=utf-8", text.into().into())
    }

    fn with_type(status: u16, content_type: &str, body: Bytes) -> Self {
        let headers = [("content-type", content_type.as_bytes())].into_iter().collect();
        Self { status, headers, body }
    }
}

impl fmt::Debug for StoredResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredResponse")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

/// Header fields in one buffer. Number, order and bytes are those of the response.
///
/// The buffer is one allocation, and reading slices it. Each field consists of a 2-byte length, the name, a 4-byte
/// length and the value. Lengths are big-endian.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Bytes);

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl<'a> FromIterator<(&'a str, &'a [u8])> for Headers {
    /// # Panics
    /// If a name is longer than 65,535 bytes or a value is longer than 4 GiB. HTTP libraries have lower limits.
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a [u8])>>(fields: I) -> Self {
        // Collected on the stack, so that the final buffer has no spare capacity: it lives as long as its record.
        let mut buffer = SmallVec::<[u8; 256]>::new();
        for (name, value) in fields {
            let lengths = u16::try_from(name.len()).ok().zip(u32::try_from(value.len()).ok());
            #[expect(clippy::expect_used, reason = "documented under # Panics")]
            let (name_len, value_len) = lengths.expect("HTTP libraries limit names and values");
            buffer.extend_from_slice(&name_len.to_be_bytes());
            buffer.extend_from_slice(name.as_bytes());
            buffer.extend_from_slice(&value_len.to_be_bytes());
            buffer.extend_from_slice(value);
        }
        Self(Bytes::copy_from_slice(&buffer))
    }
}

impl Headers {
    /// Iterates over the fields in their stored order. The values share the buffer.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Bytes)> {
        let mut rest = self.0.as_ref();
        std::iter::from_fn(move || {
            let (name, value) = split_field(&mut rest)?;
            Some((name, self.0.slice_ref(value)))
        })
    }

    /// Returns the value of the first field with this name. `name` must be in lower case.
    pub fn get(&self, name: &str) -> Option<Bytes> {
        self.iter().find(|(field, _)| *field == name.as_bytes()).map(|(_, value)| value)
    }

    /// The buffer, in the form that stores keep.
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// Restores headers from a stored buffer. Returns `None` if the buffer does not end with a complete field.
    pub fn from_bytes(buffer: Bytes) -> Option<Self> {
        let mut rest = buffer.as_ref();
        while !rest.is_empty() {
            split_field(&mut rest)?;
        }
        Some(Self(buffer))
    }
}

fn split_field<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (len, named) = rest.split_first_chunk()?;
    let (name, valued) = named.split_at_checked(u16::from_be_bytes(*len).into())?;
    let (len, valued) = valued.split_first_chunk()?;
    let (value, others) = valued.split_at_checked(u32::from_be_bytes(*len).try_into().ok()?)?;
    *rest = others;
    Some((name, value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn fields() -> Headers {
        [
            ("link", b"</a>, </b>".as_slice()),
            ("link", b"</c>"),
            ("etag", b"\"\xff\""),
            ("x-empty", b""),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn repeated_fields_keep_count_order_and_bytes() {
        let seen: Vec<_> = fields().iter().map(|(n, v)| (n.to_vec(), v.to_vec())).collect();
        assert_eq!(seen[0], (b"link".to_vec(), b"</a>, </b>".to_vec()));
        assert_eq!(seen[1], (b"link".to_vec(), b"</c>".to_vec()));
        assert_eq!(seen[2], (b"etag".to_vec(), b"\"\xff\"".to_vec()));
        assert_eq!(seen[3], (b"x-empty".to_vec(), Vec::new()));
        assert_eq!(seen.len(), 4);
    }

    #[test]
    fn the_first_field_of_a_name_is_found() {
        assert_eq!(fields().get("link").as_deref(), Some(b"</a>, </b>".as_slice()));
        assert_eq!(fields().get("x-empty").as_deref(), Some(b"".as_slice()));
        assert_eq!(fields().get("x-other"), None);
    }

    #[test]
    fn a_truncated_buffer_is_refused_at_every_length() {
        let whole = fields().as_bytes().clone();
        let borders = [0, 18, 31, 44, 57];
        for len in 0..=whole.len() {
            let read = Headers::from_bytes(whole.slice(..len));
            assert_eq!(read.is_some(), read.is_some_and(|h| h.as_bytes().len() == len), "{len}");
        }
        assert_eq!(Headers::from_bytes(whole.clone()).unwrap(), fields());
        let accepted = (0..=whole.len())
            .filter(|len| Headers::from_bytes(whole.slice(..*len)).is_some())
            .count();
        assert_eq!(accepted, borders.len(), "only cuts between fields are complete");
    }

    #[test]
    fn debug_shows_no_content() {
        let response =
            StoredResponse { status: 201, headers: fields(), body: Bytes::from_static(b"secret") };
        assert!(!format!("{response:?}").contains("secret"));
    }
}
