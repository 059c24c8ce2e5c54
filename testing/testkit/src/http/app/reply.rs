//! The response of a handler, which an adapter converts into the response of its framework.

use std::{fmt, io};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use idem_core::Outcome;

use super::{Ending, HandlerScript};

/// A response.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The fields in their order. A name can occur several times.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: ReplyBody,
    /// The outcome that the handler declares. The adapter attaches it to its response.
    pub declared: Option<Outcome>,
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
    pub(super) fn new(status: u16, content_type: &str, body: Bytes) -> Self {
        let mut reply =
            Self { status, headers: Vec::new(), body: ReplyBody::Whole(body), declared: None };
        reply.push("content-type", content_type);
        reply
    }

    pub(super) fn push(&mut self, name: &str, value: &str) {
        // One byte per character, so that JSON can express any byte.
        let value = value.chars().map(|c| u8::try_from(c).expect("ISO 8859-1")).collect();
        self.headers.push((name.to_owned(), value));
    }

    /// Replaces the status and removes the body and its `Content-Type`.
    #[must_use]
    pub fn only(mut self, status: u16) -> Self {
        self.headers.retain(|(name, _)| name != "content-type");
        self.body = ReplyBody::Whole(Bytes::new());
        Self { status, ..self }
    }

    /// Applies the remaining steps of `script`.
    pub(super) fn with_script(mut self, script: &HandlerScript) -> Self {
        self.status = script.status.unwrap_or(self.status);
        self.declared = script.declare.map(Outcome::from);
        script.headers.iter().for_each(|(name, value)| self.push(name, value));
        if let (Some(chunks), ReplyBody::Whole(body)) = (script.chunks, &self.body) {
            self.body = ReplyBody::Stream(pieces(body, chunks, script.ends));
        }
        self
    }
}

/// Streams `body` in `count` chunks, followed by `end`. With zero chunks, the stream consists of the end only.
pub fn pieces(body: &Bytes, count: usize, end: Ending) -> BoxStream<'static, io::Result<Bytes>> {
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
