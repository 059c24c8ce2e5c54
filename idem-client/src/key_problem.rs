//! Detects what an error response reports about its key, beyond the status: in the words of idem, of the
//! IETF draft, or of Stripe.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// A problem with the key that the server reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyProblem {
    InProgress,
    KeyReused,
    OutcomeUnknown,
    ResultUnavailable,
}

/// The headers by which servers mark a replayed response.
const REPLAY_MARKERS: [&str; 3] =
    ["idempotent-replayed", "idempotency-replayed", "x-idempotent-replayed"];

/// The header by which idem names its refusals. Handlers cannot set it.
const REFUSED: &str = "idempotency-refused";

/// Returns whether the response is marked as the stored response to an earlier attempt.
pub(crate) fn is_replay(headers: &HeaderMap) -> bool {
    let mut markers = REPLAY_MARKERS.iter().filter_map(|name| headers.get(*name));
    markers.any(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

/// An error response, with its body parsed as JSON. The value is null if the body is not JSON.
pub(crate) struct ErrorResponse<'a> {
    status: StatusCode,
    headers: &'a HeaderMap,
    json: Value,
}

impl<'a> ErrorResponse<'a> {
    pub(crate) fn parse(status: StatusCode, headers: &'a HeaderMap, body: &[u8]) -> Self {
        Self { status, headers, json: serde_json::from_slice(body).unwrap_or_default() }
    }

    /// The reported problem with the key. Only unambiguous matches count: any other 409 or 422 is a response of
    /// the application.
    pub(crate) fn key_problem(&self) -> Option<KeyProblem> {
        match self.headers.get(REFUSED).map(|slug| slug.to_str().unwrap_or_default()) {
            // idem names each of its refusals.
            Some(slug) => by_slug(slug),
            None => self.by_type().or_else(|| self.by_title()).or_else(|| self.by_stripe()),
        }
    }

    /// Whether idem refused the request, whatever format and status the service has chosen.
    pub(crate) fn is_refusal_of_idem(&self) -> bool {
        self.headers.contains_key(REFUSED)
    }

    /// Whether the body names no problem. A named problem may belong to the application.
    pub(crate) fn has_no_problem_name(&self) -> bool {
        matches!(self.text("/type"), None | Some("about:blank"))
            && self.json.get("error").is_none()
            && !self.is_refusal_of_idem()
    }

    /// Whether the server requests a retry (`Some(true)`) or forbids one (`Some(false)`).
    ///
    /// Only problem documents and dedicated headers count. A member of the same name in other JSON belongs
    /// to the application.
    pub(crate) fn retryable(&self) -> Option<bool> {
        let is_problem = self.media_type() == "application/problem+json";
        let member = is_problem.then(|| self.json.get("retryable")?.as_bool()).flatten();
        member
            .or_else(|| should_retry(self.headers))
            .or_else(|| self.is_internal().then_some(false))
    }

    /// Whether idem reports an error of the service itself. A handler did not fail, so a retry meets the error again.
    fn is_internal(&self) -> bool {
        self.headers.get(REFUSED).is_some_and(|slug| slug == "internal-error")
    }

    /// Matches the last part of the problem's `type`, whatever its base.
    fn by_type(&self) -> Option<KeyProblem> {
        let problem = by_slug(self.text("/type")?.rsplit(['/', ':', '#']).next()?)?;
        // This problem leads to more attempts, so the status must match too.
        (problem != KeyProblem::InProgress || self.status == StatusCode::CONFLICT)
            .then_some(problem)
    }

    /// Matches the titles of the IETF draft: its problems share one `type` and differ by `title` (section
    /// 2.7).
    fn by_title(&self) -> Option<KeyProblem> {
        match (self.status.as_u16(), self.text("/title")?) {
            (409, "A request is outstanding for this Idempotency-Key") => {
                Some(KeyProblem::InProgress)
            }
            (422, "Idempotency-Key is already used") => Some(KeyProblem::KeyReused),
            _ => None,
        }
    }

    /// Matches the errors of Stripe: 409 while the first request runs, and 400 for different parameters.
    fn by_stripe(&self) -> Option<KeyProblem> {
        match (self.status.as_u16(), self.text("/error/type"), self.text("/error/code")) {
            (409, _, Some("idempotency_key_in_use")) => Some(KeyProblem::InProgress),
            (400, Some("idempotency_error"), _) => Some(KeyProblem::KeyReused),
            _ => None,
        }
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.json.pointer(pointer)?.as_str()
    }

    fn media_type(&self) -> String {
        let value = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = value.unwrap_or_default().split(';').next().unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    }
}

fn by_slug(slug: &str) -> Option<KeyProblem> {
    match slug {
        "in-progress" => Some(KeyProblem::InProgress),
        "key-reused" => Some(KeyProblem::KeyReused),
        "outcome-unknown" => Some(KeyProblem::OutcomeUnknown),
        "result-unavailable" => Some(KeyProblem::ResultUnavailable),
        _ => None,
    }
}

/// Reads `Stripe-Should-Retry`, `X-Should-Retry` and similar headers.
fn should_retry(headers: &HeaderMap) -> Option<bool> {
    let (_, value) = headers.iter().find(|(name, _)| name.as_str().ends_with("-should-retry"))?;
    value.to_str().ok()?.trim().parse().ok()
}
