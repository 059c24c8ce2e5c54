//! A response body, collected up to a limit (R37, R38).

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

pub(super) async fn collect<S, E>(mut body: S, max: usize) -> Collected<S, E>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let mut collected = Chunks::default();
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(data) => collected.push(data),
            Err(_) if collected.len() == 0 => return Collected::BrokenAtStart,
            Err(error) => return Collected::Broken(collected.into_bytes(), error),
        }
        if collected.len() > max {
            return Collected::Longer(collected.into_bytes(), body);
        }
    }
    Collected::Whole(trim(collected.into_bytes()))
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
#[derive(Default)]
struct Chunks {
    first: Bytes,
    all: BytesMut,
}

impl Chunks {
    fn push(&mut self, data: Bytes) {
        if self.len() == 0 {
            self.first = data;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&data);
    }

    fn len(&self) -> usize {
        self.first.len().max(self.all.len())
    }

    fn into_bytes(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}
