//! The error formats of published APIs.

use serde::Serialize;

use super::{RefusalDetails, RefusalFormat};
use crate::model::StoredResponse;

/// The errors of the Agentic Commerce Protocol (2026-04-17): `{"type", "code", "message"}`, with the codes
/// `idempotency_key_required`, `idempotency_in_flight` and `idempotency_conflict`.
///
/// The protocol also requires that the key is echoed: [`echo_key`](crate::IdempotencyBuilder::echo_key).
#[derive(Clone, Copy, Debug, Default)]
pub struct AcpFormat;

impl RefusalFormat for AcpFormat {
    fn format(&self, refusal: &RefusalDetails) -> serde_json::Result<StoredResponse> {
        #[derive(Serialize)]
        struct Error<'a> {
            r#type: &'a str,
            code: &'a str,
            message: &'a str,
        }
        let (r#type, code) = match (refusal.slug, refusal.status) {
            ("key-missing" | "key-invalid", _) => ("invalid_request", "idempotency_key_required"),
            ("key-reused", _) => ("invalid_request", "idempotency_conflict"),
            ("in-progress", _) => ("invalid_request", "idempotency_in_flight"),
            // A retry with the same key gets the result, as for a running request.
            ("outcome-unknown", _) if refusal.retryable => {
                ("invalid_request", "idempotency_in_flight")
            }
            ("outcome-unknown" | "result-unavailable", _) => {
                ("processing_error", "duplicate_request")
            }
            // The only type for a condition that passes, in the schemas of all parts of the protocol.
            (_, 429) => ("service_unavailable", "too_many_requests"),
            (_, 503) => ("service_unavailable", "service_unavailable"),
            (_, 500..) => ("processing_error", "internal_server_error"),
            _ => ("invalid_request", "invalid_request"),
        };
        StoredResponse::json(refusal.status, &Error { r#type, code, message: &refusal.detail })
    }
}

/// The errors of the Apache Iceberg REST catalog: `{"error": {"message", "type", "code"}}`.
///
/// Its clients read the statuses in their own way, so these differ from the other formats:
///
/// * A retryable refusal has the status 503, because clients repeat a request after it with the same key. They take a 409 for
///   a conflict, and commit again under a new key.
/// * `outcome-unknown` and `result-unavailable` have the status 500 and the type `CommitStateUnknownException`, so that a
///   client deletes no files of a commit that may have taken place.
#[derive(Clone, Copy, Debug, Default)]
pub struct IcebergFormat;

impl RefusalFormat for IcebergFormat {
    fn format(&self, refusal: &RefusalDetails) -> serde_json::Result<StoredResponse> {
        #[derive(Serialize)]
        struct Response<'a> {
            error: Error<'a>,
        }
        #[derive(Serialize)]
        struct Error<'a> {
            message: &'a str,
            r#type: &'a str,
            code: u16,
        }
        let (code, r#type) = match (refusal.slug, refusal.status) {
            _ if refusal.retryable => (503, "ServiceUnavailableException"),
            ("outcome-unknown" | "result-unavailable", _) => (500, "CommitStateUnknownException"),
            ("key-reused", status) => (status, "UnprocessableEntityException"),
            (_, status @ 500..) => (status, "InternalServerError"),
            (_, status) => (status, "BadRequestException"),
        };
        let error = Error { message: &refusal.detail, r#type, code };
        StoredResponse::json(code, &Response { error })
    }
}

/// Errors in the style of Stripe: `{"error": {"type", "code", "message"}}`, with the header `Stripe-Should-Retry`. A key that was
/// used for another request has the status 400.
#[derive(Clone, Copy, Debug, Default)]
pub struct StripeFormat;

impl RefusalFormat for StripeFormat {
    fn format(&self, refusal: &RefusalDetails) -> serde_json::Result<StoredResponse> {
        #[derive(Serialize)]
        struct Response<'a> {
            error: Error<'a>,
        }
        #[derive(Serialize)]
        struct Error<'a> {
            r#type: &'a str,
            code: &'a str,
            message: &'a str,
        }
        let (status, r#type, code) = match (refusal.slug, refusal.status) {
            ("key-reused", _) => (400, "idempotency_error", "idempotency_key_reused"),
            ("in-progress", status) => (status, "idempotency_error", "idempotency_key_in_use"),
            ("outcome-unknown", status) => (status, "idempotency_error", "outcome_unknown"),
            ("result-unavailable", status) => (status, "idempotency_error", "result_unavailable"),
            ("key-missing", status) => (status, "invalid_request_error", "idempotency_key_missing"),
            ("key-invalid", status) => (status, "invalid_request_error", "idempotency_key_invalid"),
            (_, 429) => (429, "invalid_request_error", "rate_limit"),
            (_, 413) => (413, "invalid_request_error", "request_too_large"),
            (_, 503) => (503, "api_error", "service_unavailable"),
            (_, status) => (status, "api_error", "internal_error"),
        };
        let error = Error { r#type, code, message: &refusal.detail };
        let response = StoredResponse::json(status, &Response { error })?;
        let should_retry: &[u8] = if refusal.retryable { b"true" } else { b"false" };
        let fields = [
            ("content-type", b"application/json".as_slice()),
            ("stripe-should-retry", should_retry),
        ];
        Ok(StoredResponse { headers: fields.into_iter().collect(), ..response })
    }
}
