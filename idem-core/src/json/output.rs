//! What was printed so far: the body itself, until the two differ.

use std::borrow::Cow;

/// Text that begins as a prefix of the body and is copied only when it stops being one. Most clients
/// send compact JSON, of which nothing but the order of members may change.
pub(super) struct Output<'a> {
    body: &'a [u8],
    /// How much of the body is printed, as long as `own` is none.
    len: usize,
    own: Option<Vec<u8>>,
}

impl<'a> Output<'a> {
    pub(super) const fn new(body: &'a [u8]) -> Self {
        Self { body, len: 0, own: None }
    }

    pub(super) fn len(&self) -> usize {
        self.as_slice().len()
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.own.as_deref().unwrap_or(&self.body[..self.len])
    }

    /// Prints the next piece of the body as it stands.
    pub(super) fn copy(&mut self, next: &[u8]) {
        match &mut self.own {
            None => self.len += next.len(),
            Some(own) => own.extend_from_slice(next),
        }
    }

    /// The text as its own, to print what the body does not say, or to leave out what it says.
    pub(super) fn diverge(&mut self) -> &mut Vec<u8> {
        let (body, len) = (self.body, self.len);
        self.own.get_or_insert_with(|| {
            let mut own = Vec::with_capacity(body.len());
            own.extend_from_slice(&body[..len]);
            own
        })
    }

    pub(super) fn finish(self) -> Cow<'a, [u8]> {
        match self.own {
            None => Cow::Borrowed(&self.body[..self.len]),
            Some(own) => Cow::Owned(own),
        }
    }
}
