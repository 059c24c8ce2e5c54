//! Requests of [gRPC](crate::rules::semantics#grpc), which a layer does not guard.

use bytes::Bytes;

use super::headers::REFUSED;
use super::media_type::essence;
use crate::model::{Rejection, StoredResponse};

/// Whether a request with this `Content-Type` is a gRPC or gRPC-Web call.
pub fn is_grpc(content_type: Option<&[u8]>) -> bool {
    essence(content_type).starts_with(b"application/grpc")
}

/// Returns the response to a gRPC call that a layer refuses: the status `UNIMPLEMENTED` with its message, in the form that
/// gRPC calls *Trailers-Only*. A gRPC client would replace the message of any other response by its own.
pub fn grpc_refusal() -> StoredResponse {
    const UNIMPLEMENTED: &str = "12";
    const MESSAGE: &str = "idem does not guard gRPC calls; route gRPC services around its layer";
    let headers = [
        ("content-type", "application/grpc"),
        ("grpc-status", UNIMPLEMENTED),
        ("grpc-message", MESSAGE),
        (REFUSED, Rejection::Grpc.slug()),
    ];
    StoredResponse {
        status: 200,
        headers: headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect(),
        body: Bytes::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_is_recognized() {
        for grpc in ["application/grpc", "application/grpc+proto", "Application/gRPC-Web-Text; x=y"]
        {
            assert!(is_grpc(Some(grpc.as_bytes())), "{grpc}");
        }
        for other in [None, Some("application/json"), Some("text/grpc")] {
            assert!(!is_grpc(other.map(str::as_bytes)), "{other:?}");
        }
    }
}
