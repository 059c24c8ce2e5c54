//! What a handler answers, for a binary to turn into its framework's response.

use bytes::Bytes;
use idem_testkit::http::app::{Ending, ReplyBody, pieces};

/// A response.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    /// The fields in their order; a name may come again.
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    /// In how many pieces the body is streamed, and what comes behind them; `None`: as a whole.
    pub streamed: Option<(usize, Ending)>,
}

impl Reply {
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    pub fn new(status: u16, media_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type", media_type.to_owned())];
        Self { status, headers, body: body.into(), streamed: None }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same answer with another status and no body, nor a word about one. A status that a test asked
    /// for stays.
    #[must_use]
    pub fn only(mut self, status: u16) -> Self {
        if self.status == 201 {
            self.status = status;
            self.body = Bytes::new();
            self.headers.retain(|(name, _)| *name != "content-type");
        }
        self
    }

    /// The body as it is sent.
    pub fn sent(&self) -> ReplyBody {
        match self.streamed {
            None => ReplyBody::Whole(self.body.clone()),
            Some((count, ends)) => ReplyBody::Stream(pieces(&self.body, count, ends)),
        }
    }
}
