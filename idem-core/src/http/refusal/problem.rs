//! Refusals as [problem documents](crate::rules::semantics#problem-documents) (RFC 9457).

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;

use super::{RefusalDetails, RefusalFormat};
use crate::model::{RECORD_URN, Rejection, StoredResponse};

/// The default format of refusals: [problem documents](crate::rules::semantics#problem-documents), with the media type
/// `application/problem+json`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProblemFormat;

impl RefusalFormat for ProblemFormat {
    fn format(&self, refusal: &RefusalDetails) -> serde_json::Result<StoredResponse> {
        Ok(document(refusal))
    }
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    retryable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
}

/// Returns the problem document for `refusal`. Its `instance` is the record, if that is known.
pub(super) fn document(refusal: &RefusalDetails) -> StoredResponse {
    let problem = Problem {
        r#type: &refusal.problem_type,
        title: refusal.title,
        status: refusal.status,
        detail: &refusal.detail,
        retryable: refusal.retryable,
        instance: refusal.record.map(|record| format!("{RECORD_URN}{record}")),
    };
    let link = format!("<{}>; rel=\"describedby\"", refusal.problem_type);
    let is_described = refusal.status != 500;
    let fields = [
        Some(("content-type", "application/problem+json")),
        is_described.then_some(("link", &*link)),
    ];
    response(&problem, fields)
}

/// Returns the response after a panic. Like a framework's own 500, it does not reveal the cause. `is_kept` is whether later
/// requests get this response too; otherwise a retry can succeed.
pub(crate) fn internal_error(is_kept: bool) -> StoredResponse {
    let detail = match is_kept {
        true => "The request failed. Its outcome was recorded as a failure.",
        false => "The request failed. Retry with the same key.",
    };
    let problem = Problem {
        r#type: "about:blank",
        title: "Internal Server Error",
        status: 500,
        detail,
        retryable: !is_kept,
        instance: None,
    };
    response(
        &problem,
        [Some(("content-type", "application/problem+json")), Some(("cache-control", "no-store"))],
    )
}

fn response<const N: usize>(
    problem: &Problem<'_>,
    fields: [Option<(&str, &str)>; N],
) -> StoredResponse {
    #[expect(
        clippy::expect_used,
        reason = "a struct of strings, a number and a bool is always JSON"
    )]
    let body = serde_json::to_vec(problem)
        .expect("a struct of strings, a number and a bool is always JSON");
    StoredResponse {
        status: problem.status,
        headers: fields.iter().flatten().map(|(name, value)| (*name, value.as_bytes())).collect(),
        body: Bytes::from(body),
    }
}

/// The title. It is fixed for each type, as RFC 9457 section 3.1.3 requires.
pub(crate) const fn title(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::KeyMissing => "Idempotency key missing",
        Rejection::KeyInvalid(_) => "Idempotency key invalid",
        Rejection::KeyReused => "Idempotency key reused for a different request",
        Rejection::KeyUnknown => "Idempotency key unknown",
        Rejection::InProgress => "Request in progress",
        Rejection::OutcomeUnknown { .. } => "Outcome unknown",
        Rejection::ResultUnavailable { .. } => "Result not retained",
        Rejection::StoreUnavailable(_)
        | Rejection::Unrecorded(_)
        | Rejection::NotCommitted(_)
        | Rejection::Draining => "Request cannot be recorded now",
        Rejection::TooManyKeys(_) => "Too many idempotency keys",
        Rejection::TooManyRuns => "Too many concurrent runs",
        Rejection::BodyTooLarge => "Request body too large",
        Rejection::ScopeEmpty
        | Rejection::FingerprintInvalid(_)
        | Rejection::RecordUnreadable(_)
        | Rejection::ResultUnreadable(_)
        | Rejection::NoTransactions
        | Rejection::Unguarded
        | Rejection::GuardedTwice
        | Rejection::ScopeMissing(_)
        | Rejection::OperationMissing
        | Rejection::Grpc
        | Rejection::Panicked => "Internal Server Error",
    }
}

/// The advice for the client. It does not reveal stored data.
pub(crate) fn detail(rejection: &Rejection, header: &str) -> Cow<'static, str> {
    let advice = match rejection {
        Rejection::KeyMissing => {
            return Cow::Owned(format!(
                "Send the header `{header}` with a new random key for each operation. Send the same key with every retry of that operation."
            ));
        }
        Rejection::KeyInvalid(error) => return Cow::Owned(error.to_string()),
        Rejection::KeyReused => {
            "This key was first used with other content. Use a new key for a new operation."
        }
        Rejection::KeyUnknown => {
            "No request with this key is recorded here. It was not received, it left no result, or its record has expired."
        }
        Rejection::InProgress => {
            "The first request with this key has not finished. Retry later with the same key."
        }
        Rejection::OutcomeUnknown { retry_after: Some(_) } => {
            "The first request with this key started, and its result is not known yet. Retry later with the same key."
        }
        Rejection::OutcomeUnknown { retry_after: None } => {
            "The first request with this key started, and its result is not known. Do not retry. Check whether the operation took place."
        }
        Rejection::ResultUnavailable { .. } => {
            "The first request with this key finished, but its response was not retained. Do not retry. Look up the result."
        }
        Rejection::Unrecorded(_) | Rejection::NotCommitted(_) => {
            "The request may have been carried out, but its result is not recorded yet. Retry later with the same key."
        }
        Rejection::StoreUnavailable(_)
        | Rejection::Draining
        | Rejection::TooManyKeys(_)
        | Rejection::TooManyRuns => {
            "The request was not carried out. Retry later with the same key."
        }
        Rejection::BodyTooLarge => {
            "The body is larger than this route accepts. Send a smaller body."
        }
        Rejection::ScopeEmpty
        | Rejection::FingerprintInvalid(_)
        | Rejection::RecordUnreadable(_)
        | Rejection::ResultUnreadable(_)
        | Rejection::NoTransactions
        | Rejection::Unguarded
        | Rejection::GuardedTwice
        | Rejection::ScopeMissing(_)
        | Rejection::OperationMissing
        | Rejection::Grpc
        | Rejection::Panicked => {
            "The request could not be processed. The log of the service contains the cause."
        }
    };
    Cow::Borrowed(advice)
}
