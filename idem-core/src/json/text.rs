//! The text that is printed so far, and the rest of the body.

use std::borrow::Cow;

/// Printed text. Its end is a slice of the body, which is not copied as long as everything read is printed unchanged.
///
/// Most clients send compact JSON, in which only the order of members may change.
pub(super) struct Text<'a> {
    /// The text before the slice.
    own: Vec<u8>,
    body: &'a [u8],
    /// The start of the slice in the body.
    shared: usize,
    /// The end of the slice. The body is read up to here.
    read: usize,
}

impl<'a> Text<'a> {
    pub(super) const fn of(body: &'a [u8]) -> Self {
        Self { own: Vec::new(), body, shared: 0, read: 0 }
    }

    /// The unread rest of the body.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.body[self.read..]
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.body.get(self.read).copied()
    }

    /// Prints the next bytes of the body unchanged.
    pub(super) const fn copy(&mut self, count: usize) {
        self.read += count;
    }

    /// Skips the next bytes of the body.
    pub(super) fn skip(&mut self, count: usize) {
        self.own_all();
        self.read += count;
        self.shared = self.read;
    }

    /// Prints text that is not in the body.
    pub(super) fn write(&mut self, text: &[u8]) {
        self.own_all();
        self.own.extend_from_slice(text);
    }

    pub(super) const fn len(&self) -> usize {
        self.own.len() + (self.read - self.shared)
    }

    /// Returns the printed text from offset `start`.
    pub(super) fn since(&mut self, start: usize) -> &[u8] {
        if start < self.own.len() {
            self.own_all();
            return &self.own[start..];
        }
        &self.body[self.shared + (start - self.own.len())..self.read]
    }

    /// Copies the shared slice to the owned text.
    fn own_all(&mut self) {
        let slice = &self.body[self.shared..self.read];
        if !slice.is_empty() {
            // A canonical form is never longer than its body.
            self.own.reserve_exact(self.body.len().saturating_sub(self.own.len()));
            self.own.extend_from_slice(slice);
            self.shared = self.read;
        }
    }

    pub(super) fn finish(mut self) -> Cow<'a, [u8]> {
        if self.own.is_empty() {
            return Cow::Borrowed(&self.body[self.shared..self.read]);
        }
        self.own_all();
        Cow::Owned(self.own)
    }
}
