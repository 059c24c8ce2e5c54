//! SHA-256 over length-prefixed parts. All digests of idem are made here.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};

/// A server secret that turns every digest into an HMAC.
///
/// Without it, a reader of the store can guess keys and small bodies from their digests; see
/// [fingerprint hashing](crate::rules::guarantees#fingerprint-hashing).
#[derive(Clone)]
pub(crate) struct Secret(Hmac<Sha256>);

impl Secret {
    pub(crate) fn new(secret: &[u8]) -> Self {
        #[expect(
            clippy::expect_used,
            reason = "HMAC accepts keys of any length (RFC 2104 section 2)"
        )]
        Self(Hmac::new_from_slice(secret).expect("HMAC accepts keys of any length"))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Hashes parts, each with its length in 8 bytes before it. Different parts, such as `a`, `b:c` and `a:b`, `c`, never
/// produce the same input.
pub(crate) struct PartDigest {
    algorithm: Algorithm,
    /// Small parts that are not hashed yet. One call for many parts is much faster than a call for each.
    buffer: [u8; BUFFER_LEN],
    len: usize,
}

/// The block size of SHA-256, in bytes.
const BLOCK: usize = 64;

/// The size of the buffer, in bytes. The parts of a record id usually fit.
const BUFFER_LEN: usize = 4 * BLOCK;

enum Algorithm {
    Plain(Sha256),
    Keyed(Box<Hmac<Sha256>>),
}

impl PartDigest {
    pub(crate) fn new(secret: Option<&Secret>) -> Self {
        let algorithm = match secret {
            None => Algorithm::Plain(Sha256::new()),
            Some(secret) => Algorithm::Keyed(Box::new(secret.0.clone())),
        };
        Self { algorithm, buffer: [0; BUFFER_LEN], len: 0 }
    }

    pub(crate) fn part(&mut self, bytes: &[u8]) {
        self.push(&(bytes.len() as u64).to_be_bytes());
        self.push(bytes);
    }

    #[inline]
    fn push(&mut self, bytes: &[u8]) {
        if bytes.len() <= BUFFER_LEN - self.len {
            self.append(bytes);
        } else {
            self.hash(bytes);
        }
    }

    /// Appends to the buffer. Inlined, so that a length is copied by one instruction.
    #[inline]
    fn append(&mut self, bytes: &[u8]) {
        self.buffer[self.len..][..bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Hashes the buffer and then `bytes`, which do not fit into it.
    fn hash(&mut self, bytes: &[u8]) {
        // The buffer is filled up to a whole block, so that the remaining blocks are hashed without a copy.
        let (start, rest) = bytes.split_at(self.len.next_multiple_of(BLOCK) - self.len);
        self.append(start);
        self.flush();
        self.algorithm.update(rest);
    }

    pub(crate) fn finish(mut self) -> [u8; 32] {
        self.flush();
        match self.algorithm {
            Algorithm::Plain(hash) => hash.finalize().into(),
            Algorithm::Keyed(hash) => hash.finalize().into_bytes().into(),
        }
    }

    fn flush(&mut self) {
        self.algorithm.update(&self.buffer[..self.len]);
        self.len = 0;
    }
}

impl Algorithm {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Plain(hash) => hash.update(bytes),
            Self::Keyed(hash) => hash.update(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digest does not depend on how full the buffer is before a part.
    #[test]
    fn buffering_does_not_change_the_digest() {
        for before in 0..=BUFFER_LEN {
            for size in [0, 1, BLOCK, BUFFER_LEN - before, BUFFER_LEN, 10 * BUFFER_LEN + 1] {
                let parts = [vec![b'a'; before], vec![b'b'; size], vec![b'c'; 3]];
                let (mut digest, mut plain) = (PartDigest::new(None), Sha256::new());
                for part in &parts {
                    digest.part(part);
                    plain.update((part.len() as u64).to_be_bytes());
                    plain.update(part);
                }
                let expected: [u8; 32] = plain.finalize().into();
                assert_eq!(digest.finish(), expected, "{before} {size}");
            }
        }
    }
}
