//! The canonical form of a JSON body (R12).
//!
//! A retry may come from another process or another version of a client library, which prints the
//! same value with other spaces, another member order or other escapes. Those differences go away
//! here; every other difference stays.
//!
//! - Members are sorted by the bytes of their canonical names; the order of an array stays.
//! - Whitespace between tokens goes; strings carry only the escapes that RFC 8259 requires.
//! - Numbers stay as written. Read as doubles, as RFC 8785 does, 9007199254740992 and
//!   9007199254740993 would be one amount of money, and a wrong replay is silent.
//!
//! It is a parser of our own, because what `serde_json` makes of a map depends on cargo features
//! that any crate of the build can switch on.

mod members;
mod scalar;
#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;

use members::Member;
use smallvec::SmallVec;
use text::Text;

/// Arrays and objects may nest this deep: enough for any real body, small enough for any stack.
const MAX_DEPTH: usize = 128;

/// The canonical form of `body`, or `None` where it has none and its raw bytes must stand for it:
/// not JSON in UTF-8 (RFC 8259), a lone surrogate, two members of one name in an object, arrays
/// and objects nested deeper than 128.
///
/// Canonical text is its own canonical form, so it never equals raw bytes that have none. It is
/// never longer than `body`.
pub(crate) fn canonical(body: &[u8]) -> Option<Cow<'_, [u8]>> {
    // At once, which is faster than string by string: elsewhere the grammar allows nothing but ASCII.
    let body = str::from_utf8(body).ok()?.as_bytes();
    let mut printer =
        Printer { text: Text::of(body), members: SmallVec::new(), unsorted: Vec::new() };
    printer.skip_space();
    printer.value(MAX_DEPTH)?;
    let text = printer.text;
    text.rest().iter().all(is_space).then(|| text.finish())
}

/// One pass over the body: each function reads its part of it, and prints that.
struct Printer<'a> {
    text: Text<'a>,
    /// The members so far of every object that is open, the innermost object's last.
    members: SmallVec<[Member; 8]>,
    /// Where an object's members wait while they change places.
    unsorted: Vec<u8>,
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
        self.sort_members(first)?;
        self.members.truncate(first);
        Some(())
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

    /// Everything from the opening bracket to `close`.
    fn list(&mut self, close: u8, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.text.keep(1);
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

    /// Prints the next byte, which must be `wanted`.
    fn byte(&mut self, wanted: u8) -> Option<()> {
        self.any_byte(|byte| byte == wanted)
    }

    /// Prints the next byte, which must be a `wanted` one.
    fn any_byte(&mut self, wanted: impl FnOnce(u8) -> bool) -> Option<()> {
        wanted(self.text.peek()?).then(|| self.text.keep(1))
    }

    fn literal(&mut self, text: &[u8]) -> Option<()> {
        self.text.rest().starts_with(text).then(|| self.text.keep(text.len()))
    }
}

const fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
