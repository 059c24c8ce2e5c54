//! The byte format of a record, for stores that keep bytes.
//!
//! Version 1 is frozen by a golden test:
//!
//! ```text
//!  0       version            1
//!  1       state              1 running, 2 completed, 3 not retained, 4 unknown
//!  2       guarantee          1 at most once, 2 at least once
//!  3       fingerprint rule   version of the rule; 0: no fingerprint
//!  4..20   claim nonce
//! 20..28   fencing token      big-endian
//! 28..32   attempt            big-endian
//! 32..64   fingerprint
//! 64..66   status             big-endian; completed and not retained only
//! 66..70   length of headers  big-endian; completed only, like all later fields
//! 70..74   checksum           CRC-32 of the 6 bytes before it and of all bytes after it
//! 74..     headers, then the body to the end
//! ```
//! The claim nonce and the fencing token have fixed positions, so that a script can compare them without a parser.

use bytes::{BufMut, Bytes, BytesMut};

use crate::model::{
    ClaimNonce, FencingToken, Fingerprint, Guarantee, Headers, Record, State, StoreError,
    StoredResponse,
};

/// The range of the claim nonce and the fencing token: 24 bytes that together identify a claim.
pub const CLAIM_BYTES: std::ops::Range<usize> = 4..28;

/// The version of the format that this code writes.
pub const VERSION: u8 = 1;

/// The length of the fixed part of a record, in bytes. The tail of its state follows.
pub const HEAD_LEN: usize = 64;

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
        let mut buffer = BytesMut::with_capacity(HEAD_LEN + self.state.tail_len());
        self.put(&mut buffer);
        buffer.freeze()
    }

    /// Appends the encoded record to `buffer`.
    pub fn put(&self, buffer: &mut impl BufMut) {
        buffer.put_slice(&[VERSION, self.state.code(), guarantee_code(self.guarantee)]);
        buffer.put_u8(self.fingerprint.map_or(0, |print| print.version()));
        buffer.put_slice(self.nonce.as_bytes());
        buffer.put_u64(self.token.0);
        buffer.put_u32(self.attempt);
        buffer.put_slice(&self.fingerprint.map_or([0; 32], |print| *print.digest()));
        self.state.put_tail(buffer);
    }

    /// Decodes a record. A stored response shares the bytes.
    ///
    /// # Errors
    /// If the bytes have another format version, or are damaged.
    pub fn from_bytes(bytes: &Bytes) -> Result<Self, CodecError> {
        let version = *bytes.first().ok_or(CodecError::Damaged)?;
        if version != VERSION {
            return Err(CodecError::Version(version));
        }
        let head: &[u8; HEAD_LEN] = bytes.first_chunk().ok_or(CodecError::Damaged)?;
        Ok(Self {
            nonce: ClaimNonce::from_bytes(array(head, 4)),
            token: FencingToken(u64::from_be_bytes(array(head, 20))),
            attempt: u32::from_be_bytes(array(head, 28)),
            guarantee: guarantee(head[2])?,
            fingerprint: (head[3] != 0).then(|| Fingerprint::from_parts(head[3], array(head, 32))),
            state: state(head[1], &bytes.slice(HEAD_LEN..))?,
        })
    }
}

/// Returns the code of a guarantee: the byte at offset 2.
pub const fn guarantee_code(guarantee: Guarantee) -> u8 {
    match guarantee {
        Guarantee::AtMostOnce => 1,
        Guarantee::AtLeastOnce => 2,
    }
}

const fn guarantee(code: u8) -> Result<Guarantee, CodecError> {
    match code {
        1 => Ok(Guarantee::AtMostOnce),
        2 => Ok(Guarantee::AtLeastOnce),
        _ => Err(CodecError::Damaged),
    }
}

/// The parts of a record that a completion changes. Stores combine them with the rest of the stored record.
impl State {
    /// The code of the state: the byte at offset 1.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Running => 1,
            Self::Completed(_) => 2,
            Self::NotRetained { .. } => 3,
            Self::Unknown => 4,
        }
    }

    /// Decodes a state from its code and its tail, which are the byte at offset 1 and the bytes from offset 64. A
    /// stored response shares the bytes. Stores that keep the parts of a record in columns use it.
    ///
    /// The caller must first compare the stored format version with [`VERSION`].
    ///
    /// # Errors
    /// If the code is unknown or the tail is damaged.
    pub fn from_parts(code: u8, tail: &Bytes) -> Result<Self, CodecError> {
        state(code, tail)
    }

    /// The number of bytes that [`put_tail`](Self::put_tail) appends.
    pub fn tail_len(&self) -> usize {
        match self {
            Self::Running | Self::Unknown => 0,
            Self::Completed(response) => {
                RESPONSE_HEAD_LEN + response.headers.as_bytes().len() + response.body.len()
            }
            Self::NotRetained { .. } => 2,
        }
    }

    /// Appends the tail of the state to `buffer`: the bytes from offset 64.
    pub fn put_tail(&self, buffer: &mut impl BufMut) {
        match self {
            Self::Running | Self::Unknown => {}
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

fn state(code: u8, tail: &Bytes) -> Result<State, CodecError> {
    match (code, tail.len()) {
        (1, 0) => Ok(State::Running),
        (2, _) => response(tail).map(State::Completed).ok_or(CodecError::Damaged),
        (3, 2) => Ok(State::NotRetained { status: u16::from_be_bytes([tail[0], tail[1]]) }),
        (4, 0) => Ok(State::Unknown),
        _ => Err(CodecError::Damaged),
    }
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
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn record(state: State) -> Record {
        Record {
            nonce: ClaimNonce::from_bytes([0xAB; 16]),
            token: FencingToken(0x0102_0304_0506_0708),
            attempt: 2,
            guarantee: Guarantee::AtLeastOnce,
            fingerprint: Some(Fingerprint::from_parts(1, [0xCD; 32])),
            state,
        }
    }

    fn completed() -> State {
        State::Completed(StoredResponse {
            status: 201,
            headers: [("etag", b"\"1\"".as_slice())].into_iter().collect(),
            body: Bytes::from_static(b"{}"),
        })
    }

    fn states() -> [State; 4] {
        [State::Running, completed(), State::NotRetained { status: 200 }, State::Unknown]
    }

    #[test]
    fn version_1_is_frozen() {
        let mut golden = vec![1, 2, 2, 1];
        golden.extend([0xAB; 16]);
        golden.extend([1, 2, 3, 4, 5, 6, 7, 8]);
        golden.extend([0, 0, 0, 2]);
        golden.extend([0xCD; 32]);
        golden.extend(b"\x00\xC9\x00\x00\x00\x0D\xCD\x12.\x0C\x00\x04etag\x00\x00\x00\x03\"1\"{}");
        assert_eq!(record(completed()).to_bytes(), golden);
        let codes: Vec<u8> = states().map(|state| record(state).to_bytes()[1]).to_vec();
        assert_eq!(codes, [1, 2, 3, 4]);
    }

    #[test]
    fn every_state_survives_a_round_trip() {
        for state in states() {
            let record = record(state);
            assert_eq!(Record::from_bytes(&record.to_bytes()).unwrap(), record);
        }
        let bare = Record {
            fingerprint: None,
            guarantee: Guarantee::AtMostOnce,
            ..record(State::Running)
        };
        assert_eq!(Record::from_bytes(&bare.to_bytes()).unwrap(), bare);
    }

    #[test]
    fn truncation_is_detected_at_every_length() {
        for state in states() {
            let bytes = record(state).to_bytes();
            for len in 0..bytes.len() {
                assert_eq!(
                    Record::from_bytes(&bytes.slice(..len)),
                    Err(CodecError::Damaged),
                    "{len}"
                );
            }
        }
    }

    #[test]
    fn a_flipped_bit_in_a_response_is_detected() {
        let bytes = record(completed()).to_bytes();
        for at in HEAD_LEN..bytes.len() {
            let mut flipped = bytes.to_vec();
            flipped[at] ^= 1;
            assert_eq!(Record::from_bytes(&Bytes::from(flipped)), Err(CodecError::Damaged), "{at}");
        }
    }

    #[test]
    fn unknown_codes_and_versions_are_refused() {
        let bytes = record(completed()).to_bytes();
        let with = |at: usize, value: u8| {
            let mut changed = bytes.to_vec();
            changed[at] = value;
            Record::from_bytes(&Bytes::from(changed))
        };
        assert_eq!(with(0, 2), Err(CodecError::Version(2)));
        assert_eq!(with(1, 9), Err(CodecError::Damaged));
        assert_eq!(with(2, 0), Err(CodecError::Damaged));
    }

    #[test]
    fn the_claim_has_a_fixed_position() {
        let record = record(completed());
        let bytes = record.to_bytes();
        let (nonce, token) = bytes[CLAIM_BYTES].split_at(16);
        assert_eq!(nonce, record.nonce.as_bytes());
        assert_eq!(token, record.token.0.to_be_bytes());
    }
}
