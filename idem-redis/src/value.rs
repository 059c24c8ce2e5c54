//! The value of a record's key: a prefix of 16 bytes, then the record in the format of
//! [`idem_core::codec`].
//!
//! ```text
//!  0       layout             1
//!  1       checked            0: written by a plain claim, and not checked by a script yet
//!  2..10   grace              big-endian; the lease, or the quiet time of an unknown record, is over once the
//!                             key has at most this many milliseconds to live
//! 10..14   pad                big-endian; milliseconds for which the key outlives its record
//! 14       0
//! 15       awaited            1: a duplicate waits, so the end of the run is published
//! 16..     record
//! ```
//!
//! The value does not contain a time of day. Leases and retention follow from the key's time to live,
//! which only the [server's clock](idem_core::rules::semantics#store-clock) determines. A record that was
//! freed keeps its fencing token; its state and its nonce are zero. It has the head of a record of version 1, which every
//! version of this store can claim.
//!
//! While a record is running or unknown, the grace is its [`hold`](idem_core::Policy::hold).

use std::time::Duration;

use bytes::Bytes;
use idem_core::store::{
    Claim, ClaimRequest, Completion, ExistingRecord, FencingToken, Record, State, StoreError,
};
use idem_core::{Guarantee, codec};

use crate::claim_cache::CachedClaim;
use crate::error::NotARecord;
use crate::fencing::FENCE_RETENTION;

pub(crate) const PREFIX_LEN: usize = 16;
const LAYOUT: u8 = 1;

/// The code of a record that can be recovered, as [`codec::guarantee_code`] returns it.
const RECOVERABLE: u8 = codec::guarantee_code(Guarantee::AtMostOnce, true);

/// Upper limit of a duration, 35,000 years in milliseconds. A number in Lua holds sums of such durations
/// exactly.
const MAX_MS: u64 = 1 << 50;

/// Pad of a record that would expire before its fencing token may be forgotten.
const PAD_MS: u32 = FENCE_RETENTION.as_millis() as u32;

/// The prefix of a value, and the time to live of its key.
pub(crate) struct Prefix {
    pub(crate) bytes: [u8; PREFIX_LEN],
    pub(crate) kept_ms: u64,
}

impl Prefix {
    /// The prefix of a running record that a script writes.
    pub(crate) fn running(lease: Duration, hold: Duration) -> Self {
        Self::of_run(lease, hold, true)
    }

    /// The prefix of a running record that a plain claim writes.
    pub(crate) fn plain_claim(lease: Duration, hold: Duration) -> Self {
        Self::of_run(lease, hold, false)
    }

    /// The prefix of a record whose run ends with `completion`.
    pub(crate) fn completed(completion: &Completion, retention: Duration) -> Self {
        let retention_ms = to_millis(retention);
        match completion {
            // A quiet time of zero is over immediately.
            Completion::Unknown(outcome) => {
                Self::new(round_up(outcome.quiet) + retention_ms, retention_ms, true)
            }
            Completion::Response(_) | Completion::NotRetained { .. } => {
                Self::new(retention_ms, 0, true)
            }
        }
    }

    fn of_run(lease: Duration, hold: Duration, checked: bool) -> Self {
        let grace_ms = to_millis(hold);
        Self::new(to_millis(lease) + grace_ms, grace_ms, checked)
    }

    fn new(record_ms: u64, grace_ms: u64, checked: bool) -> Self {
        let pad_ms = if record_ms < to_millis(FENCE_RETENTION) { PAD_MS } else { 0 };
        let mut bytes = [0; PREFIX_LEN];
        bytes[..2].copy_from_slice(&[LAYOUT, u8::from(checked)]);
        bytes[2..10].copy_from_slice(&(grace_ms + u64::from(pad_ms)).to_be_bytes());
        bytes[10..14].copy_from_slice(&pad_ms.to_be_bytes());
        let kept_ms = record_ms + u64::from(pad_ms);
        Self { bytes, kept_ms }
    }
}

/// Whole milliseconds, rounded up to at least 1, so that no lease and no record ends early. At most [`MAX_MS`].
fn to_millis(duration: Duration) -> u64 {
    round_up(duration).max(1)
}

/// Whole milliseconds, rounded up. At most [`MAX_MS`].
fn round_up(duration: Duration) -> u64 {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).map_or(MAX_MS, |millis| millis.min(MAX_MS))
}

/// The record of a claim, as its first attempt.
pub(crate) fn first_attempt(request: &ClaimRequest, token: FencingToken) -> Record {
    Record {
        nonce: request.nonce,
        token,
        attempt: 1,
        guarantee: request.guarantee,
        recoverable: request.recoverable,
        extras: request.extras.clone(),
        fingerprint: request.fingerprint,
        state: State::Running,
    }
}

/// The nonce and the fencing token of a claim, as a record contains them ([`codec::CLAIM_BYTES`]).
pub(crate) fn claim_bytes(claim: &Claim) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..16].copy_from_slice(claim.nonce.as_bytes());
    bytes[16..].copy_from_slice(&claim.token.0.to_be_bytes());
    bytes
}

/// Bytes 10 to 43 of the value, from pad to fencing token, if the record runs under `claim`, its key has
/// no pad and no duplicate waits. `complete.lua` then needs one comparison for most records. The last 24 bytes are the
/// claim.
pub(crate) fn unawaited(claim: &Claim, cached: &CachedClaim) -> [u8; 34] {
    let mut bytes = [0; 34];
    bytes[6..8].copy_from_slice(&[codec::VERSION, State::Running.code()]);
    bytes[8..10].copy_from_slice(&cached.guarantee_and_version());
    bytes[10..].copy_from_slice(&claim_bytes(claim));
    bytes
}

/// Reads the record of a value.
pub(crate) fn record(value: &Bytes) -> Result<Record, StoreError> {
    Ok(Record::from_bytes(&record_bytes(value)?)?)
}

/// Reads the record of a value that ends after its head, its extras and the status of its response.
pub(crate) fn record_head(value: &Bytes) -> Result<Record, StoreError> {
    Ok(Record::from_head(&record_bytes(value)?)?)
}

fn record_bytes(value: &Bytes) -> Result<Bytes, StoreError> {
    if value.first() != Some(&LAYOUT) || value.len() < PREFIX_LEN {
        return Err(StoreError::corrupt(NotARecord));
    }
    Ok(value.slice(PREFIX_LEN..))
}

/// Reads a value whose record has not expired, as a duplicate sees it. `lease_left` is the rest of the lease, or of the
/// quiet time.
pub(crate) fn existing_record(
    value: &Bytes,
    lease_left: Duration,
) -> Result<ExistingRecord, StoreError> {
    Ok(record(value)?.observe(lease_left))
}

/// Whether the value means the same at any time and to every caller, so that no script has to check it.
pub(crate) fn is_settled(value: &[u8]) -> bool {
    let at = |offset: usize| value.get(PREFIX_LEN + offset).copied();
    let ended = match at(1) {
        Some(0 | 1) => false,
        // An unknown outcome that can be recovered changes with time, and a claim may begin its recovery.
        Some(4) => at(2) != Some(RECOVERABLE),
        _ => true,
    };
    let unpadded = value.get(10..14).is_none_or(|pad| pad == [0; 4]);
    ended && unpadded
}

#[cfg(test)]
mod tests {
    use idem_core::store::{UnknownOutcome, UnknownReason};

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    /// The milliseconds until the lease or the quiet time is over.
    fn lease_ms(prefix: &Prefix) -> u64 {
        let grace = prefix.bytes[2..10].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        prefix.kept_ms - grace
    }

    #[test]
    fn quiet_time_of_zero_is_over_immediately() {
        let quiet = |quiet| {
            let outcome = UnknownOutcome::new(UnknownReason::Drained).quiet_for(quiet);
            Prefix::completed(&Completion::Unknown(outcome), HOUR)
        };
        assert_eq!(lease_ms(&quiet(Duration::ZERO)), 0);
        assert_eq!(lease_ms(&quiet(Duration::from_nanos(1))), 1);
        assert_eq!(lease_ms(&quiet(HOUR)), 3_600_000);
        assert_eq!(quiet(HOUR).kept_ms, 2 * 3_600_000);
    }

    #[test]
    fn lease_of_zero_is_one_millisecond() {
        assert_eq!(lease_ms(&Prefix::running(Duration::ZERO, HOUR)), 1);
    }
}
