//! The claim of a key.

use idem_core::codec;
use idem_core::store::{
    Capacity, Claim, ClaimOutcome, ClaimRequest, FencingToken, Quota, RecordId, StoreError,
};
use sqlx::postgres::PgRow;
use sqlx::postgres::types::PgInterval;

use super::batchable::Batchable;
use super::row;
use super::statements::Statements;
use super::values::{Query, interval};
use crate::error::UnexpectedReply;

/// A claim of one key.
pub(crate) struct ClaimCall {
    pub(crate) id: RecordId,
    pub(crate) request: ClaimRequest,
}

impl ClaimCall {
    /// The claim as part of a transaction that stays open and holds the advisory lock `lock`.
    pub(crate) fn query_in_transaction<'a>(
        &'a self,
        statements: &'a Statements,
        lock: i64,
    ) -> Query<'a> {
        self.query_with(statements, Some(lock))
    }

    fn query_with<'a>(&'a self, statements: &'a Statements, lock: Option<i64>) -> Query<'a> {
        let Self { id, request } = self;
        statements
            .claim
            .query()
            .bind(id.as_bytes().as_slice())
            .bind(request.nonce.as_bytes().as_slice())
            .bind(interval(request.lease))
            .bind(interval(request.hold))
            .bind(interval(request.ttl))
            .bind(i16::from(codec::VERSION))
            .bind(guarantee(request))
            .bind(rule(request))
            .bind(digest(request))
            .bind(max_attempts(request))
            .bind(operation(request))
            .bind(label(request))
            .bind(unnamed(request))
            .bind(lock)
            .bind(request.quota.map(|quota| quota.scope.as_bytes().to_vec()))
            .bind(request.quota.and_then(max_keys))
            .bind(statements.claim_timeout)
    }

    /// The meaning of the row that a claim returned.
    pub(crate) fn outcome(&self, row: &PgRow) -> Result<ClaimOutcome, StoreError> {
        if row::get::<Option<bool>>(row, "scope_full")? == Some(true) {
            return Ok(ClaimOutcome::AtCapacity(Capacity::Scope));
        }
        if !row::get::<bool>(row, "acquired")? {
            return Ok(ClaimOutcome::Exists(row::existing(row)?));
        }
        let token = FencingToken(row::get::<i64>(row, "fence")?.cast_unsigned());
        let attempt = row::get::<i32>(row, "attempt")?.cast_unsigned();
        let Self { id, request } = self;
        let claim = Claim { id: *id, nonce: request.nonce, token, attempt };
        Ok(match row::lost_run(row)? {
            None => ClaimOutcome::Acquired(claim),
            Some(lost_run) => ClaimOutcome::Recovering(claim, lost_run),
        })
    }
}

impl Batchable for ClaimCall {
    type Reply = ClaimOutcome;

    fn id(&self) -> RecordId {
        self.id
    }

    fn size(&self) -> usize {
        256 + self.request.extras.as_bytes().len()
    }

    fn query<'a>(&'a self, statements: &'a Statements) -> Query<'a> {
        self.query_with(statements, None)
    }

    fn reply(&self, row: Option<&PgRow>) -> Result<ClaimOutcome, StoreError> {
        self.outcome(row.ok_or_else(|| StoreError::unknown(UnexpectedReply::NoRow))?)
    }

    fn batch_query<'a>(calls: &'a [Self], statements: &'a Statements) -> Query<'a> {
        let requests = || calls.iter().map(|call| &call.request);
        statements
            .claim_batch
            .query()
            .bind(calls.iter().map(|call| call.id.as_bytes().as_slice()).collect::<Vec<_>>())
            .bind(requests().map(|request| request.nonce.as_bytes().as_slice()).collect::<Vec<_>>())
            .bind(requests().map(|request| interval(request.lease)).collect::<Vec<PgInterval>>())
            .bind(requests().map(|request| interval(request.hold)).collect::<Vec<PgInterval>>())
            .bind(requests().map(|request| interval(request.ttl)).collect::<Vec<PgInterval>>())
            .bind(requests().map(guarantee).collect::<Vec<_>>())
            .bind(requests().map(rule).collect::<Vec<_>>())
            .bind(requests().map(digest).collect::<Vec<_>>())
            .bind(requests().map(max_attempts).collect::<Vec<_>>())
            .bind(requests().map(operation).collect::<Vec<_>>())
            .bind(requests().map(label).collect::<Vec<_>>())
            .bind(requests().map(unnamed).collect::<Vec<_>>())
            .bind(i16::from(codec::VERSION))
            .bind(statements.claim_timeout)
    }

    fn batch_reply(&self, row: Option<&PgRow>) -> Result<ClaimOutcome, StoreError> {
        self.reply(row)
    }
}

fn guarantee(request: &ClaimRequest) -> i16 {
    i16::from(codec::guarantee_code(request.guarantee, request.recoverable))
}

/// The version of the rule that made the fingerprint; 0 if the request has none.
fn rule(request: &ClaimRequest) -> i16 {
    request.fingerprint.map_or(0, |fingerprint| i16::from(fingerprint.version()))
}

fn digest(request: &ClaimRequest) -> Vec<u8> {
    request.fingerprint.map(|fingerprint| fingerprint.digest().to_vec()).unwrap_or_default()
}

fn max_attempts(request: &ClaimRequest) -> i32 {
    i32::try_from(request.max_attempts).unwrap_or(i32::MAX)
}

fn operation(request: &ClaimRequest) -> Option<&str> {
    Some(request.extras.operation()).filter(|name| !name.is_empty())
}

fn label(request: &ClaimRequest) -> Option<&[u8]> {
    Some(request.extras.label().as_bytes()).filter(|label| !label.is_empty())
}

/// The optional fields that have no column.
fn unnamed(request: &ClaimRequest) -> Vec<u8> {
    request.extras.unnamed().as_bytes().to_vec()
}

/// The quota as an argument. A number that the server's `integer` cannot hold counts as no limit.
fn max_keys(quota: Quota) -> Option<i32> {
    i32::try_from(quota.max_keys.get()).ok()
}
