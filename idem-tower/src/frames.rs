//! The frames of a body.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use http::HeaderMap;
use http_body::Body;

/// The data of a body as a stream, and the trailers that follow it.
#[derive(Debug)]
pub(crate) struct Frames<B> {
    pub(crate) body: B,
    /// Boxed, because nearly all bodies have none.
    pub(crate) trailers: Option<Box<HeaderMap>>,
}

impl<B> Frames<B> {
    pub(crate) const fn of(body: B) -> Self {
        Self { body, trailers: None }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Stream for Frames<B> {
    type Item = Result<Bytes, B::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Poll::Ready(Some(Ok(data))),
                    Err(other) => {
                        let trailers = other.into_trailers().ok().map(Box::new);
                        self.trailers = trailers.or_else(|| self.trailers.take());
                    }
                },
            }
        }
    }
}
