//! The response of a handler, which an app converts into the response of its framework.

use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use idem_core::Outcome;
use idem_core::http::PassThrough;

use super::{Ending, HandlerScript, Present};

/// A response.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The fields in their order. A name can occur several times.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The outcome that the handler declares, for the extensions of the response.
    pub declared: Option<Outcome>,
    /// The mark of a stream, for the extensions of the response.
    pub pass_through: Option<PassThrough>,
    body: Bytes,
    streamed: Option<Streamed>,
    /// Counts the stream until it is dropped.
    producer: Option<Arc<Present>>,
}

/// A body that is produced in parts.
#[derive(Clone, Copy, Debug)]
enum Streamed {
    /// The number of chunks, and the end after them.
    Chunks(usize, Ending),
    /// The number of server-sent events, and the pause between two of them.
    Events(usize, Duration),
}

/// The body of a response.
pub enum ReplyBody {
    /// A body of known length.
    Whole(Bytes),
    /// A stream of unknown length.
    Stream(BoxStream<'static, io::Result<Bytes>>),
}

impl fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(body) => write!(f, "{} bytes", body.len()),
            Self::Stream(_) => f.write_str("a stream"),
        }
    }
}

impl Reply {
    /// Creates a response with a JSON body.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// Creates a response with a body.
    pub fn new(status: u16, media_type: &str, body: impl Into<Bytes>) -> Self {
        let (headers, body) = (Vec::new(), body.into());
        Self {
            status,
            headers,
            declared: None,
            pass_through: None,
            body,
            streamed: None,
            producer: None,
        }
        .with("content-type", media_type)
    }

    /// Creates a response with server-sent events.
    pub(super) fn events(count: usize, pause: Duration) -> Self {
        let streamed = Some(Streamed::Events(count, pause));
        Self { streamed, ..Self::new(200, "text/event-stream", "") }
    }

    /// Adds a header. Apps omit a header whose value is invalid.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into().into_bytes()));
        self
    }

    /// Replaces a 201 by `status`, without a body or `Content-Type`. Another status, which a test has requested,
    /// is kept.
    #[must_use]
    pub fn only(mut self, status: u16) -> Self {
        if self.status == 201 {
            self.status = status;
            self.body = Bytes::new();
            self.headers.retain(|(name, _)| name != "content-type");
        }
        self
    }

    /// Applies the steps of `script` that change the response.
    pub(super) fn with_script(mut self, script: &HandlerScript) -> Self {
        self.status = script.status.unwrap_or(self.status);
        self.declared = script.outcome.map(Outcome::from);
        self.streamed = script.chunks.map(|count| Streamed::Chunks(count, script.ends));
        self.pass_through = script.pass_through.then_some(PassThrough);
        for (name, value) in &script.headers {
            if name == "content-type" {
                self.headers.retain(|(name, _)| name != "content-type");
            }
            let bytes = value.chars().map(|c| u8::try_from(c).expect("ISO 8859-1"));
            self.headers.push((name.clone(), bytes.collect()));
        }
        self
    }

    /// Counts the body, if it is a stream, until it is dropped.
    pub(super) fn with_producer(self, producer: Present) -> Self {
        Self { producer: Some(Arc::new(producer)), ..self }
    }

    /// Returns the body as it is sent.
    pub fn body(&self) -> ReplyBody {
        let parts = match self.streamed {
            None => return ReplyBody::Whole(self.body.clone()),
            Some(Streamed::Chunks(count, end)) => chunks(&self.body, count, end),
            Some(Streamed::Events(count, pause)) => events(count, pause),
        };
        let producer = self.producer.clone();
        let counted = move |part| {
            let _producer = &producer;
            part
        };
        ReplyBody::Stream(parts.map(counted).boxed())
    }
}

/// Streams the numbers below `count` as server-sent events.
fn events(count: usize, pause: Duration) -> BoxStream<'static, io::Result<Bytes>> {
    let event = move |number: usize| async move {
        if number > 0 {
            tokio::time::sleep(pause).await;
        }
        Ok(Bytes::from(format!("data: {number}\n\n")))
    };
    stream::iter(0..count).then(event).boxed()
}

/// Streams `body` in `count` chunks, followed by `end`. With zero chunks, the stream consists of the end only.
fn chunks(body: &Bytes, count: usize, end: Ending) -> BoxStream<'static, io::Result<Bytes>> {
    let borders: Vec<_> = (0..=count).map(|n| body.len() * n / count.max(1)).collect();
    let chunks: Vec<_> = borders.windows(2).map(|pair| Ok(body.slice(pair[0]..pair[1]))).collect();
    let end = match end {
        Ending::Whole => stream::empty().boxed(),
        Ending::Broken => stream::iter([Err(io::Error::other("broken as instructed"))]).boxed(),
        Ending::Panic => stream::poll_fn(|_| panic!("the body panics as instructed")).boxed(),
        Ending::Never => stream::pending().boxed(),
        Ending::Endless => stream::repeat_with(|| Ok(Bytes::from_static(&[b'.'; 1024]))).boxed(),
    };
    stream::iter(chunks).chain(end).boxed()
}
