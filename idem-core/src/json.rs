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
mod output;
mod scalar;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use members::Member;
use output::Output;
use smallvec::SmallVec;

/// Arrays and objects may nest this deep: enough for any real body, small enough for any stack.
const MAX_DEPTH: usize = 128;

/// The canonical form of `body`, or `None` where it has none and its raw bytes must stand for it:
/// not JSON in UTF-8 (RFC 8259), a lone surrogate, two members of one name in an object, arrays
/// and objects nested deeper than 128.
///
/// Canonical text is its own canonical form, so it never equals raw bytes that have none. It is
/// never longer than `body`.
pub(crate) fn canonical(body: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut printer = Printer {
        rest: body,
        out: Output::new(body),
        members: SmallVec::new(),
        unsorted: Vec::new(),
    };
    printer.skip_space();
    printer.value(MAX_DEPTH)?;
    printer.skip_space();
    printer.rest.is_empty().then(|| printer.out.finish())
}

/// One pass over the body: each function takes its part off `rest` and appends it to `out`.
struct Printer<'a> {
    rest: &'a [u8],
    out: Output<'a>,
    /// The members so far of every object that is open, the innermost object's last.
    members: SmallVec<[Member; 8]>,
    /// Where an object's members wait while they change places.
    unsorted: Vec<u8>,
}

impl Printer<'_> {
    fn value(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
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
        let start = self.out.len();
        self.string()?;
        let name_end = self.out.len();
        self.skip_space();
        self.byte(b':')?;
        self.skip_space();
        self.value(depth)?;
        let end = self.out.len();
        self.members.push(Member { start, name_end, end });
        Some(())
    }

    /// Everything from the opening bracket to `close`.
    fn list(&mut self, close: u8, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.copy(1);
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

    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn skip_space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.out.diverge();
            self.rest = rest;
        }
    }

    fn copy(&mut self, count: usize) {
        let (text, rest) = self.rest.split_at(count);
        self.out.copy(text);
        self.rest = rest;
    }

    /// Copies the next byte, which must be `wanted`.
    fn byte(&mut self, wanted: u8) -> Option<()> {
        self.any_byte(|byte| byte == wanted)
    }

    /// Copies the next byte, which must be a `wanted` one.
    fn any_byte(&mut self, wanted: impl FnOnce(u8) -> bool) -> Option<()> {
        wanted(self.peek()?).then(|| self.copy(1))
    }

    fn literal(&mut self, text: &[u8]) -> Option<()> {
        self.rest.starts_with(text).then(|| self.copy(text.len()))
    }
}
