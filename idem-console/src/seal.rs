//! The HMAC of a confirmation: a change is made only as it was previewed, by the operator who saw the preview.

use std::fmt;
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The time for which a confirmation is valid.
pub(crate) const VALID_FOR: Duration = Duration::from_secs(300);

#[derive(Clone)]
pub(crate) struct Seal(Hmac<Sha256>);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(..)")
    }
}

/// The HMAC of a confirmation, and its end in seconds since 1970.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    pub(crate) until: u64,
    pub(crate) mac: String,
}

impl Seal {
    pub(crate) fn new(secret: &[u8]) -> Self {
        #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length (RFC 2104)")]
        Self(Hmac::new_from_slice(secret).expect("HMAC accepts keys of any length"))
    }

    pub(crate) fn random() -> Self {
        Self::new(&rand::random::<[u8; 32]>())
    }

    /// Seals `parts` for [`VALID_FOR`] from `now` on.
    pub(crate) fn seal(&self, parts: &[&str], now: SystemTime) -> Sealed {
        let until = seconds(now) + VALID_FOR.as_secs();
        let mac = hex::encode(self.mac(parts, until).finalize().into_bytes());
        Sealed { until, mac }
    }

    /// Whether these parts were sealed with this secret, and the time is not over.
    pub(crate) fn is_valid(&self, parts: &[&str], sealed: &Sealed, now: SystemTime) -> bool {
        let mac = hex::decode(&sealed.mac).unwrap_or_default();
        self.mac(parts, sealed.until).verify_slice(&mac).is_ok() && seconds(now) < sealed.until
    }

    fn mac(&self, parts: &[&str], until: u64) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(b"idem.console/1");
        mac.update(&until.to_be_bytes());
        for part in parts {
            // With its length, so that no two lists of parts have the same input.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seal_is_valid_for_its_parts_secret_and_time() {
        let (seal, now) = (Seal::new(b"secret"), SystemTime::now());
        let sealed = seal.seal(&["ada", "release"], now);
        let just_before = now + VALID_FOR - Duration::from_secs(1);
        assert!(seal.is_valid(&["ada", "release"], &sealed, now));
        assert!(seal.is_valid(&["ada", "release"], &sealed, just_before));
        assert!(!seal.is_valid(&["ada", "release"], &sealed, now + VALID_FOR));
        for other in [&["bob", "release"][..], &["adar", "elease"], &["ada"], &[]] {
            assert!(!seal.is_valid(other, &sealed, now), "{other:?}");
        }
        assert!(!Seal::new(b"other").is_valid(&["ada", "release"], &sealed, now));
        let longer = Sealed { until: sealed.until + 60, ..sealed.clone() };
        assert!(!seal.is_valid(&["ada", "release"], &longer, now));
        for mac in ["", "00", "no digits", &sealed.mac[2..]] {
            let cut = Sealed { mac: mac.to_owned(), ..sealed.clone() };
            assert!(!seal.is_valid(&["ada", "release"], &cut, now), "{mac}");
        }
    }
}
