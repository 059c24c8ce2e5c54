//! The byte format of a record, for stores that keep bytes.
//!
//! Version 2, which this code writes, is frozen by a golden test:
//!
//! ```text
//!  0       version            2
//!  1       state              1 running, 2 completed, 3 not retained, 4 unknown
//!  2       guarantee          1 at most once, 2 at least once, 3 at most once with `recover`
//!  3       fingerprint rule   version of the rule; 0: no fingerprint
//!  4..20   claim nonce
//! 20..28   fencing token      big-endian
//! 28..32   attempt            big-endian
//! 32..64   fingerprint
//! 64..66   length of extras   big-endian
//! 66..     extras             fields of a tag (1 byte), a length (2 bytes, big-endian) and a value
//!          tail of the state
//! ```
//!
//! | Tag | Extra |
//! |---|---|
//! | 1 | operation |
//! | 2 | label |
//! | 3 | outline: 8 bytes for method, path, query, media type, body, and each of up to 32 members |
//! | 4 | silence, always the first field: since (8 bytes, microseconds), reason (1 byte), attempt (4 bytes) |
//! | 5 | dispute |
//!
//! Unknown tags are kept. The tail depends on the state:
//!
//! | State | Tail |
//! |---|---|
//! | running | empty |
//! | completed | status (2 bytes), length of headers (4 bytes), CRC-32 of these 6 bytes and all later ones (4 bytes), headers, body |
//! | not retained | status (2 bytes) |
//! | unknown | reason (1 byte), see [`UnknownReason::code`] |
//!
//! Version 1 is still read. It has no extras and no reasons: the tail follows at offset 64, and an unknown outcome reads as
//! [`TimedOut`](UnknownReason::TimedOut), the reason with the strictest rule for operators.
//!
//! The claim nonce and the fencing token have fixed positions, so that a script can compare them without a parser.

use bytes::{BufMut, Bytes, BytesMut};

use crate::model::{
    ClaimNonce, Extras, FencingToken, Fingerprint, Guarantee, Headers, Record, State, StoreError,
    StoredResponse, UnknownReason,
};

/// The range of the claim nonce and the fencing token: 24 bytes that together identify a claim.
pub const CLAIM_BYTES: std::ops::Range<usize> = 4..28;

/// The version of the format that this code writes.
pub const VERSION: u8 = 2;

/// The earliest version of the format that this code reads.
const FIRST_VERSION: u8 = 1;

/// The length of the fixed part of a record, in bytes. The extras and the tail of its state follow.
pub const HEAD_LEN: usize = 64;

/// The length of the length of the extras, in bytes.
const EXTRAS_HEAD_LEN: usize = 2;

/// The length of status, header length and checksum, in bytes.
const RESPONSE_HEAD_LEN: usize = 10;

/// The reason that bytes cannot be read as a record.
///
/// The handler never runs again for such a record, and its requests are refused with 500. See
/// [corrupt records](crate::rules::guarantees#corrupt-records).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The record has a format version that this code does not know.
    #[error("unknown record format version {0}; deploy a version of idem that can read it")]
    Version(u8),
    /// The bytes are truncated or altered, or they are not a record.
    #[error("the bytes of the record are damaged")]
    Damaged,
}

impl From<CodecError> for StoreError {
    fn from(error: CodecError) -> Self {
        Self::corrupt(error)
    }
}

impl Record {
    /// Encodes the record.
    pub fn to_bytes(&self) -> Bytes {
        let mut buffer = BytesMut::with_capacity(self.encoded_len());
        self.put(&mut buffer);
        buffer.freeze()
    }

    /// The number of bytes that [`put`](Self::put) appends.
    pub fn encoded_len(&self) -> usize {
        HEAD_LEN + EXTRAS_HEAD_LEN + self.extras.as_bytes().len() + self.state.tail_len()
    }

    /// Appends the encoded record to `buffer`.
    pub fn put(&self, buffer: &mut impl BufMut) {
        let guarantee = guarantee_code(self.guarantee, self.recoverable);
        buffer.put_slice(&[VERSION, self.state.code(), guarantee]);
        buffer.put_u8(self.fingerprint.map_or(0, |print| print.version()));
        buffer.put_slice(self.nonce.as_bytes());
        buffer.put_u64(self.token.0);
        buffer.put_u32(self.attempt);
        buffer.put_slice(&self.fingerprint.map_or([0; 32], |print| *print.digest()));
        put_extras(&self.extras, buffer);
        self.state.put_tail(buffer);
    }

    /// Decodes a record. A stored response shares the bytes.
    ///
    /// # Errors
    /// If the bytes have another format version, or are damaged.
    pub fn from_bytes(bytes: &Bytes) -> Result<Self, CodecError> {
        Self::decode(bytes, State::from_parts)
    }

    /// Decodes a record without the headers and the body of its response. The bytes may end after the status.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes). A damaged response is not detected.
    pub fn from_head(bytes: &Bytes) -> Result<Self, CodecError> {
        Self::decode(bytes, |version, code, tail| match (code, &tail[..]) {
            (2, &[high, low, ..]) => Ok(State::Completed(StoredResponse {
                status: u16::from_be_bytes([high, low]),
                headers: Headers::default(),
                body: Bytes::new(),
            })),
            _ => State::from_parts(version, code, tail),
        })
    }

    fn decode(
        bytes: &Bytes,
        state: impl FnOnce(u8, u8, &Bytes) -> Result<State, CodecError>,
    ) -> Result<Self, CodecError> {
        let version = *bytes.first().ok_or(CodecError::Damaged)?;
        check_version(version)?;
        let head: &[u8; HEAD_LEN] = bytes.first_chunk().ok_or(CodecError::Damaged)?;
        let rest = bytes.slice(HEAD_LEN..);
        let (extras, tail) = match version {
            1 => (Extras::default(), rest),
            _ => split_extras(&rest).ok_or(CodecError::Damaged)?,
        };
        let (guarantee, recoverable) = guarantee(head[2])?;
        Ok(Self {
            nonce: ClaimNonce::from_bytes(array(head, 4)),
            token: FencingToken(u64::from_be_bytes(array(head, 20))),
            attempt: u32::from_be_bytes(array(head, 28)),
            guarantee,
            recoverable,
            fingerprint: (head[3] != 0).then(|| Fingerprint::from_parts(head[3], array(head, 32))),
            extras,
            state: state(version, head[1], &tail)?,
        })
    }
}

/// Checks that this code can read a version of the format. Stores that keep the version in a column use it.
///
/// # Errors
/// [`CodecError::Version`] if it cannot.
pub const fn check_version(version: u8) -> Result<(), CodecError> {
    match version {
        FIRST_VERSION..=VERSION => Ok(()),
        _ => Err(CodecError::Version(version)),
    }
}

/// Returns the code of a guarantee: the byte at offset 2. `recoverable` is [`Record::recoverable`].
pub const fn guarantee_code(guarantee: Guarantee, recoverable: bool) -> u8 {
    match (guarantee, recoverable) {
        (Guarantee::AtMostOnce, false) => 1,
        (Guarantee::AtLeastOnce, _) => 2,
        (Guarantee::AtMostOnce, true) => 3,
    }
}

/// Decodes the code of a guarantee, and whether the record is [recoverable](Record::recoverable).
///
/// # Errors
/// If the code is unknown.
pub const fn guarantee(code: u8) -> Result<(Guarantee, bool), CodecError> {
    match code {
        1 => Ok((Guarantee::AtMostOnce, false)),
        2 => Ok((Guarantee::AtLeastOnce, false)),
        3 => Ok((Guarantee::AtMostOnce, true)),
        _ => Err(CodecError::Damaged),
    }
}

/// Appends the length and the bytes of the extras to `buffer`.
fn put_extras(extras: &Extras, buffer: &mut impl BufMut) {
    let bytes = extras.as_bytes();
    buffer.put_u16(bytes.len() as u16); // `Extras` holds at most 65,535 bytes
    buffer.put_slice(bytes);
}

/// Splits the bytes from offset 64 into the extras and the tail of the state.
fn split_extras(rest: &Bytes) -> Option<(Extras, Bytes)> {
    let (len, _) = rest.split_first_chunk()?;
    let end = EXTRAS_HEAD_LEN + usize::from(u16::from_be_bytes(*len));
    let extras = rest.get(EXTRAS_HEAD_LEN..end).map(|_| rest.slice(EXTRAS_HEAD_LEN..end))?;
    Some((Extras::from_bytes(extras)?, rest.slice(end..)))
}

/// The parts of a record that a completion changes. Stores combine them with the rest of the stored record.
impl State {
    /// The code of the state: the byte at offset 1.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Running => 1,
            Self::Completed(_) => 2,
            Self::NotRetained { .. } => 3,
            Self::Unknown(_) => 4,
        }
    }

    /// Decodes a state from the version of the format, its code (the byte at offset 1) and its tail. A stored response
    /// shares the bytes. Stores that keep the parts of a record in columns use it.
    ///
    /// # Errors
    /// If the version or the code is unknown, or the tail is damaged.
    pub fn from_parts(version: u8, code: u8, tail: &Bytes) -> Result<Self, CodecError> {
        check_version(version)?;
        match (code, &tail[..]) {
            (1, []) => Ok(Self::Running),
            (2, _) => response(tail).map(Self::Completed).ok_or(CodecError::Damaged),
            (3, &[high, low]) => Ok(Self::NotRetained { status: u16::from_be_bytes([high, low]) }),
            (4, []) if version == 1 => Ok(Self::Unknown(UnknownReason::TimedOut)),
            (4, &[reason]) if version > 1 => {
                UnknownReason::from_code(reason).map(Self::Unknown).ok_or(CodecError::Damaged)
            }
            _ => Err(CodecError::Damaged),
        }
    }

    /// The number of bytes that [`put_tail`](Self::put_tail) appends.
    pub fn tail_len(&self) -> usize {
        match self {
            Self::Running => 0,
            Self::Unknown(_) => 1,
            Self::Completed(response) => {
                RESPONSE_HEAD_LEN + response.headers.as_bytes().len() + response.body.len()
            }
            Self::NotRetained { .. } => 2,
        }
    }

    /// Appends the tail of the state to `buffer`.
    pub fn put_tail(&self, buffer: &mut impl BufMut) {
        match self {
            Self::Running => {}
            Self::Unknown(reason) => buffer.put_u8(reason.code()),
            Self::NotRetained { status } => buffer.put_u16(*status),
            Self::Completed(StoredResponse { status, headers, body }) => {
                let mut head = [0; 6];
                head[..2].copy_from_slice(&status.to_be_bytes());
                head[2..].copy_from_slice(&(headers.as_bytes().len() as u32).to_be_bytes());
                buffer.put_slice(&head);
                buffer.put_u32(checksum(&head, &[headers.as_bytes(), body]));
                buffer.put_slice(headers.as_bytes());
                buffer.put_slice(body);
            }
        }
    }
}

/// The checksum that detects a truncated or altered response.
fn checksum(head: &[u8], rest: &[&[u8]]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(head);
    rest.iter().for_each(|part| crc.update(part));
    crc.finalize()
}

fn response(tail: &Bytes) -> Option<StoredResponse> {
    let head: &[u8; RESPONSE_HEAD_LEN] = tail.first_chunk()?;
    let [s0, s1, l0, l1, l2, l3, crc @ ..] = *head;
    let headers_end = RESPONSE_HEAD_LEN + u32::from_be_bytes([l0, l1, l2, l3]) as usize;
    if tail.len() < headers_end
        || checksum(&head[..6], &[&tail[RESPONSE_HEAD_LEN..]]) != u32::from_be_bytes(crc)
    {
        return None;
    }
    Some(StoredResponse {
        status: u16::from_be_bytes([s0, s1]),
        headers: Headers::from_bytes(tail.slice(RESPONSE_HEAD_LEN..headers_end))?,
        body: tail.slice(headers_end..),
    })
}

fn array<const N: usize>(head: &[u8; HEAD_LEN], start: usize) -> [u8; N] {
    std::array::from_fn(|n| head[start + n])
}

#[cfg(test)]
mod tests;
