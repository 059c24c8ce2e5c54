//! What an answer says about its key, beyond the status: in our words, the IETF draft's, or Stripe's.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// What became of the key, where the answer says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    InProgress,
    KeyReused,
    OutcomeUnknown,
    ResultUnavailable,
}

/// The names under which servers mark an answer that was given before (R25).
const REPLAY_MARKERS: [&str; 3] =
    ["idempotent-replayed", "idempotency-replayed", "x-idempotent-replayed"];

/// Whether the server says that this is the stored answer to an earlier attempt.
pub(crate) fn is_replay(headers: &HeaderMap) -> bool {
    let mut markers = REPLAY_MARKERS.iter().filter_map(|name| headers.get(*name));
    markers.any(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

/// The body of an answer that is no success, as far as it is JSON.
pub(crate) struct Document<'a> {
    status: StatusCode,
    headers: &'a HeaderMap,
    json: Value,
}

impl<'a> Document<'a> {
    pub(crate) fn read(status: StatusCode, headers: &'a HeaderMap, body: &[u8]) -> Self {
        Self { status, headers, json: serde_json::from_slice(body).unwrap_or_default() }
    }

    /// What it says of the key. Only what is certain: another 409 or 422 is the application's own answer.
    pub(crate) fn said(&self) -> Option<Said> {
        self.by_type().or_else(|| self.by_title()).or_else(|| self.by_stripe())
    }

    /// Whether it gives its problem no name, by which it could be the application's.
    pub(crate) fn is_nameless(&self) -> bool {
        matches!(self.text("/type"), None | Some("about:blank")) && self.json.get("error").is_none()
    }

    /// Whether the server asks for a retry, or asks for none. Success with such a member is the
    /// application's business, so only problem documents count, and headers made for it.
    pub(crate) fn retryable(&self) -> Option<bool> {
        let is_problem = self.media_type() == "application/problem+json";
        let member = is_problem.then(|| self.json.get("retryable")?.as_bool()).flatten();
        member.or_else(|| should_retry(self.headers))
    }

    /// The last part of the problem's `type`, whatever base stands before it.
    fn by_type(&self) -> Option<Said> {
        match (self.status.as_u16(), self.text("/type")?.rsplit(['/', ':', '#']).next()?) {
            // The one that asks for more attempts has to be sure.
            (409, "in-progress") => Some(Said::InProgress),
            (_, "key-reused") => Some(Said::KeyReused),
            (_, "outcome-unknown") => Some(Said::OutcomeUnknown),
            (_, "result-unavailable") => Some(Said::ResultUnavailable),
            _ => None,
        }
    }

    /// The draft gives its problems one `type` and tells them apart by `title` (section 2.7).
    fn by_title(&self) -> Option<Said> {
        match (self.status.as_u16(), self.text("/title")?) {
            (409, "A request is outstanding for this Idempotency-Key") => Some(Said::InProgress),
            (422, "Idempotency-Key is already used") => Some(Said::KeyReused),
            _ => None,
        }
    }

    /// Stripe: 409 while the first request runs, 400 for other parameters, both of one error type.
    fn by_stripe(&self) -> Option<Said> {
        match (self.status.as_u16(), self.text("/error/type"), self.text("/error/code")) {
            (409, _, Some("idempotency_key_in_use")) => Some(Said::InProgress),
            (400, Some("idempotency_error"), _) => Some(Said::KeyReused),
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

/// `Stripe-Should-Retry`, `X-Should-Retry` and their like.
fn should_retry(headers: &HeaderMap) -> Option<bool> {
    let (_, value) = headers.iter().find(|(name, _)| name.as_str().ends_with("-should-retry"))?;
    value.to_str().ok()?.trim().parse().ok()
}
