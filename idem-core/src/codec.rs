//! The bytes of a record, for stores that keep bytes. Version 1, frozen by a golden test.
//!
//! ```text
//!  0       version            1
//!  1       state              1 running, 2 completed, 3 not retained, 4 unknown
//!  2       guarantee          1 at most once, 2 at least once
//!  3       fingerprint rule   0: not compared
//!  4..20   owner
//! 20..28   fencing token              big-endian
//! 28..32   attempt            big-endian
//! 32..64   fingerprint
//! 64..66   status             big-endian; completed and not retained only
//! 66..70   length of headers  big-endian; completed only, as all that follows
//! 70..74   checksum           CRC-32 of the 6 bytes before it and of all that follows it
//! 74..     headers, then the body to the end
//! ```
//! The owner and the fencing token stand at fixed places, so that a script can compare them without a parser.

use bytes::{BufMut, Bytes, BytesMut};

use crate::model::{
    ClaimNonce, FencingToken, Fingerprint, Guarantee, Headers, Record, State, StoredResponse,
};

/// Where in the bytes the owner and the fencing token stand, side by side: 24 bytes that together identify a claim.
pub const CLAIM_BYTES: std::ops::Range<usize> = 4..28;

/// The version that this code writes.
pub const VERSION: u8 = 1;

/// How long a record is before what its state adds.
pub const HEAD: usize = 64;

/// Status, length of headers, checksum.
const ANSWER_HEAD: usize = 10;

/// Why bytes are not a record. Such a record is never rerun: its request is answered with a 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Written by code newer than this.
    #[error("record format {0} is not known here; deploy a version that can read it")]
    Version(u8),
    /// Cut short, or not bytes of ours.
    #[error("the record's bytes are damaged")]
    Damaged,
}

impl Record {
    /// The record's bytes.
    pub fn to_bytes(&self) -> Bytes {
        let mut buffer = BytesMut::with_capacity(HEAD + self.state.tail_len());
        self.put(&mut buffer);
        buffer.freeze()
    }

    /// Writes the record's bytes.
    pub fn put(&self, buffer: &mut impl BufMut) {
        buffer.put_slice(&[VERSION, self.state.code(), guarantee_code(self.guarantee)]);
        buffer.put_u8(self.fingerprint.map_or(0, |print| print.version()));
        buffer.put_slice(self.nonce.as_bytes());
        buffer.put_u64(self.token.0);
        buffer.put_u32(self.attempt);
        buffer.put_slice(&self.fingerprint.map_or([0; 32], |print| *print.digest()));
        self.state.put_tail(buffer);
    }

    /// A record from its bytes; an answer shares them.
    ///
    /// # Errors
    /// If the bytes are of a later version, or damaged.
    pub fn from_bytes(bytes: &Bytes) -> Result<Self, WireError> {
        let version = *bytes.first().ok_or(WireError::Damaged)?;
        if version != VERSION {
            return Err(WireError::Version(version));
        }
        let head: &[u8; HEAD] = bytes.first_chunk().ok_or(WireError::Damaged)?;
        Ok(Self {
            nonce: ClaimNonce::from_bytes(array(head, 4)),
            token: FencingToken(u64::from_be_bytes(array(head, 20))),
            attempt: u32::from_be_bytes(array(head, 28)),
            guarantee: guarantee(head[2])?,
            fingerprint: (head[3] != 0).then(|| Fingerprint::from_parts(head[3], array(head, 32))),
            state: state(head[1], &bytes.slice(HEAD..))?,
        })
    }
}

/// The byte at offset 2.
pub const fn guarantee_code(guarantee: Guarantee) -> u8 {
    match guarantee {
        Guarantee::AtMostOnce => 1,
        Guarantee::AtLeastOnce => 2,
    }
}

const fn guarantee(code: u8) -> Result<Guarantee, WireError> {
    match code {
        1 => Ok(Guarantee::AtMostOnce),
        2 => Ok(Guarantee::AtLeastOnce),
        _ => Err(WireError::Damaged),
    }
}

/// The parts of a record that a completion changes, for stores that put them together with what stands.
impl State {
    /// The byte at offset 1.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Running => 1,
            Self::Completed(_) => 2,
            Self::NotRetained { .. } => 3,
            Self::Unknown => 4,
        }
    }

    /// A state from its byte at offset 1 and the bytes from offset 64 on, for stores that keep the parts of
    /// a record apart; an answer shares them.
    ///
    /// # Errors
    /// If they are damaged. The version stands before them: it is to be compared with [`VERSION`] first.
    pub fn from_parts(code: u8, tail: &Bytes) -> Result<Self, WireError> {
        state(code, tail)
    }

    /// How many bytes [`put_tail`](Self::put_tail) writes.
    pub fn tail_len(&self) -> usize {
        match self {
            Self::Running | Self::Unknown => 0,
            Self::Completed(answer) => {
                ANSWER_HEAD + answer.headers.as_bytes().len() + answer.body.len()
            }
            Self::NotRetained { .. } => 2,
        }
    }

    /// Writes the bytes from offset 64 on.
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

/// The checksum of a record, which detects truncated and altered bytes.
fn checksum(head: &[u8], rest: &[&[u8]]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(head);
    rest.iter().for_each(|part| crc.update(part));
    crc.finalize()
}

fn state(code: u8, tail: &Bytes) -> Result<State, WireError> {
    match (code, tail.len()) {
        (1, 0) => Ok(State::Running),
        (2, _) => answer(tail).map(State::Completed).ok_or(WireError::Damaged),
        (3, 2) => Ok(State::NotRetained { status: u16::from_be_bytes([tail[0], tail[1]]) }),
        (4, 0) => Ok(State::Unknown),
        _ => Err(WireError::Damaged),
    }
}

fn answer(tail: &Bytes) -> Option<StoredResponse> {
    let head: &[u8; ANSWER_HEAD] = tail.first_chunk()?;
    let [s0, s1, l0, l1, l2, l3, crc @ ..] = *head;
    let headers_end = ANSWER_HEAD + u32::from_be_bytes([l0, l1, l2, l3]) as usize;
    if tail.len() < headers_end
        || checksum(&head[..6], &[&tail[ANSWER_HEAD..]]) != u32::from_be_bytes(crc)
    {
        return None;
    }
    Some(StoredResponse {
        status: u16::from_be_bytes([s0, s1]),
        headers: Headers::from_bytes(tail.slice(ANSWER_HEAD..headers_end))?,
        body: tail.slice(headers_end..),
    })
}

fn array<const N: usize>(head: &[u8; HEAD], start: usize) -> [u8; N] {
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
    fn every_state_comes_back_as_it_went() {
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
    fn a_cut_is_damage_at_every_length() {
        for state in states() {
            let bytes = record(state).to_bytes();
            for len in 0..bytes.len() {
                assert_eq!(
                    Record::from_bytes(&bytes.slice(..len)),
                    Err(WireError::Damaged),
                    "{len}"
                );
            }
        }
    }

    #[test]
    fn a_flipped_bit_of_an_answer_is_damage() {
        let bytes = record(completed()).to_bytes();
        for at in HEAD..bytes.len() {
            let mut flipped = bytes.to_vec();
            flipped[at] ^= 1;
            assert_eq!(Record::from_bytes(&Bytes::from(flipped)), Err(WireError::Damaged), "{at}");
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
        assert_eq!(with(0, 2), Err(WireError::Version(2)));
        assert_eq!(with(1, 9), Err(WireError::Damaged));
        assert_eq!(with(2, 0), Err(WireError::Damaged));
    }

    #[test]
    fn the_claim_stands_at_its_fixed_place() {
        let record = record(completed());
        let bytes = record.to_bytes();
        let (nonce, token) = bytes[CLAIM_BYTES].split_at(16);
        assert_eq!(nonce, record.nonce.as_bytes());
        assert_eq!(token, record.token.0.to_be_bytes());
    }
}
