//! The responses that are [streams](crate::rules::semantics#streams).

use super::media_type::essence;

/// A response with this value in its extensions is a [stream](crate::rules::semantics#streams), whatever its media type: it
/// is passed through as it is produced, and not retained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassThrough;

/// The media types of streams. Their bodies are read while they are produced.
const TYPES: [&[u8]; 4] = [
    b"text/event-stream",
    b"application/x-ndjson",
    b"application/json-seq",
    b"multipart/x-mixed-replace",
];

/// Whether a response is a [stream](crate::rules::semantics#streams) by its status or its `Content-Type`.
pub fn is_stream(status: u16, content_type: Option<&[u8]>) -> bool {
    status == 101 || content_type.is_some() && TYPES.contains(&&*essence(content_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_recognized() {
        let is = |content_type: &str| is_stream(200, Some(content_type.as_bytes()));
        for stream in [
            "text/event-stream",
            "Text/Event-Stream; charset=utf-8",
            "application/x-ndjson",
            "application/json-seq",
            "multipart/x-mixed-replace; boundary=frame",
        ] {
            assert!(is(stream), "{stream}");
        }
        for other in ["application/json", "text/event-stream2", "text/plain", ""] {
            assert!(!is(other), "{other}");
        }
        assert!(is_stream(101, None));
        assert!(!is_stream(200, None));
    }
}
