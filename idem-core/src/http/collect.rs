//! Collects bodies from their chunks, and response bodies up to a limit.

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};

/// A collected body.
pub(super) enum CollectedBody<S, E> {
    /// The complete body, and the stream at its end.
    Whole(Bytes, S),
    /// The body exceeds the limit: the collected start and the rest of the stream.
    Longer(Bytes, S),
    /// The stream failed before its first byte.
    BrokenAtStart,
    /// The stream failed later: the collected start and the error.
    Broken(Bytes, E),
}

/// Collects a body up to a limit.
pub(super) struct BodyCollector<S> {
    body: S,
    max: usize,
    collected: Chunks,
}

/// The reason that collecting ended.
pub(super) enum End<E> {
    Whole,
    Longer,
    Broken(E),
}

impl<S> BodyCollector<S> {
    pub(super) fn new(body: S, max: usize) -> Self {
        Self { body, max, collected: Chunks::default() }
    }

    pub(super) fn poll<E>(&mut self, cx: &mut Context<'_>) -> Poll<End<E>>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        while let Some(chunk) = ready!(self.body.poll_next_unpin(cx)) {
            match chunk {
                Ok(data) => self.collected.push(data),
                Err(error) => return Poll::Ready(End::Broken(error)),
            }
            if self.collected.len() > self.max {
                return Poll::Ready(End::Longer);
            }
        }
        Poll::Ready(End::Whole)
    }

    pub(super) fn finish<E>(self, end: End<E>) -> CollectedBody<S, E> {
        let collected = self.collected.into_bytes();
        match end {
            End::Whole => CollectedBody::Whole(trim(collected), self.body),
            End::Longer => CollectedBody::Longer(collected, self.body),
            End::Broken(_) if collected.is_empty() => CollectedBody::BrokenAtStart,
            End::Broken(error) => CollectedBody::Broken(collected, error),
        }
    }
}

/// Removes the spare capacity of a body's buffer, which is often as large as the body. The body is stored for as long as
/// its record.
fn trim(body: Bytes) -> Bytes {
    match body.try_into_mut() {
        Ok(buffer) if buffer.capacity() > buffer.len() + buffer.len() / 4 => {
            Bytes::copy_from_slice(&buffer)
        }
        Ok(buffer) => buffer.freeze(),
        Err(shared) => shared,
    }
}

/// Collects the chunks of a body. A single chunk, the usual case, is shared and not copied.
#[derive(Debug, Default)]
pub struct Chunks {
    collected: Collected,
    announced: usize,
}

#[derive(Debug)]
enum Collected {
    One(Bytes),
    Several(BytesMut),
}

impl Default for Collected {
    fn default() -> Self {
        Self::One(Bytes::new())
    }
}

/// The largest announced length in bytes that is reserved. A client could announce more than it sends.
const MAX_RESERVED: usize = 256 << 10;

impl Chunks {
    /// Returns a collector for a body with this announced length in bytes. Its second chunk reserves room for the rest.
    pub fn announced(len: usize) -> Self {
        Self { announced: len.min(MAX_RESERVED), ..Self::default() }
    }

    /// Appends a chunk.
    pub fn push(&mut self, data: Bytes) {
        match &mut self.collected {
            Collected::One(first) if first.is_empty() => *first = data,
            Collected::One(first) => {
                let len = self.announced.max(first.len() + data.len());
                let mut all = BytesMut::with_capacity(len);
                all.extend_from_slice(first);
                all.extend_from_slice(&data);
                self.collected = Collected::Several(all);
            }
            Collected::Several(all) => all.extend_from_slice(&data),
        }
    }

    /// The number of collected bytes.
    pub fn len(&self) -> usize {
        match &self.collected {
            Collected::One(first) => first.len(),
            Collected::Several(all) => all.len(),
        }
    }

    /// Whether no byte is collected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns all collected bytes.
    pub fn into_bytes(self) -> Bytes {
        match self.collected {
            Collected::One(first) => first,
            Collected::Several(all) => all.freeze(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_collected_whatever_length_was_announced() {
        for announced in [0, 1, 6, 1_000, usize::MAX] {
            let mut chunks = Chunks::announced(announced);
            for chunk in ["ab", "cd", "", "ef"] {
                chunks.push(Bytes::from_static(chunk.as_bytes()));
            }
            assert_eq!(chunks.into_bytes(), "abcdef", "{announced}");
        }
    }

    #[test]
    fn an_announced_length_reserves_a_limited_buffer() {
        let mut chunks = Chunks::announced(usize::MAX);
        chunks.push(Bytes::from_static(b"a"));
        assert!(matches!(chunks.collected, Collected::One(_)), "a single chunk needs no buffer");
        chunks.push(Bytes::from_static(b"b"));
        let Collected::Several(all) = chunks.collected else { panic!("{chunks:?}") };
        assert_eq!(all.capacity(), MAX_RESERVED);
    }
}
