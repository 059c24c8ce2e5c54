//! The renewal of a lease.

use std::slice;
use std::time::Duration;

use idem_core::store::{Claim, RecordId, StoreError};
use sqlx::postgres::PgRow;
use sqlx::postgres::types::PgInterval;

use super::batchable::Batchable;
use super::row;
use super::statements::Statements;
use super::values::{Query, interval};
use crate::conn::Purpose;
use crate::error::UnexpectedReply;

/// A renewal of one lease. The reply is whether it was renewed, or `None` if another transaction has locked
/// the record.
pub(crate) struct RenewCall {
    pub(crate) claim: Claim,
    pub(crate) lease: Duration,
    pub(crate) hold: Duration,
}

impl Batchable for RenewCall {
    type Reply = Option<bool>;

    const PURPOSE: Purpose = Purpose::Reserve;

    /// Each run is renewed three times per lease, so there are more renewals than claims.
    const MAX_BATCH_LEN: usize = 512;

    fn id(&self) -> RecordId {
        self.claim.id
    }

    fn size(&self) -> usize {
        128
    }

    fn query<'a>(&'a self, statements: &'a Statements) -> Query<'a> {
        Self::batch_query(slice::from_ref(self), statements)
    }

    fn reply(&self, row: Option<&PgRow>) -> Result<Option<bool>, StoreError> {
        row::get(row.ok_or_else(|| StoreError::unknown(UnexpectedReply::NoRow))?, "renewed")
    }

    fn batch_query<'a>(calls: &'a [Self], statements: &'a Statements) -> Query<'a> {
        let claims = || calls.iter().map(|call| &call.claim);
        statements
            .renew
            .query()
            .bind(claims().map(|claim| claim.id.as_bytes().as_slice()).collect::<Vec<_>>())
            .bind(claims().map(|claim| claim.nonce.as_bytes().as_slice()).collect::<Vec<_>>())
            .bind(claims().map(|claim| claim.token.0.cast_signed()).collect::<Vec<_>>())
            .bind(calls.iter().map(|call| interval(call.lease)).collect::<Vec<PgInterval>>())
            .bind(calls.iter().map(|call| interval(call.hold)).collect::<Vec<PgInterval>>())
    }

    fn batch_reply(&self, row: Option<&PgRow>) -> Result<Option<bool>, StoreError> {
        self.reply(row)
    }
}
