//! Selects the response headers that are stored and replayed, and names the headers of idem.

use std::sync::Arc;

use super::media_type::is_token;
use crate::model::Headers;

/// The default name of the header that carries the key, in lower case. The
/// [builder](crate::IdempotencyBuilder::header) can set another one.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The name of the [replay marker](crate::rules::semantics#replay-marker), in lower case.
pub const REPLAYED: &str = "idempotent-replayed";

/// The name of the header that carries the [slug](crate::Rejection::slug) of a
/// [refusal](crate::rules::semantics#problem-documents), in lower case.
pub const REFUSED: &str = "idempotency-refused";

/// Returns the headers of a response that are stored, by the rule
/// [stored headers](crate::rules::semantics#stored-headers).
///
/// The names in `fields` must be in lower case. `connection` contains the values of the response's `Connection` header,
/// which can name further hop-by-hop headers.
pub fn stored_headers<'a>(
    fields: impl Iterator<Item = (&'a str, &'a [u8])>,
    connection: impl Iterator<Item = &'a [u8]>,
) -> Headers {
    let named: Vec<&[u8]> = connection
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .collect();
    fields
        .filter(|(name, _)| is_replayed(name))
        .filter(|(name, _)| !named.iter().any(|named| named.eq_ignore_ascii_case(name.as_bytes())))
        .collect()
}

/// A selection among the headers that can be [stored](crate::rules::semantics#stored-headers), for
/// [`IdempotencyBuilder::stored_headers`](crate::IdempotencyBuilder::stored_headers).
///
/// ```
/// use idem_core::http::StoredHeaders;
///
/// let without_links = StoredHeaders::except(["link"]);
/// let only_the_location = StoredHeaders::only(["location"]);
/// ```
#[derive(Clone, Debug)]
pub struct StoredHeaders {
    names: Box<[Box<str>]>,
    /// Whether the named headers are stored, or the others.
    only: bool,
}

impl StoredHeaders {
    /// All headers that can be stored, except these. `Content-Type` and `Content-Encoding` are stored even if they are
    /// named, because a client could not read the body without them.
    ///
    /// # Panics
    /// If a name is not a valid header name (RFC 9110, section 5.1).
    pub fn except<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Self {
        Self { names: names.into_iter().map(header_name).collect(), only: false }
    }

    /// Only these of the headers that can be stored, and `Content-Type` and `Content-Encoding`.
    ///
    /// # Panics
    /// As [`except`](Self::except).
    pub fn only<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Self {
        Self { names: names.into_iter().map(header_name).collect(), only: true }
    }

    fn contains(&self, name: &str) -> bool {
        const OF_THE_BODY: [&str; 2] = ["content-type", "content-encoding"];
        OF_THE_BODY.contains(&name)
            || self.names.iter().any(|listed| **listed == *name) == self.only
    }
}

/// Returns a header name in lower case.
///
/// # Panics
/// If `name` is not a valid header name.
pub(crate) fn header_name(name: impl AsRef<str>) -> Box<str> {
    let name = name.as_ref().to_ascii_lowercase();
    assert!(is_token(name.as_bytes()), "{name:?} is not a valid header name");
    name.into()
}

/// The settings of a service for the responses of handlers. Cloning costs nothing unless the service has such settings.
#[derive(Clone, Debug)]
pub struct ResponseRules {
    /// The size of the largest response body that is stored, in bytes.
    pub max_response: usize,
    custom: Option<Arc<CustomHeaders>>,
}

#[derive(Clone, Debug, Default)]
struct CustomHeaders {
    stored: Option<StoredHeaders>,
    marker: Option<Box<str>>,
}

impl ResponseRules {
    pub(crate) const fn new(max_response: usize) -> Self {
        Self { max_response, custom: None }
    }

    pub(crate) fn set_stored(&mut self, stored: StoredHeaders) {
        Arc::make_mut(self.custom.get_or_insert_default()).stored = Some(stored);
    }

    pub(crate) fn set_marker(&mut self, name: &str) {
        Arc::make_mut(self.custom.get_or_insert_default()).marker = Some(header_name(name));
    }

    /// The name of the [replay marker](crate::rules::semantics#replay-marker), in lower case, if the service has chosen one
    /// in place of [`REPLAYED`].
    pub fn custom_marker(&self) -> Option<&str> {
        self.custom.as_ref()?.marker.as_deref()
    }

    /// Selects the headers of a response that are stored, as [`stored_headers`] and the settings of the service do.
    pub fn stored_headers<'a>(
        &self,
        fields: impl Iterator<Item = (&'a str, &'a [u8])>,
        connection: impl Iterator<Item = &'a [u8]>,
    ) -> Headers {
        match &self.custom {
            None => stored_headers(fields, connection),
            Some(custom) => {
                let is_stored = |name: &str| {
                    custom.marker.as_deref() != Some(name)
                        && custom.stored.as_ref().is_none_or(|stored| stored.contains(name))
                };
                stored_headers(fields.filter(|(name, _)| is_stored(name)), connection)
            }
        }
    }
}

/// Whether a header is stored, unless the `Connection` header names it. `name` must be in lower case.
pub(super) fn is_replayed(name: &str) -> bool {
    const DENIED: &[&str] = &[
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
        "date",
        "age",
        "expires",
        "server",
        "via",
        "set-cookie",
        "www-authenticate",
        "authentication-info",
        "proxy-authentication-info",
        "retry-after",
        "alt-svc",
        "server-timing",
        "traceparent",
        "tracestate",
        "b3",
        "x-request-id",
        "x-correlation-id",
        "x-amzn-trace-id",
        REPLAYED,
        REFUSED,
    ];
    const DENIED_PREFIXES: &[&str] = &["ratelimit", "x-ratelimit-", "access-control-", "x-b3-"];
    !DENIED.contains(&name) && !DENIED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(fields: &[(&str, &str)]) -> Vec<String> {
        let bytes = fields.iter().map(|(name, value)| (*name, value.as_bytes()));
        let connection =
            bytes.clone().filter(|(name, _)| *name == "connection").map(|(_, value)| value);
        let headers = stored_headers(bytes, connection);
        headers.iter().map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect()
    }

    #[test]
    fn application_headers_are_stored_in_order() {
        let fields = [
            ("location", "/1"),
            ("link", "</a>"),
            ("etag", "\"1\""),
            ("link", "</b>"),
            ("cache-control", "private"),
        ];
        assert_eq!(stored(&fields), ["location", "link", "etag", "link", "cache-control"]);
    }

    #[test]
    fn headers_of_one_moment_session_or_trace_are_dropped() {
        let fields = [
            ("date", ""),
            ("set-cookie", ""),
            ("x-ratelimit-remaining", ""),
            ("ratelimit-policy", ""),
            ("traceparent", ""),
            ("x-b3-traceid", ""),
            ("access-control-allow-origin", ""),
            ("content-length", "3"),
            ("retry-after", "1"),
            ("idempotent-replayed", "true"),
            ("idempotency-refused", "in-progress"),
            ("www-authenticate", ""),
        ];
        assert_eq!(stored(&fields), Vec::<String>::new());
    }

    #[test]
    fn fields_named_by_connection_are_dropped() {
        let fields = [("connection", "close, X-Hop"), ("x-hop", "1"), ("x-kept", "2")];
        assert_eq!(stored(&fields), ["x-kept"]);
    }

    fn selected(rules: &ResponseRules) -> Vec<String> {
        let fields = [
            ("content-type", "text/plain"),
            ("location", "/1"),
            ("link", "</a>"),
            ("x-replay", "true"),
            ("set-cookie", "a=1"),
        ];
        let fields = fields.iter().map(|(name, value)| (*name, value.as_bytes()));
        let headers = rules.stored_headers(fields, std::iter::empty());
        headers.iter().map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect()
    }

    /// No selection stores a header that is never stored.
    #[test]
    fn a_selection_narrows_the_headers() {
        let mut rules = ResponseRules::new(0);
        assert_eq!(selected(&rules), ["content-type", "location", "link", "x-replay"]);
        rules.set_stored(StoredHeaders::except(["Link", "Content-Type"]));
        assert_eq!(selected(&rules), ["content-type", "location", "x-replay"]);
        rules.set_marker("X-Replay");
        assert_eq!(selected(&rules), ["content-type", "location"]);
        rules.set_stored(StoredHeaders::only(["link", "set-cookie", "x-replay"]));
        assert_eq!(selected(&rules), ["content-type", "link"]);
    }

    #[test]
    #[should_panic(expected = "is not a valid header name")]
    fn an_invalid_name_panics() {
        drop(StoredHeaders::except(["a b"]));
    }
}
