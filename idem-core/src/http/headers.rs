//! Selects the response headers that are stored and replayed, and names the headers of idem.

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
}
