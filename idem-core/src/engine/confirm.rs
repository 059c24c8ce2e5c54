//! The confirmation of a claim right before an effect.

use std::time::{Duration, Instant};

use super::Execution;
use crate::model::StoreError;
use crate::store::Update;

/// The claim of a run could not be confirmed: another run may own the key. Do not start the effect.
#[derive(Debug, thiserror::Error)]
#[error(
    "the claim of the run could not be confirmed, so another run may own its key; nothing may be sent"
)]
pub struct LeaseLost(#[source] Option<StoreError>);

impl Execution {
    /// Confirms right before an effect that this run still owns its key, and returns the time for which no other run can
    /// take it over. Use it as the timeout of the call to the provider.
    ///
    /// It renews the lease, which costs one round trip to the store. After a success, idem assumes that the run may have
    /// had an effect, and no status of its response frees the key by itself; see
    /// [acted runs](crate::rules::semantics#acted-runs).
    ///
    /// With a `Tx` it returns the rest of [`Policy::max_run`](crate::Policy::max_run), without a round trip.
    ///
    /// Cancel safe: if the future is dropped, the lease may or may not have been renewed.
    ///
    /// # Errors
    /// If the run was given up, another run has claimed the key, or the store does not reply in time.
    pub async fn confirm(&self) -> Result<Duration, LeaseLost> {
        let (lease, idempotency) = match self.lease() {
            Ok(leased) => leased,
            Err(until) => return left(until.saturating_duration_since(Instant::now())),
        };
        if !lease.is_running() {
            return Err(LeaseLost(None));
        }
        let engine = &idempotency.0;
        let (claim, policy) = (lease.holder.claim, lease.holder.policy);
        let sent_at = Instant::now();
        let renewing = engine.store.renew(claim, policy.lease, policy.hold);
        match renewing.bounded(engine.config.store_timeout).await {
            Ok(Update::Applied) if lease.is_running() => {
                lease.renewed(sent_at);
                lease.mark_acted();
                left(policy.lease.saturating_sub(sent_at.elapsed()))
            }
            Ok(_) => Err(LeaseLost(None)),
            Err(error) => Err(LeaseLost(Some(error))),
        }
    }
}

const fn left(time: Duration) -> Result<Duration, LeaseLost> {
    if time.is_zero() { Err(LeaseLost(None)) } else { Ok(time) }
}
