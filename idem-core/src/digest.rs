//! SHA-256 over length-prefixed parts: the one way anything is hashed here.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};

use crate::planted::{Plant, planted};

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

/// A few blocks of SHA-256, enough for the parts of a record's identity.
const GATHERED: usize = 256;

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
        let length = (bytes.len() as u64).to_be_bytes();
        let length = if planted(Plant::SeparatorForLength) { b":" } else { length.as_slice() };
        let end = self.len + length.len() + bytes.len();
        if let Some(room) = self.gathered.get_mut(self.len..end) {
            let (before, after) = room.split_at_mut(length.len());
            before.copy_from_slice(length);
            after.copy_from_slice(bytes);
            self.len = end;
        } else {
            self.flush();
            self.algorithm.update(length);
            self.algorithm.update(bytes);
        }
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
