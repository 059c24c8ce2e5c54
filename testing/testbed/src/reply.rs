//! The response of a handler, which a binary converts into the response of its framework.

use bytes::Bytes;
use idem_testkit::http::app::{Ending, ReplyBody, pieces};

/// A response.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    /// The fields in their order. A name can occur several times.
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    /// The number of chunks of a streamed body and its end. `None` if the body is not streamed.
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

    /// Replaces a 201 by `status`, without a body or `Content-Type`. Another status, which a test has requested,
    /// is kept.
    #[must_use]
    pub fn only(mut self, status: u16) -> Self {
        if self.status == 201 {
            self.status = status;
            self.body = Bytes::new();
            self.headers.retain(|(name, _)| *name != "content-type");
        }
        self
    }

    /// Returns the body as it is sent.
    pub fn body(&self) -> ReplyBody {
        match self.streamed {
            None => ReplyBody::Whole(self.body.clone()),
            Some((count, end)) => ReplyBody::Stream(pieces(&self.body, count, end)),
        }
    }
}
