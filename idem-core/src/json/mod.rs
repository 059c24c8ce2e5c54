//! [Canonical JSON](crate::rules::semantics#canonical-json): the form in which JSON bodies are compared.
//!
//! A retry from another process or another version of a client library can print the same value with different
//! whitespace, member order or escapes. The canonical form removes these differences and keeps all others:
//!
//! - Members are sorted by the bytes of their canonical names. Arrays keep their order.
//! - Whitespace between tokens is removed. Strings have only the escapes that RFC 8259 requires.
//! - Numbers stay as written. RFC 8785 reads them as doubles, so 9007199254740992 and 9007199254740993 would be the
//!   same amount of money. A wrong replay is silent.
//!
//! The parser is part of this crate, because the way in which `serde_json` represents a map depends on cargo features
//! that any crate of the build can enable.

mod members;
mod scalar;
#[cfg(test)]
mod tests;
mod text;
mod top_level;

use std::borrow::Cow;

use members::{Member, Reordered};
use smallvec::SmallVec;
use text::Text;
pub(crate) use top_level::members;

/// The maximum nesting depth of arrays and objects: deep enough for real bodies, and safe for every stack.
const MAX_DEPTH: usize = 128;

/// Returns the canonical form of `body`, or `None` if it must be compared as bytes.
///
/// A body has no canonical form if it is not JSON in UTF-8 (RFC 8259), contains a lone surrogate, has an object with two
/// members of one name, or is nested deeper than 128 levels.
///
/// The canonical form of canonical text is the text itself, so it never equals raw bytes without a canonical form. It is
/// never longer than `body`.
///
/// The work does not depend on the nesting depth: each byte is read once, and copied at most twice.
pub(crate) fn canonical(body: &[u8]) -> Option<Cow<'_, [u8]>> {
    // One check of the whole body is faster than one per string, and this one of ASCII, which most bodies are, takes a fifth of
    // the time. Outside of strings, the grammar allows only ASCII.
    if !body.iter().fold(0, |bits, byte| bits | byte).is_ascii() {
        str::from_utf8(body).ok()?;
    }
    let mut printer =
        Printer { text: Text::of(body), members: SmallVec::new(), reordered: Reordered::default() };
    printer.skip_space();
    printer.value(MAX_DEPTH)?;
    let Printer { text, reordered, .. } = printer;
    if !text.rest().iter().all(is_space) {
        return None;
    }
    let printed = text.finish();
    Some(if reordered.is_empty() { printed } else { Cow::Owned(reordered.apply(&printed)) })
}

/// Parses and prints the body in one pass. Each function reads one part of the grammar and prints its canonical form.
struct Printer<'a> {
    text: Text<'a>,
    /// The members of all open objects so far. Those of the innermost object come last.
    members: SmallVec<[Member; 8]>,
    reordered: Reordered,
}

impl Printer<'_> {
    fn value(&mut self, depth: usize) -> Option<()> {
        match self.text.peek()? {
            b'{' => self.object(depth.checked_sub(1)?),
            b'[' => self.array(depth.checked_sub(1)?),
            b'"' => self.string(),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'n' => self.literal(b"null"),
            _ => self.number(),
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.list(b']', |printer| printer.value(depth))
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        let first = self.members.len();
        self.list(b'}', |printer| printer.member(depth))?;
        self.sort_members(first)
    }

    fn member(&mut self, depth: usize) -> Option<()> {
        let start = self.text.len();
        self.string()?;
        let name_end = self.text.len();
        self.skip_space();
        self.byte(b':')?;
        self.skip_space();
        self.value(depth)?;
        let end = self.text.len();
        self.members.push(Member { start, name_end, end });
        Some(())
    }

    /// Parses a list from its opening bracket to `close`.
    fn list(&mut self, close: u8, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.text.copy(1);
        self.skip_space();
        if self.byte(close).is_some() {
            return Some(());
        }
        loop {
            element(self)?;
            self.skip_space();
            if self.byte(close).is_some() {
                return Some(());
            }
            self.byte(b',')?;
            self.skip_space();
        }
    }

    fn skip_space(&mut self) {
        let space = self.text.rest().iter().take_while(|byte| is_space(byte)).count();
        if space > 0 {
            self.text.skip(space);
        }
    }

    /// Copies the next byte, which must be `expected`.
    fn byte(&mut self, expected: u8) -> Option<()> {
        self.any_byte(|byte| byte == expected)
    }

    /// Copies the next byte, which must satisfy `expected`.
    fn any_byte(&mut self, expected: impl FnOnce(u8) -> bool) -> Option<()> {
        expected(self.text.peek()?).then(|| self.text.copy(1))
    }

    fn literal(&mut self, text: &[u8]) -> Option<()> {
        self.text.rest().starts_with(text).then(|| self.text.copy(text.len()))
    }
}

const fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
