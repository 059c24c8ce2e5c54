//! Arguments that several statements share.

use std::time::Duration;

use idem_core::store::{Claim, RecordId};
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::postgres::types::PgInterval;

/// A statement with the arguments that are bound so far.
pub(crate) type Query<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

/// Binds the first three arguments of the statements that present a claim.
pub(crate) fn bind_claim<'a>(query: Query<'a>, claim: &'a Claim) -> Query<'a> {
    query
        .bind(claim.id.as_bytes().as_slice())
        .bind(claim.nonce.as_bytes().as_slice())
        .bind(claim.token.0.cast_signed())
}

/// The advisory lock of a key that an open transaction has claimed: the first 64 bits of the record id.
/// If two keys collide while the first is claimed, the second reads as running, which costs one 409.
pub(crate) fn lock_key(id: RecordId) -> i64 {
    let [a, b, c, d, e, f, g, h, ..] = *id.as_bytes();
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// Converts a duration to an interval of whole microseconds. It is rounded up, so that nothing expires
/// early; zero stays zero. It is capped at 100,000 years, because the server must be able to add two of them to a date.
pub(crate) fn interval(duration: Duration) -> PgInterval {
    const MAX_MICROSECONDS: u128 = 100_000 * 365 * 24 * 60 * 60 * 1_000_000;
    let microseconds = duration.as_nanos().div_ceil(1_000).min(MAX_MICROSECONDS);
    PgInterval { months: 0, days: 0, microseconds: microseconds as i64 }
}
