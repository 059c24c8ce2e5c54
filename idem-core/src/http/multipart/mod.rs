//! The parts of `multipart/form-data` bodies, for their fingerprint
//! ([multipart bodies](crate::rules::semantics#multipart-bodies)).
//!
//! Clients choose a random boundary for each attempt, so two attempts differ in their bytes. The parser is part of this
//! crate, because the fingerprint needs the header lines as they were sent. Libraries for multipart return parsed
//! headers, and accept bodies that other libraries read differently.

#[cfg(test)]
mod tests;

use memchr::memmem;
use smallvec::SmallVec;

use super::media_type::is_token;
use crate::hash::PartDigest;

/// The maximum number of parts. It bounds the work for a body that consists of delimiters.
const MAX_PARTS: usize = 1_024;

/// The parts of a body, in their order.
pub(super) struct Multipart<'a>(Vec<Part<'a>>);

/// A part of a body.
struct Part<'a> {
    /// The header lines, each with its CRLF.
    head: &'a [u8],
    content: &'a [u8],
}

impl<'a> Multipart<'a> {
    /// Splits a body at its boundary, or returns `None` if it must be compared as bytes.
    ///
    /// Only the form without a preamble, an epilogue and padding of delimiters is split. The delimiter must not occur
    /// anywhere else, not even after a bare line feed, so that every parser finds the same parts.
    pub(super) fn split(body: &'a [u8], boundary: &[u8]) -> Option<Self> {
        let delimiter = [b"--", boundary].concat();
        let finder = memmem::Finder::new(&delimiter);
        let mut rest = body.strip_prefix(&*delimiter)?;
        let mut parts = Vec::new();
        while !matches!(rest, b"--" | b"--\r\n") {
            if parts.len() == MAX_PARTS {
                return None;
            }
            let text = rest.strip_prefix(b"\r\n")?;
            let end = finder.find(text)?;
            parts.push(Part::split(text[..end].strip_suffix(b"\r\n")?)?);
            rest = &text[end + delimiter.len()..];
        }
        Some(Self(parts))
    }

    /// Adds the header lines and the content of each part to a digest. Names of headers are in lower case, and values as
    /// sent.
    pub(super) fn write_to(&self, digest: &mut PartDigest) {
        for part in &self.0 {
            // The number of lines separates them from the content, so that different parts have different input.
            let lines = part.headers().count() as u64;
            digest.part(&lines.to_be_bytes());
            for (name, value) in part.headers() {
                let name: SmallVec<[u8; 32]> = name.iter().map(u8::to_ascii_lowercase).collect();
                digest.part(&name);
                digest.part(value);
            }
            digest.part(part.content);
        }
    }
}

impl<'a> Part<'a> {
    fn split(part: &'a [u8]) -> Option<Self> {
        let (head, content) = match part.strip_prefix(b"\r\n") {
            Some(content) => (&[][..], content),
            None => {
                let head_end = memmem::find(part, b"\r\n\r\n")? + 2;
                (&part[..head_end], &part[head_end + 2..])
            }
        };
        lines(head).all(|line| header(line).is_some()).then_some(Self { head, content })
    }

    /// The name and value of each header line.
    fn headers(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        lines(self.head).filter_map(header)
    }
}

fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split_inclusive(|byte| *byte == b'\n')
}

/// Reads a header line. A folded line, and one without a valid name, has no such form.
fn header(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.strip_suffix(b"\r\n")?;
    let name_end = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = (&line[..name_end], &line[name_end + 1..]);
    (is_token(name) && !value.contains(&b'\r')).then_some((name, value))
}
