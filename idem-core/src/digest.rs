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
pub(crate) struct PartDigest(Algorithm);

enum Algorithm {
    Plain(Sha256),
    Keyed(Box<Hmac<Sha256>>),
}

impl PartDigest {
    pub(crate) fn new(secret: Option<&Secret>) -> Self {
        Self(match secret {
            None => Algorithm::Plain(Sha256::new()),
            Some(secret) => Algorithm::Keyed(Box::new(secret.0.clone())),
        })
    }

    pub(crate) fn part(&mut self, bytes: &[u8]) {
        self.raw(&(bytes.len() as u64).to_be_bytes());
        self.raw(bytes);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        match self.0 {
            Algorithm::Plain(hash) => hash.finalize().into(),
            Algorithm::Keyed(hash) => hash.finalize().into_bytes().into(),
        }
    }

    fn raw(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Algorithm::Plain(hash) => hash.update(bytes),
            Algorithm::Keyed(hash) => hash.update(bytes),
        }
    }
}
