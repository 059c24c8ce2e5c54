//! The body of a guarded response.

use std::fmt;
use std::mem::{replace, take};
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;

/// The body of a response that leaves an [`IdempotencyMiddleware`](crate::IdempotencyMiddleware): collected bytes, the body
/// `B` itself, or a collected start and the rest of `B`. It is not boxed.
pub struct GuardedBody<B: MessageBody> {
    start: Bytes,
    rest: Rest<B>,
}

/// What follows the collected bytes.
enum Rest<B: MessageBody> {
    Nothing,
    /// The response has no body. An empty body has `Content-Length: 0`, which it does not have.
    NoBody,
    Body(B),
    Error(B::Error),
}

impl<B: MessageBody> GuardedBody<B> {
    /// A body that nothing has been read from.
    pub(crate) const fn untouched(body: B) -> Self {
        Self { start: Bytes::new(), rest: Rest::Body(body) }
    }

    /// A complete body. `size` is the one that the response had.
    pub(crate) fn whole(body: Bytes, size: BodySize) -> Self {
        let rest = if size == BodySize::None { Rest::NoBody } else { Rest::Nothing };
        Self { start: body, rest }
    }

    /// A body whose start has been read.
    pub(crate) const fn longer(start: Bytes, rest: B) -> Self {
        Self { start, rest: Rest::Body(rest) }
    }

    /// A body that failed after its start.
    pub(crate) const fn broken(start: Bytes, error: B::Error) -> Self {
        Self { start, rest: Rest::Error(error) }
    }
}

impl GuardedBody<BoxBody> {
    /// Returns the boxed body if it is untouched. Other bodies are boxed, unless they are bytes.
    pub(crate) fn into_box(self) -> BoxBody {
        match self {
            Self { start, rest: Rest::Body(body) } if start.is_empty() => body,
            other => BoxBody::new(other),
        }
    }
}

/// A body that can be made from bytes.
pub(crate) trait FromBytes {
    fn from_bytes(bytes: Bytes) -> Self;
}

impl FromBytes for BoxBody {
    fn from_bytes(bytes: Bytes) -> Self {
        Self::new(bytes)
    }
}

impl<B: MessageBody> FromBytes for GuardedBody<B> {
    fn from_bytes(bytes: Bytes) -> Self {
        Self { start: bytes, rest: Rest::Nothing }
    }
}

impl<B: MessageBody> fmt::Debug for GuardedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedBody")
            .field("start", &format_args!("{} bytes", self.start.len()))
            .finish_non_exhaustive()
    }
}

/// Nothing is pinned by value, because `B` is `Unpin`.
impl<B: MessageBody + Unpin> Unpin for GuardedBody<B> {}

impl<B: MessageBody + Unpin> MessageBody for GuardedBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        match &self.rest {
            Rest::Nothing => BodySize::Sized(self.start.len() as u64),
            Rest::NoBody => BodySize::None,
            Rest::Body(body) if self.start.is_empty() => body.size(),
            Rest::Body(_) | Rest::Error(_) => BodySize::Stream,
        }
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, B::Error>>> {
        if !self.start.is_empty() {
            return Poll::Ready(Some(Ok(take(&mut self.start))));
        }
        if let Rest::Body(body) = &mut self.rest {
            return Pin::new(body).poll_next(cx);
        }
        Poll::Ready(match replace(&mut self.rest, Rest::Nothing) {
            Rest::Error(error) => Some(Err(error)),
            Rest::Nothing | Rest::NoBody | Rest::Body(_) => None,
        })
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        match self {
            Self { start, rest: Rest::Nothing | Rest::NoBody } => Ok(start),
            Self { start, rest: Rest::Body(body) } if start.is_empty() => {
                body.try_into_bytes().map_err(Self::untouched)
            }
            other => Err(other),
        }
    }
}
