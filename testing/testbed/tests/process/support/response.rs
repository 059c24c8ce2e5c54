//! The response of a server.

use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// A complete response.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A refusal of idem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    InProgress,
    OutcomeUnknown,
    StoreUnavailable,
    ResultUnavailable,
    KeyReused,
    ScopeFull,
    TooManyRuns,
    InternalError,
}

impl Problem {
    const fn status_and_slug(self) -> (u16, &'static str) {
        match self {
            Self::InProgress => (409, "in-progress"),
            Self::OutcomeUnknown => (409, "outcome-unknown"),
            Self::StoreUnavailable => (503, "store-unavailable"),
            Self::ResultUnavailable => (409, "result-unavailable"),
            Self::KeyReused => (422, "key-reused"),
            Self::ScopeFull => (429, "too-many-keys"),
            Self::TooManyRuns => (503, "too-many-runs"),
            Self::InternalError => (500, "internal-error"),
        }
    }
}

impl Response {
    /// Reads a response. Returns `None` if it is incomplete.
    pub(crate) async fn read(response: reqwest::Response) -> Option<Self> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.ok()?;
        Some(Self { status, headers, body })
    }

    pub(crate) fn is_replay(&self) -> bool {
        self.headers.get("idempotent-replayed").is_some_and(|value| value == "true")
    }

    pub(crate) fn is(&self, problem: Problem) -> bool {
        let (status, slug) = problem.status_and_slug();
        self.status == status && self.problem().is_some_and(|kind| kind.ends_with(slug))
    }

    fn problem(&self) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        body["type"].as_str().map(str::to_owned)
    }

    #[track_caller]
    pub(crate) fn assert_executed(&self, status: u16) -> &Self {
        assert_eq!((self.status, self.is_replay()), (status, false), "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn assert_replay_of(&self, first: &Self) {
        assert!(self.is_replay(), "{self:?}");
        assert_eq!((self.status, &self.body), (first.status, &first.body));
    }

    #[track_caller]
    pub(crate) fn assert_replay(&self) {
        assert_eq!((self.status, self.is_replay()), (201, true), "{self:?}");
    }

    /// Returns whether the outcome is unknown, and a later request can find it out.
    pub(crate) fn is_unknown_yet(&self) -> bool {
        self.is(Problem::OutcomeUnknown) && self.headers.contains_key("retry-after")
    }

    /// Returns whether the outcome is unknown, and no retry can change that.
    pub(crate) fn is_unknown_for_good(&self) -> bool {
        self.is(Problem::OutcomeUnknown) && !self.headers.contains_key("retry-after")
    }

    #[track_caller]
    pub(crate) fn assert_unknown_yet(&self) {
        assert!(self.is_unknown_yet(), "{self:?}");
        assert_eq!(self.headers["retry-after"], "1");
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(body["retryable"], true);
    }

    #[track_caller]
    pub(crate) fn assert_unknown_for_good(&self) {
        assert!(self.is_unknown_for_good(), "{self:?}");
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(body["retryable"], false);
    }

    #[track_caller]
    pub(crate) fn assert_problem(&self, problem: Problem) {
        assert!(self.is(problem), "{self:?}");
    }
}
