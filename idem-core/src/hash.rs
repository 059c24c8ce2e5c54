//! SHA-256 over length-prefixed parts: the one way anything is hashed here.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};

/// A server secret that turns every digest into an HMAC, so that somebody who reads the store cannot
/// guess keys or small bodies from their hashes (RELIABILITY section 8).
#[derive(Clone)]
pub(crate) struct Secret(Hmac<Sha256>);

impl Secret {
    pub(crate) fn new(secret: &[u8]) -> Self {
        #[expect(
            clippy::expect_used,
            reason = "HMAC takes keys of any length (RFC 2104 section 2)"
        )]
        Self(Hmac::new_from_slice(secret).expect("HMAC takes keys of any length"))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Hashes parts, each behind its length in 8 bytes, so that `a` + `b:c` never meets `a:b` + `c` (R14).
pub(crate) struct PartDigest {
    algorithm: Algorithm,
    /// Small parts that were not hashed yet: one call for many of them costs a fraction.
    gathered: [u8; GATHERED],
    len: usize,
}

/// What SHA-256 hashes at a time.
const BLOCK: usize = 64;

/// A few blocks, enough for the parts of a record's identity.
const GATHERED: usize = 4 * BLOCK;

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
        Self { algorithm, gathered: [0; GATHERED], len: 0 }
    }

    pub(crate) fn part(&mut self, bytes: &[u8]) {
        self.push(&(bytes.len() as u64).to_be_bytes());
        self.push(bytes);
    }

    #[inline]
    fn push(&mut self, bytes: &[u8]) {
        if bytes.len() <= GATHERED - self.len {
            self.gather(bytes);
        } else {
            self.hash(bytes);
        }
    }

    /// Inlined, so that a length is copied by one instruction.
    #[inline]
    fn gather(&mut self, bytes: &[u8]) {
        self.gathered[self.len..][..bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Hashes what was gathered, and `bytes`, for which there is no room with it.
    fn hash(&mut self, bytes: &[u8]) {
        // What was gathered ends with a block, and so all others are hashed where they lie.
        let (start, rest) = bytes.split_at(self.len.next_multiple_of(BLOCK) - self.len);
        self.gather(start);
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
        self.algorithm.update(&self.gathered[..self.len]);
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

    /// However much was gathered before it, a part is hashed as it is, behind its length.
    #[test]
    fn gathering_changes_nothing() {
        for before in 0..=GATHERED {
            for size in [0, 1, BLOCK, GATHERED - before, GATHERED, 10 * GATHERED + 1] {
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
