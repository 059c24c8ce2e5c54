//! What a handler answers, for an adapter to turn into its framework's response.

use std::{fmt, io};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use idem_core::Outcome;

use super::{Ending, Sim};

/// A response.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The fields in their order; a name may come again.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: ReplyBody,
    /// What the handler declares of its outcome: to be put where the adapter looks for it.
    pub declared: Option<Outcome>,
}

/// The body of a response.
pub enum ReplyBody {
    /// Known as a whole.
    Whole(Bytes),
    /// To be streamed, its length unknown.
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
        // A byte per character, so that JSON can spell any byte.
        let value = value.chars().map(|c| u8::try_from(c).expect("ISO 8859-1")).collect();
        self.headers.push((name.to_owned(), value));
    }

    /// The same answer with another status and no body, nor anything that describes one.
    #[must_use]
    pub fn only(mut self, status: u16) -> Self {
        self.headers.retain(|(name, _)| name != "content-type");
        self.body = ReplyBody::Whole(Bytes::new());
        Self { status, ..self }
    }

    /// The answer as `sim` wants it.
    pub(super) fn bent_by(mut self, sim: &Sim) -> Self {
        self.status = sim.status.unwrap_or(self.status);
        self.declared = sim.declare.map(Outcome::from);
        sim.headers.iter().for_each(|(name, value)| self.push(name, value));
        if let (Some(chunks), ReplyBody::Whole(body)) = (sim.chunks, &self.body) {
            self.body = ReplyBody::Stream(pieces(body, chunks, sim.ends));
        }
        self
    }
}

/// `body` in `count` chunks and then what `ends` says. Without chunks there is only the end.
pub fn pieces(body: &Bytes, count: usize, ends: Ending) -> BoxStream<'static, io::Result<Bytes>> {
    let borders: Vec<_> = (0..=count).map(|n| body.len() * n / count.max(1)).collect();
    let chunks: Vec<_> = borders.windows(2).map(|pair| Ok(body.slice(pair[0]..pair[1]))).collect();
    let end = match ends {
        Ending::Whole => stream::empty().boxed(),
        Ending::Broken => stream::iter([Err(io::Error::other("broken as told"))]).boxed(),
        Ending::Panic => stream::poll_fn(|_| panic!("the body panics as told")).boxed(),
        Ending::Never => stream::pending().boxed(),
        Ending::Endless => stream::repeat_with(|| Ok(Bytes::from_static(&[b'.'; 1024]))).boxed(),
    };
    stream::iter(chunks).chain(end).boxed()
}
