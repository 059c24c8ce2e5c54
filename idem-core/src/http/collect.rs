//! A body, collected from its pieces, and a response body up to a limit (R37, R38).

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};

/// What of a body could be collected.
pub(super) enum Collected<S, E> {
    Whole(Bytes),
    /// Over the limit: what came, and the rest.
    Longer(Bytes, S),
    /// The stream failed before it gave a byte.
    BrokenAtStart,
    /// The stream failed half-way: what came, and how it failed.
    Broken(Bytes, E),
}

/// Collects a body up to a limit.
pub(super) struct Collecting<S> {
    body: S,
    max: usize,
    collected: Chunks,
}

/// How collecting ended.
pub(super) enum End<E> {
    Whole,
    Longer,
    Broken(E),
}

impl<S> Collecting<S> {
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

    pub(super) fn finish<E>(self, end: End<E>) -> Collected<S, E> {
        let collected = self.collected.into_bytes();
        match end {
            End::Whole => Collected::Whole(trim(collected)),
            End::Longer => Collected::Longer(collected, self.body),
            End::Broken(_) if collected.is_empty() => Collected::BrokenAtStart,
            End::Broken(error) => Collected::Broken(collected, error),
        }
    }
}

/// A body without the spare room that it was written into, often as much again: it is kept as long as
/// its record.
fn trim(body: Bytes) -> Bytes {
    match body.try_into_mut() {
        Ok(room) if room.capacity() > room.len() + room.len() / 4 => Bytes::copy_from_slice(&room),
        Ok(room) => room.freeze(),
        Err(shared) => shared,
    }
}

/// What of a body came so far. One chunk, the usual case, is shared and not copied.
#[derive(Debug, Default)]
pub struct Chunks {
    first: Bytes,
    all: BytesMut,
}

impl Chunks {
    /// Adds the next piece.
    pub fn push(&mut self, data: Bytes) {
        if self.is_empty() {
            self.first = data;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&data);
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.first.len().max(self.all.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All pieces as one.
    pub fn into_bytes(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}
