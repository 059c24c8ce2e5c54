//! The response of a server, and assertions on it.

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;

use super::Problem;

/// A response.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The fields.
    pub headers: HeaderMap,
    /// The part of the body that arrived.
    pub body: Bytes,
    /// Whether the body is complete.
    pub whole: bool,
}

impl Response {
    pub(super) async fn read(mut response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        let whole = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        Self { status, headers, body: body.into(), whole }
    }

    /// Returns the values of a field in their order.
    pub fn lines(&self, name: &str) -> Vec<&[u8]> {
        self.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect()
    }

    /// Returns the value of a field, and asserts that it occurs once.
    #[track_caller]
    pub fn line(&self, name: &str) -> &str {
        let lines = self.lines(name);
        assert_eq!(lines.len(), 1, "one `{name}` in {self:?}");
        str::from_utf8(lines[0]).unwrap()
    }

    /// Returns whether the response has the replay marker.
    #[track_caller]
    pub fn is_replay(&self) -> bool {
        match &self.lines("idempotent-replayed")[..] {
            [] => false,
            [b"true"] => true,
            other => panic!("invalid replay marker: {other:?}"),
        }
    }

    /// Asserts that the handler ran for this request and returned `status`.
    #[track_caller]
    pub fn assert_executed(&self, status: u16) -> &Self {
        assert_eq!((self.status, self.is_replay()), (status, false), "{self:?}");
        self
    }

    /// Asserts that this is a replay of `first`: marked, with the same status, headers and bytes.
    #[track_caller]
    pub fn assert_replay_of(&self, first: &Self) -> &Self {
        assert!(self.is_replay(), "not a replay: {self:?}");
        assert_eq!((self.status, &self.body), (first.status, &first.body));
        for name in ["location", "etag", "content-type", "link"] {
            assert_eq!(self.lines(name), first.lines(name), "{name}");
        }
        self
    }

    /// Asserts that the application, not idem, refused the request with one of `statuses`.
    #[track_caller]
    pub fn assert_refused(&self, statuses: &[u16]) -> &Self {
        assert!(statuses.contains(&self.status), "not {statuses:?}: {self:?}");
        assert!(!self.is_replay(), "{self:?}");
        assert!(self.lines("content-type") != [PROBLEM_JSON], "refused by idem: {self:?}");
        self
    }

    /// Returns whether this is `problem`.
    pub fn is(&self, problem: &Problem) -> bool {
        let document: Option<Value> = serde_json::from_slice(&self.body).ok();
        let kind = document.as_ref().and_then(|document| document["type"].as_str());
        self.status == problem.status && kind.is_some_and(|kind| kind.ends_with(problem.slug))
    }

    /// Asserts that this is `problem`, with all members and headers of its document.
    #[track_caller]
    pub fn assert_problem(&self, problem: &Problem) -> &Self {
        assert!(self.is(problem), "not {problem:?}: {self:?}");
        let document: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(document["type"], format!("https://problems.test/{}", problem.slug));
        assert_eq!(document["status"], problem.status);
        assert_eq!(document["retryable"], problem.retryable);
        assert!(document["title"].as_str().is_some_and(|title| !title.is_empty()));
        assert!(document["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
        let record = self.record();
        assert_eq!(record.is_some(), problem.names_record(), "{self:?}");
        self.assert_problem_headers(problem);
        self
    }

    /// Returns the record id that a refusal names, in 64 digits.
    #[track_caller]
    pub fn record(&self) -> Option<String> {
        let document: Value = serde_json::from_slice(&self.body).unwrap();
        let instance = document.get("instance")?.as_str().expect("a text");
        let record = instance.strip_prefix("urn:idem:record:").expect("the URN of a record");
        assert!(
            record.len() == 64 && record.bytes().all(|digit| digit.is_ascii_hexdigit()),
            "{record}"
        );
        Some(record.to_owned())
    }

    #[track_caller]
    fn assert_problem_headers(&self, problem: &Problem) {
        assert_eq!(self.lines("content-type"), [PROBLEM_JSON]);
        assert_eq!(self.line("cache-control"), "no-store");
        assert_eq!(self.line("idempotency-refused"), problem.slug);
        let described_by = format!("<https://problems.test/{}>; rel=\"describedby\"", problem.slug);
        assert_eq!(self.line("link"), described_by);
        assert!(!self.is_replay());
        if problem.retryable {
            let seconds: u64 = self.line("retry-after").parse().expect("whole seconds");
            assert!(seconds >= 1, "{self:?}");
        } else {
            assert!(self.lines("retry-after").is_empty(), "{self:?}");
        }
    }

    /// Returns whether the body or a header contains `text`.
    pub fn mentions(&self, text: &str) -> bool {
        let found = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(text);
        found(&self.body) || self.headers.values().any(|value| found(value.as_bytes()))
    }
}

const PROBLEM_JSON: &[u8] = b"application/problem+json";
