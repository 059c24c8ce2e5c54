//! The claim of a key, and its retries.

use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{sleep_until, timeout_at};
use tracing::Instrument;

use super::abandon::LostClaim;
use super::deadline::after;
use super::retry::{MAX_SENDS, pause};
use super::{Call, Idempotency};
use crate::model::{RecordId, Rejection, StoreError, StoreErrorKind};
use crate::store::{ClaimOutcome, ClaimRequest, StoreFuture};

impl Idempotency {
    /// Sends a claim, and returns its outcome if the store replies immediately with success. Otherwise
    /// returns the boxed rest of the work, for which no other call needs to reserve space.
    pub(super) fn try_claim<'a>(
        &'a self,
        call: &'a Call,
    ) -> Result<ClaimOutcome, BoxFuture<'a, Result<ClaimOutcome, Rejection>>> {
        let request = call.claim_request(&self.0.config);
        let reply = call.span.in_scope(|| self.0.store.claim(call.id, request.clone()));
        reply.into_ok().map_err(|first| {
            self.retry_claim(call.id, request, first).instrument(call.span.clone()).boxed()
        })
    }

    /// Waits for the reply to a claim whose first call is `first`. If the store fails, the claim is sent
    /// again with the same nonce, within the store timeout.
    ///
    /// Cancel safe: a claim that the store may have granted is abandoned in the background
    /// ([lost replies](crate::rules::guarantees#lost-replies)).
    async fn retry_claim(
        &self,
        id: RecordId,
        request: ClaimRequest,
        first: StoreFuture<ClaimOutcome>,
    ) -> Result<ClaimOutcome, Rejection> {
        // After its own lease, a claim that was granted may already belong to another run.
        let timeout = self.0.config.store_timeout.min(request.lease);
        let deadline = after(Instant::now(), timeout);
        let mut sending = SendingClaim::new(self, id, &request);
        let mut call = first;
        for sends in 1.. {
            let Ok(reply) = timeout_at(deadline.into(), sending.reply(call)).await else { break };
            let error = match reply {
                Ok(outcome) => return Ok(outcome),
                Err(error) => error,
            };
            let resume = Instant::now() + pause(sends);
            match error.kind() {
                StoreErrorKind::Corrupt => return Err(Rejection::RecordUnreadable(error)),
                _ if sends == MAX_SENDS || resume >= deadline => {
                    return Err(Rejection::StoreUnavailable(Some(error)));
                }
                _ => sleep_until(resume.into()).await,
            }
            call = self.0.store.claim(id, request.clone());
        }
        Err(Rejection::StoreUnavailable(None))
    }
}

/// A claim that is being sent. Dropping it abandons the claim, if the store may hold it.
struct SendingClaim<'a> {
    idempotency: &'a Idempotency,
    claim: LostClaim,
    /// The call that has no reply yet.
    call: Option<StoreFuture<ClaimOutcome>>,
}

impl<'a> SendingClaim<'a> {
    const fn new(idempotency: &'a Idempotency, id: RecordId, request: &ClaimRequest) -> Self {
        let claim = LostClaim::unsent(id, request.nonce, request.lease);
        Self { idempotency, claim, call: None }
    }

    /// Waits for the reply to `call`.
    ///
    /// Cancel safe: if the future is dropped, the call stays here.
    async fn reply(&mut self, call: StoreFuture<ClaimOutcome>) -> Result<ClaimOutcome, StoreError> {
        let reply = self.call.insert(call).await;
        self.call = None;
        self.claim.observe(&reply);
        reply
    }
}

impl Drop for SendingClaim<'_> {
    fn drop(&mut self) {
        let late = self.call.take();
        if late.is_some() || self.claim.may_be_held() {
            self.idempotency.abandon(self.claim, late);
        }
    }
}
