//! The value of a key: 16 bytes of the store's own, then the record's bytes ([`idem_core::codec`]).
//!
//! ```text
//!  0       layout             1
//!  1       judged             0: claimed by a plain command that has not answered yet (see `token`)
//!  2..10   grace              big-endian; the lease is over once the key has no more milliseconds to live
//! 10..14   pad                big-endian; milliseconds that the key outlives its record
//! 14       0
//! 15       awaited            1: somebody waits for its end, so it is published
//! 16..     record
//! ```
//! No time of day stands there: the server alone knows how long the key has to live (R30). A record that
//! was freed keeps its token, with 0 for its state and nonce.

use std::time::Duration;

use bytes::Bytes;
use idem_core::codec;
use idem_core::store::{
    Claim, ClaimRequest, ExistingRecord, FencingToken, Record, State, StoreError,
};

use crate::memo::Remembered;

/// How long a token is remembered at least, from the claim that it was given to: see [`crate::token`].
pub(crate) const REMEMBERED: Duration = Duration::from_secs(60);

const PREFIX: usize = 16;
const LAYOUT: u8 = 1;

/// 35,000 years: what a script's numbers hold to the millisecond, however such times are added up.
const FOREVER: u64 = 1 << 50;

/// What stands before the record, and how long the key lives.
pub(crate) struct Terms {
    pub(crate) prefix: [u8; PREFIX],
    pub(crate) kept_ms: u64,
}

impl Terms {
    /// For a record that runs.
    pub(crate) fn running(lease: Duration, ttl: Duration, judged: bool) -> Self {
        let grace_ms = millis(ttl);
        Self::new(millis(lease) + grace_ms, grace_ms, judged)
    }

    /// For a record that ended.
    pub(crate) fn ended(ttl: Duration) -> Self {
        Self::new(millis(ttl), 0, true)
    }

    fn new(lives_ms: u64, grace_ms: u64, judged: bool) -> Self {
        let pad = if lives_ms < millis(REMEMBERED) { PAD_MS } else { 0 };
        let mut prefix = [0; PREFIX];
        prefix[..2].copy_from_slice(&[LAYOUT, u8::from(judged)]);
        prefix[2..10].copy_from_slice(&(grace_ms + u64::from(pad)).to_be_bytes());
        prefix[10..14].copy_from_slice(&pad.to_be_bytes());
        let kept_ms = lives_ms + u64::from(pad);
        Self { prefix, kept_ms }
    }
}

const PAD_MS: u32 = REMEMBERED.as_millis() as u32;

/// Whole milliseconds, rounded up, so that nothing ends early and none lasts for ever.
fn millis(duration: Duration) -> u64 {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).map_or(FOREVER, |millis| millis.clamp(1, FOREVER))
}

/// The record that a claim asks for, as its first run.
pub(crate) fn claimed(request: &ClaimRequest, token: FencingToken) -> Record {
    Record {
        nonce: request.nonce,
        token,
        attempt: 1,
        guarantee: request.guarantee,
        fingerprint: request.fingerprint,
        state: State::Running,
    }
}

/// What the value of a running record has from its pad to its token, if the key has no pad and nobody
/// waits: one comparison tells the script all that it must know of most records. The last 24 bytes are
/// the claim; the others are a guess if nothing is remembered of it.
pub(crate) fn unawaited(claim: &Claim, remembered: Option<Remembered>) -> [u8; 34] {
    let mut bytes = [0; 34];
    bytes[6..8].copy_from_slice(&[codec::VERSION, State::Running.code()]);
    if let Some(remembered) = remembered {
        bytes[8..10].copy_from_slice(&remembered.terms());
    }
    bytes[10..26].copy_from_slice(claim.nonce.as_bytes());
    bytes[26..].copy_from_slice(&claim.token.0.to_be_bytes());
    bytes
}

/// What a duplicate learns of a value whose record is live.
pub(crate) fn observe(value: &Bytes, lapsed: bool) -> Result<ExistingRecord, StoreError> {
    if value.first() != Some(&LAYOUT) || value.len() < PREFIX {
        return Err(StoreError::corrupt(
            "the key holds something else than a record of this layout",
        ));
    }
    Ok(Record::from_bytes(&value.slice(PREFIX..))?.observe(lapsed))
}

/// Whether what stands there depends on neither the time nor the caller, so that no script need judge it.
pub(crate) fn is_settled(value: &[u8]) -> bool {
    let ended = value.get(PREFIX + 1).is_none_or(|state| !matches!(state, 0 | 1));
    let unpadded = value.get(10..14).is_none_or(|pad| pad == [0; 4]);
    ended && unpadded
}
