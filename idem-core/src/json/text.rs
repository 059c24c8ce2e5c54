//! What was printed so far, and the body that is still to be read.

use std::borrow::Cow;

/// Text whose end is a piece of the body, shared as long as all that is read is printed as it stands.
/// Most clients send compact JSON, of which nothing but the order of members may change.
pub(super) struct Text<'a> {
    /// What comes before that piece.
    own: Vec<u8>,
    body: &'a [u8],
    /// Where the piece begins, in the body.
    shared: usize,
    /// Where it ends: the body is read up to here.
    read: usize,
}

impl<'a> Text<'a> {
    pub(super) const fn of(body: &'a [u8]) -> Self {
        Self { own: Vec::new(), body, shared: 0, read: 0 }
    }

    /// What of the body is still to be read.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.body[self.read..]
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.body.get(self.read).copied()
    }

    /// Prints the next bytes of the body as they stand.
    pub(super) const fn keep(&mut self, count: usize) {
        self.read += count;
    }

    /// Leaves out the next bytes of the body.
    pub(super) fn skip(&mut self, count: usize) {
        self.settle();
        self.read += count;
        self.shared = self.read;
    }

    /// Prints what the body does not say.
    pub(super) fn write(&mut self, text: &[u8]) {
        self.settle();
        self.own.extend_from_slice(text);
    }

    pub(super) const fn len(&self) -> usize {
        self.own.len() + (self.read - self.shared)
    }

    /// What was printed from `start` on.
    pub(super) fn since(&mut self, start: usize) -> &[u8] {
        if start < self.own.len() {
            self.settle();
            return &self.own[start..];
        }
        &self.body[self.shared + (start - self.own.len())..self.read]
    }

    /// Takes back what was printed from `start` on; where it is no piece of the body, into `taken`.
    pub(super) fn take_back<'t>(&mut self, start: usize, taken: &'t mut Vec<u8>) -> &'t [u8]
    where
        'a: 't,
    {
        if start < self.own.len() {
            self.settle();
            taken.clear();
            taken.extend_from_slice(&self.own[start..]);
            self.own.truncate(start);
            return taken;
        }
        let start = self.shared + (start - self.own.len());
        let piece = &self.body[start..self.read];
        self.own_up_to(start);
        self.shared = self.read;
        piece
    }

    fn settle(&mut self) {
        self.own_up_to(self.read);
    }

    fn own_up_to(&mut self, end: usize) {
        let piece = &self.body[self.shared..end];
        if !piece.is_empty() {
            // No canonical form is longer than its body.
            self.own.reserve_exact(self.body.len().saturating_sub(self.own.len()));
            self.own.extend_from_slice(piece);
            self.shared = end;
        }
    }

    pub(super) fn finish(mut self) -> Cow<'a, [u8]> {
        if self.own.is_empty() {
            return Cow::Borrowed(&self.body[self.shared..self.read]);
        }
        self.settle();
        Cow::Owned(self.own)
    }
}
