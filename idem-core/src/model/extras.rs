//! The optional fields of a record.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use super::{Silence, Timestamp, UnknownReason};

/// The tags of the fields. A tag is never used for another field.
const OPERATION: u8 = 1;
const LABEL: u8 = 2;
const OUTLINE: u8 = 3;
const SILENCE: u8 = 4;
const DISPUTE: u8 = 5;

/// The maximum length of the operation's name, of the label and of a dispute, in bytes.
const MAX_OPERATION: usize = 128;
const MAX_LABEL: usize = 64;
const MAX_DISPUTE: usize = 256;

/// The length of a tag and a length.
const FIELD_HEAD: usize = 3;

/// The optional fields of a record: names for operators, and what a recovery needs.
///
/// Each field consists of a tag, a length of 2 bytes and the value. Fields with unknown tags are kept, so that an
/// earlier version does not remove what a later version has written. The [silence](Silence) is always the first field.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Extras(Bytes);

impl fmt::Debug for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extras({} bytes)", self.0.len())
    }
}

impl Extras {
    /// The fields of a new claim. The parts of `operation` are joined by spaces.
    ///
    /// The operation is cut to 128 bytes and the label to 64, at a character boundary. Control characters become `·`.
    pub fn new(operation: &[&str], label: Option<&str>) -> Self {
        let len = |text: usize, most: usize| FIELD_HEAD + text.min(most);
        let operation_len = operation.iter().map(|part| part.len() + 1).sum::<usize>();
        let capacity = len(operation_len, MAX_OPERATION)
            + label.map_or(0, |label| len(label.len(), MAX_LABEL));
        let mut buffer = BytesMut::with_capacity(capacity);
        put_text(&mut buffer, OPERATION, MAX_OPERATION, operation.iter().copied());
        if let Some(label) = label {
            put_text(&mut buffer, LABEL, MAX_LABEL, [label].into_iter());
        }
        Self(buffer.freeze())
    }

    /// Whether these are exactly the fields of a new claim of `operation` without a label. May be `false` if the name was
    /// cut or changed.
    pub(crate) fn is_named(&self, operation: &[&str]) -> bool {
        let Some([OPERATION, _, _, name @ ..]) = self.0.get(..) else { return false };
        let mut rest = Some(name);
        for (place, word) in operation.iter().enumerate() {
            let separated =
                if place == 0 { rest } else { rest.and_then(|rest| rest.strip_prefix(b" ")) };
            rest = separated.and_then(|rest| rest.strip_prefix(word.as_bytes()));
        }
        rest.is_some_and(<[u8]>::is_empty)
    }

    /// The name of the operation. Empty if the record lacks it.
    pub fn operation(&self) -> &str {
        self.text(OPERATION)
    }

    /// The label that the handler gave the record. Empty if the record lacks it.
    pub fn label(&self) -> &str {
        self.text(LABEL)
    }

    /// The contradiction that a `recover` hook found. Empty if the record lacks it.
    pub fn dispute(&self) -> &str {
        self.text(DISPUTE)
    }

    /// The digests of the request's outline, if the service keeps outlines.
    pub fn outline(&self) -> Option<&[u8]> {
        self.get(OUTLINE)
    }

    /// Returns these fields with an outline.
    pub(crate) fn with_outline(&self, digests: &[u8]) -> Self {
        let mut buffer = BytesMut::with_capacity(self.0.len() + FIELD_HEAD + digests.len());
        self.put_others(&mut buffer, OUTLINE);
        put_field(&mut buffer, OUTLINE, digests);
        Self(buffer.freeze())
    }

    fn text(&self, tag: u8) -> &str {
        self.get(tag).and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default()
    }

    /// Since when the run has been silent, if its outcome is or was unknown.
    pub fn silence(&self) -> Option<Silence> {
        let value: &[u8; 13] = self.get(SILENCE)?.try_into().ok()?;
        let [s0, s1, s2, s3, s4, s5, s6, s7, reason, a0, a1, a2, a3] = *value;
        Some(Silence {
            since: Timestamp(u64::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7])),
            reason: UnknownReason::from_code(reason)?,
            attempt: u32::from_be_bytes([a0, a1, a2, a3]),
        })
    }

    /// Returns these fields with another silence, or without one.
    #[must_use]
    pub fn with_silence(&self, silence: Option<Silence>) -> Self {
        // The silence is always the first field.
        if silence.is_none() && self.0.first() != Some(&SILENCE) {
            return self.clone();
        }
        let mut buffer = BytesMut::with_capacity(self.0.len() + FIELD_HEAD + 13);
        if let Some(Silence { since, reason, attempt }) = silence {
            buffer.put_slice(&[SILENCE, 0, 13]);
            buffer.put_u64(since.0);
            buffer.put_u8(reason.code());
            buffer.put_u32(attempt);
        }
        self.put_others(&mut buffer, SILENCE);
        Self(buffer.freeze())
    }

    /// Returns these fields with a dispute, which is cut to 256 bytes at a character boundary.
    #[must_use]
    pub fn with_dispute(&self, text: &str) -> Self {
        let mut buffer = BytesMut::with_capacity(self.0.len() + FIELD_HEAD + MAX_DISPUTE);
        self.put_others(&mut buffer, DISPUTE);
        put_text(&mut buffer, DISPUTE, MAX_DISPUTE, [text].into_iter());
        Self(buffer.freeze())
    }

    /// Adds the fields of `others` that these fields do not have.
    #[must_use]
    pub fn with_fields(&self, others: &Self) -> Self {
        let mut buffer = BytesMut::from(&self.0[..]);
        for (tag, value) in others.fields() {
            if self.get(tag).is_none() {
                put_field(&mut buffer, tag, value);
            }
        }
        Self(buffer.freeze())
    }

    /// The fields that have no accessor here. A store that keeps the others in columns keeps these as bytes.
    #[must_use]
    pub fn unnamed(&self) -> Self {
        let mut buffer = BytesMut::new();
        for (tag, value) in self.fields() {
            if !matches!(tag, OPERATION | LABEL | SILENCE | DISPUTE) {
                put_field(&mut buffer, tag, value);
            }
        }
        Self(buffer.freeze())
    }

    fn put_others(&self, buffer: &mut BytesMut, tag: u8) {
        for (other, value) in self.fields().filter(|(other, _)| *other != tag) {
            put_field(buffer, other, value);
        }
    }

    fn get(&self, tag: u8) -> Option<&[u8]> {
        self.fields().find_map(|(other, value)| (other == tag).then_some(value))
    }

    fn fields(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || split_field(&mut rest))
    }

    /// The bytes of all fields. There are at most 65,535.
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// Restores fields from stored bytes. Returns `None` if the bytes do not end with a complete field, or are more than
    /// 65,535.
    pub fn from_bytes(bytes: Bytes) -> Option<Self> {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            split_field(&mut rest)?;
        }
        (u16::try_from(bytes.len()).is_ok()).then_some(Self(bytes))
    }
}

fn split_field<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&[tag, high, low], valued) = rest.split_first_chunk()?;
    let (value, others) = valued.split_at_checked(u16::from_be_bytes([high, low]).into())?;
    *rest = others;
    Some((tag, value))
}

fn put_field(buffer: &mut BytesMut, tag: u8, value: &[u8]) {
    buffer.put_u8(tag);
    // A value is limited, or was read with a length of 2 bytes.
    buffer.put_u16(value.len() as u16);
    buffer.put_slice(value);
}

/// Writes the parts, joined by spaces, up to `most` bytes.
fn put_text<'a>(buffer: &mut BytesMut, tag: u8, most: usize, parts: impl Iterator<Item = &'a str>) {
    let start = buffer.len();
    buffer.put_slice(&[tag, 0, 0]);
    let value_start = start + FIELD_HEAD;
    for (n, part) in parts.enumerate() {
        let fits = buffer.len() - value_start + 1 + part.len() <= most;
        if fits && part.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            buffer.put_slice(if n > 0 { b" " } else { b"" });
            buffer.put_slice(part.as_bytes());
            continue;
        }
        let chars = (n > 0).then_some(' ').into_iter().chain(part.chars());
        for char in chars.map(|char| if char.is_control() { '·' } else { char }) {
            if buffer.len() - value_start + char.len_utf8() > most {
                break;
            }
            buffer.put_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    let len = (buffer.len() - value_start) as u16;
    buffer[start + 1..value_start].copy_from_slice(&len.to_be_bytes());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn silence() -> Silence {
        Silence { since: Timestamp(7), reason: UnknownReason::Drained, attempt: 3 }
    }

    #[test]
    fn names_are_joined_cleaned_and_cut() {
        let extras = Extras::new(&["POST", "/a\n"], Some(&"é".repeat(40)));
        assert_eq!(extras.operation(), "POST /a·");
        assert_eq!(extras.label(), "é".repeat(32));
        let long = Extras::new(&[&"x".repeat(127), "y"], Some("z"));
        assert_eq!((long.operation().len(), long.label()), (128, "z"));
        assert_eq!(Extras::default().operation(), "");
    }

    #[test]
    fn the_silence_is_the_first_field_and_can_be_removed() {
        let plain = Extras::new(&["op"], None);
        let silent = plain.with_silence(Some(silence()));
        assert_eq!(silent.as_bytes()[..3], [4, 0, 13]);
        assert_eq!(silent.silence(), Some(silence()));
        assert_eq!(silent.with_dispute("d").with_silence(Some(silence())).as_bytes()[0], 4);
        assert_eq!(silent.with_silence(None), plain);
        assert_eq!(plain.with_silence(None), plain);
    }

    #[test]
    fn unknown_fields_are_kept() {
        let later = Extras::from_bytes(Bytes::from_static(b"\x09\x00\x02hi\x01\x00\x01o")).unwrap();
        let changed = later.with_silence(Some(silence())).with_dispute("x").with_dispute("y");
        assert_eq!((changed.operation(), changed.dispute()), ("o", "y"));
        assert_eq!(changed.get(9), Some(&b"hi"[..]));
        assert_eq!(changed.unnamed().as_bytes(), &b"\x09\x00\x02hi"[..]);
        let restored = Extras::new(&["o"], None).with_fields(&changed.unnamed());
        assert_eq!(restored.get(9), Some(&b"hi"[..]));
    }

    #[test]
    fn truncated_bytes_are_refused() {
        let whole = Extras::new(&["op"], Some("label")).as_bytes().clone();
        for len in 0..whole.len() {
            let complete = len == 0 || len == 5;
            assert_eq!(Extras::from_bytes(whole.slice(..len)).is_some(), complete, "{len}");
        }
    }
}
