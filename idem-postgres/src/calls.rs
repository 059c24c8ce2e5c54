//! The calls that a first execution and a replay are made of, one by one and many at once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use idem_core::codec;
use idem_core::store::PerRuntime;
use idem_core::store::{
    Claim, ClaimOutcome, ClaimRequest, Quota, RecordId, State, StoreError, StoreErrorKind,
};
use sqlx::postgres::PgRow;
use sqlx::postgres::types::PgInterval;

use crate::batch::{Queue, Together};
use crate::error::{self, UnexpectedReply};
use crate::row;
use crate::session::Call;
use crate::store::{Inner, interval};

/// A claim that commits by itself.
pub(crate) struct ClaimCall {
    pub(crate) id: RecordId,
    pub(crate) request: ClaimRequest,
}

/// How a run ended; the answer tells whether its claim was current.
pub(crate) struct CompleteCall {
    pub(crate) claim: Claim,
    pub(crate) state: State,
    pub(crate) ttl: Duration,
}

impl Together for ClaimCall {
    type StoredResponse = ClaimOutcome;

    fn queues(inner: &Inner) -> &PerRuntime<Queue<Self>> {
        &inner.claims
    }

    fn id(&self) -> RecordId {
        self.id
    }

    fn size(&self) -> usize {
        256
    }

    async fn send(inner: &Inner, calls: &[Self]) -> Vec<Result<ClaimOutcome, StoreError>> {
        if let [call] = calls {
            return vec![inner.claim_alone(call).await];
        }
        let alone = |call| inner.claim_alone(call);
        match inner.sessions.fetch_all(inner.claims_call(calls)).await {
            Ok(rows) => in_order(calls, &rows, |row, call| {
                let row = row.ok_or_else(|| StoreError::unknown(UnexpectedReply))?;
                row::claimed(row, call.id, call.request.nonce)
            }),
            Err(failed) => one_by_one(calls, failed, alone).await,
        }
    }
}

impl Together for CompleteCall {
    type StoredResponse = bool;

    fn queues(inner: &Inner) -> &PerRuntime<Queue<Self>> {
        &inner.completions
    }

    fn id(&self) -> RecordId {
        self.claim.id
    }

    fn size(&self) -> usize {
        256 + self.state.tail_len()
    }

    async fn send(inner: &Inner, calls: &[Self]) -> Vec<Result<bool, StoreError>> {
        if let [call] = calls {
            return vec![inner.complete_alone(call).await];
        }
        let alone = |call| inner.complete_alone(call);
        match inner.sessions.fetch_all(inner.completes_call(calls)).await {
            Ok(rows) => in_order(calls, &rows, |row, _| Ok(row.is_some())),
            Err(failed) => one_by_one(calls, failed, alone).await,
        }
    }
}

/// What the rows say to each call. They name its place, from 1.
fn in_order<T: Together>(
    calls: &[T],
    rows: &[PgRow],
    said: impl Fn(Option<&PgRow>, &T) -> Result<T::StoredResponse, StoreError>,
) -> Vec<Result<T::StoredResponse, StoreError>> {
    let mut of_call = vec![None; calls.len()];
    for row in rows {
        let place =
            row::get::<i64>(row, "place").ok().and_then(|place| usize::try_from(place).ok());
        if let Some(said) = place.and_then(|place| of_call.get_mut(place.wrapping_sub(1))) {
            *said = Some(row);
        }
    }
    calls.iter().zip(of_call).map(|(call, row)| said(row, call)).collect()
}

/// What a statement that failed means to each of its calls. One that was refused changed nothing, and one
/// of its keys may be to blame: then each is sent by itself.
async fn one_by_one<'a, T: Together, F>(
    calls: &'a [T],
    failed: StoreError,
    alone: impl Fn(&'a T) -> F,
) -> Vec<Result<T::StoredResponse, StoreError>>
where
    F: Future<Output = Result<T::StoredResponse, StoreError>>,
{
    if error::is_refused(&failed) {
        return join_all(calls.iter().map(alone)).await;
    }
    let failed = Arc::new(failed);
    let of_each = || match failed.kind() {
        StoreErrorKind::NotDone => StoreError::not_done(Arc::clone(&failed)),
        _ => StoreError::unknown(Arc::clone(&failed)),
    };
    calls.iter().map(|_| Err(of_each())).collect()
}

impl Inner {
    pub(crate) async fn claim_alone(&self, call: &ClaimCall) -> Result<ClaimOutcome, StoreError> {
        let row = self.sessions.fetch(self.claim_call(&call.id, &call.request, None)).await?;
        let row = row.ok_or_else(|| StoreError::unknown(UnexpectedReply))?;
        row::claimed(&row, call.id, call.request.nonce)
    }

    /// The claim, of a transaction that stays open if `lock` names its lock.
    pub(crate) fn claim_call<'a>(
        &'a self,
        id: &'a RecordId,
        request: &'a ClaimRequest,
        lock: Option<i64>,
    ) -> Call<'a> {
        self.statements
            .claim
            .call()
            .bind(id.as_bytes().as_slice())
            .bind(request.nonce.as_bytes().as_slice())
            .bind(interval(request.lease))
            .bind(interval(request.ttl))
            .bind(i16::from(codec::VERSION))
            .bind(i16::from(codec::guarantee_code(request.guarantee)))
            .bind(rule(request))
            .bind(digest(request))
            .bind(max_attempts(request))
            .bind(lock)
            .bind(request.quota.map(|quota| quota.scope.as_bytes().to_vec()))
            .bind(request.quota.and_then(max_keys))
    }

    fn claims_call<'a>(&'a self, calls: &'a [ClaimCall]) -> Call<'a> {
        let requests = || calls.iter().map(|call| &call.request);
        let guarantee = |of: &ClaimRequest| i16::from(codec::guarantee_code(of.guarantee));
        self.statements
            .claims
            .call()
            .bind(calls.iter().map(|call| call.id.as_bytes().as_slice()).collect::<Vec<_>>())
            .bind(requests().map(|of| of.nonce.as_bytes().as_slice()).collect::<Vec<_>>())
            .bind(requests().map(|of| interval(of.lease)).collect::<Vec<PgInterval>>())
            .bind(requests().map(|of| interval(of.ttl)).collect::<Vec<PgInterval>>())
            .bind(requests().map(guarantee).collect::<Vec<_>>())
            .bind(requests().map(rule).collect::<Vec<_>>())
            .bind(requests().map(digest).collect::<Vec<_>>())
            .bind(requests().map(max_attempts).collect::<Vec<_>>())
            .bind(i16::from(codec::VERSION))
    }

    async fn complete_alone(&self, call: &CompleteCall) -> Result<bool, StoreError> {
        let sent = self.complete_call(&call.claim, &call.state, call.ttl);
        held(self.sessions.fetch(sent).await?.as_ref())
    }

    pub(crate) fn complete_call<'a>(
        &'a self,
        claim: &'a Claim,
        state: &State,
        ttl: Duration,
    ) -> Call<'a> {
        self.statements
            .complete
            .call()
            .bind(claim.id.as_bytes().as_slice())
            .bind(claim.nonce.as_bytes().as_slice())
            .bind(claim.token.0.cast_signed())
            .bind(i16::from(codec::VERSION))
            .bind(i16::from(state.code()))
            .bind(interval(ttl))
            .bind(tail(state))
    }

    fn completes_call<'a>(&'a self, calls: &'a [CompleteCall]) -> Call<'a> {
        let claims = || calls.iter().map(|call| &call.claim);
        self.statements
            .completes
            .call()
            .bind(claims().map(|claim| claim.id.as_bytes().as_slice()).collect::<Vec<_>>())
            .bind(claims().map(|claim| claim.nonce.as_bytes().as_slice()).collect::<Vec<_>>())
            .bind(claims().map(|claim| claim.token.0.cast_signed()).collect::<Vec<_>>())
            .bind(i16::from(codec::VERSION))
            .bind(calls.iter().map(|call| i16::from(call.state.code())).collect::<Vec<_>>())
            .bind(calls.iter().map(|call| interval(call.ttl)).collect::<Vec<PgInterval>>())
            .bind(calls.iter().map(|call| tail(&call.state)).collect::<Vec<_>>())
    }
}

/// Whether a completion found its claim.
pub(crate) fn held(row: Option<&PgRow>) -> Result<bool, StoreError> {
    row::get(row.ok_or_else(|| StoreError::unknown(UnexpectedReply))?, "held")
}

fn rule(request: &ClaimRequest) -> i16 {
    request.fingerprint.map_or(0, |print| i16::from(print.version()))
}

fn digest(request: &ClaimRequest) -> Vec<u8> {
    request.fingerprint.map(|print| print.digest().to_vec()).unwrap_or_default()
}

fn max_attempts(request: &ClaimRequest) -> i32 {
    i32::try_from(request.max_attempts).unwrap_or(i32::MAX)
}

/// More than the server can count is no bound.
fn max_keys(quota: Quota) -> Option<i32> {
    i32::try_from(quota.max_keys.get()).ok()
}

fn tail(state: &State) -> Vec<u8> {
    let mut tail = Vec::with_capacity(state.tail_len());
    state.put_tail(&mut tail);
    tail
}
