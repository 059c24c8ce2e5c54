//! The completion of a run.

use std::time::Duration;

use idem_core::codec;
use idem_core::store::{Claim, Completion, Extras, RecordId, State, StoreError, Update};
use sqlx::postgres::PgRow;
use sqlx::postgres::types::PgInterval;

use super::batchable::Batchable;
use super::row;
use super::statements::Statements;
use super::values::{Query, bind_claim, interval};
use crate::error::UnexpectedReply;

/// A completion of one run. The reply is whether the record was changed.
pub(crate) struct CompleteCall {
    pub(crate) claim: Claim,
    state: State,
    retention: Duration,
    /// The time during which no recovery starts. Zero unless the outcome is unknown.
    quiet: Duration,
    /// The dispute in UTF-8, if there is one.
    dispute: Option<Vec<u8>>,
}

impl CompleteCall {
    pub(crate) fn new(claim: Claim, completion: Completion, retention: Duration) -> Self {
        let (quiet, dispute) = match &completion {
            Completion::Unknown(outcome) => (outcome.quiet, outcome.dispute.as_deref()),
            Completion::Response(_) | Completion::NotRetained { .. } => (Duration::ZERO, None),
        };
        let dispute = dispute.map(|text| {
            let extras = Extras::default().with_dispute(text); // cuts the text
            extras.dispute().as_bytes().to_vec()
        });
        Self { claim, state: completion.into(), retention, quiet, dispute }
    }
}

impl Batchable for CompleteCall {
    type Reply = bool;

    fn id(&self) -> RecordId {
        self.claim.id
    }

    fn size(&self) -> usize {
        256 + self.state.tail_len()
    }

    fn query<'a>(&'a self, statements: &'a Statements) -> Query<'a> {
        bind_claim(statements.complete.query(), &self.claim)
            .bind(i16::from(codec::VERSION))
            .bind(i16::from(self.state.code()))
            .bind(interval(self.retention))
            .bind(tail(&self.state))
            .bind(interval(self.quiet))
            .bind(self.dispute.as_deref())
    }

    fn reply(&self, row: Option<&PgRow>) -> Result<bool, StoreError> {
        row::get(row.ok_or_else(|| StoreError::unknown(UnexpectedReply::NoRow))?, "held")
    }

    fn batch_query<'a>(calls: &'a [Self], statements: &'a Statements) -> Query<'a> {
        let claims = || calls.iter().map(|call| &call.claim);
        statements
            .complete_batch
            .query()
            .bind(claims().map(|claim| claim.id.as_bytes().as_slice()).collect::<Vec<_>>())
            .bind(claims().map(|claim| claim.nonce.as_bytes().as_slice()).collect::<Vec<_>>())
            .bind(claims().map(|claim| claim.token.0.cast_signed()).collect::<Vec<_>>())
            .bind(i16::from(codec::VERSION))
            .bind(calls.iter().map(|call| i16::from(call.state.code())).collect::<Vec<_>>())
            .bind(calls.iter().map(|call| interval(call.retention)).collect::<Vec<PgInterval>>())
            .bind(calls.iter().map(|call| tail(&call.state)).collect::<Vec<_>>())
            .bind(calls.iter().map(|call| interval(call.quiet)).collect::<Vec<PgInterval>>())
            .bind(calls.iter().map(|call| call.dispute.as_deref()).collect::<Vec<_>>())
    }

    /// The statement returns rows only for the records that it changed.
    fn batch_reply(&self, row: Option<&PgRow>) -> Result<bool, StoreError> {
        Ok(row.is_some())
    }
}

/// The result of a completion that changed nothing, from the row of `read.sql`: the completion was
/// applied before, or the claim is stale.
pub(crate) fn unapplied_update(row: Option<&PgRow>) -> Result<Update, StoreError> {
    let Some(row) = row else { return Ok(Update::Stale(None)) };
    match row::get(row, "is_owner")? {
        true => Ok(Update::Applied),
        false => Ok(Update::Stale(Some(Box::new(row::existing(row)?)))),
    }
}

pub(super) fn tail(state: &State) -> Vec<u8> {
    let mut tail = Vec::with_capacity(state.tail_len());
    state.put_tail(&mut tail);
    tail
}
