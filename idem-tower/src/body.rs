//! The bodies that a guarded service takes and returns.

use std::fmt;
use std::mem::replace;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

/// A body of a guarded service: collected bytes, the body `B` itself, or a collected start and the rest of `B`. It is not
/// boxed.
///
/// Requests that reach the inner service have it, and responses that leave the layer.
pub struct GuardedBody<B: Body> {
    start: Bytes,
    rest: Rest<B>,
}

/// What follows the collected bytes.
enum Rest<B: Body> {
    Nothing,
    Body(B),
    /// Boxed, because nearly all bodies have none.
    Trailers(Box<HeaderMap>),
    Error(B::Error),
}

impl<B: Body> GuardedBody<B> {
    /// A body that nothing has been read from.
    pub(crate) const fn untouched(body: B) -> Self {
        Self { start: Bytes::new(), rest: Rest::Body(body) }
    }

    /// A complete body, with its trailers.
    pub(crate) fn whole(body: Bytes, trailers: Option<Box<HeaderMap>>) -> Self {
        Self { start: body, rest: trailers.map_or(Rest::Nothing, Rest::Trailers) }
    }

    /// A body whose start has been read.
    pub(crate) const fn longer(start: Bytes, rest: B) -> Self {
        Self { start, rest: Rest::Body(rest) }
    }

    /// A body that failed after its start.
    pub(crate) const fn broken(start: Bytes, error: B::Error) -> Self {
        Self { start, rest: Rest::Error(error) }
    }

    /// Returns `B` if it is untouched or can be made from the bytes alone, and otherwise what `convert` makes of this body.
    pub fn into_body(self, convert: impl FnOnce(Self) -> B) -> B
    where
        B: From<Bytes>,
    {
        match self {
            Self { start, rest: Rest::Nothing } => B::from(start),
            Self { start, rest: Rest::Body(body) } if start.is_empty() => body,
            other => convert(other),
        }
    }
}

impl<B: Body> From<Bytes> for GuardedBody<B> {
    fn from(body: Bytes) -> Self {
        Self::whole(body, None)
    }
}

impl<B: Body> fmt::Debug for GuardedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedBody")
            .field("start", &format_args!("{} bytes", self.start.len()))
            .finish_non_exhaustive()
    }
}

/// Nothing is pinned by value, because `B` is `Unpin`.
impl<B: Body + Unpin> Unpin for GuardedBody<B> {}

impl<B: Body<Data = Bytes> + Unpin> Body for GuardedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if !self.start.is_empty() {
            let start = std::mem::take(&mut self.start);
            return Poll::Ready(Some(Ok(Frame::data(start))));
        }
        if let Rest::Body(body) = &mut self.rest {
            return Pin::new(body).poll_frame(cx);
        }
        Poll::Ready(match replace(&mut self.rest, Rest::Nothing) {
            Rest::Trailers(trailers) => Some(Ok(Frame::trailers(*trailers))),
            Rest::Error(error) => Some(Err(error)),
            Rest::Nothing | Rest::Body(_) => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.start.is_empty()
            && match &self.rest {
                Rest::Nothing => true,
                Rest::Body(body) => body.is_end_stream(),
                Rest::Trailers(_) | Rest::Error(_) => false,
            }
    }

    /// Only a body of bytes alone and an untouched one have a known length. Trailers are sent in chunked responses only,
    /// and the length of a body that has been read from is not certain.
    fn size_hint(&self) -> SizeHint {
        match &self.rest {
            Rest::Nothing => SizeHint::with_exact(self.start.len() as u64),
            Rest::Body(body) if self.start.is_empty() => body.size_hint(),
            Rest::Body(_) | Rest::Trailers(_) | Rest::Error(_) => SizeHint::default(),
        }
    }
}
