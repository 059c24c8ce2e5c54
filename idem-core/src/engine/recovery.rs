//! The recovery of an unknown outcome: the handler's `recover` hook looks up the effect of a lost run
//! ([recovery](crate::rules::semantics#recovery)).

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Instant;

use futures_util::FutureExt;

use super::deadline::after;
use super::lease::{LeaseLoss, LeaseState};
use super::retry::retry_until_stored;
use super::run::{LeasedRun, log_panic, until_lost};
use super::served::{Executed, Served};
use super::settle::Settlement;
use super::start::{Claimant, Run};
use crate::model::{
    LostRun, Recovery, Refusal, Rejection, StoreError, UnknownOutcome, UnknownReason,
};
use crate::observe::Event;
use crate::store::Update;

/// The step after a recovery.
pub(crate) enum Recovered<A, T> {
    /// The handler may run: nothing had happened, or there was nothing to recover.
    MayRun(Run, A),
    /// The call has ended.
    Ended(Result<Served<T>, Refusal>),
}

impl LeasedRun {
    /// Polls the hook under the lease, and ends the recovery as the hook reports. The hook also returns the arguments of
    /// the handler, which it has borrowed.
    ///
    /// Not cancel safe: dropping the future has the effect of a crash, and another request begins the recovery again.
    pub(super) async fn recover<A, T, F>(
        self,
        lost: LostRun,
        hook: impl FnOnce() -> F,
    ) -> Recovered<A, T>
    where
        F: Future<Output = (A, Recovery<Executed<T>>)>,
    {
        let asking = AssertUnwindSafe(async move { hook().await }).catch_unwind();
        let asked = until_lost(pin!(asking), self.settlement.lease(), self.context()).await;
        let settle = self.settlement.lease().policy().settle;
        match asked {
            Ok(Ok((arguments, Recovery::NotHappened))) if lost.silent_for() >= settle => {
                self.report_verdict("not-happened");
                match self.settlement.resume_run().await {
                    Ok(()) => Recovered::MayRun(Run(Claimant::Leased(self)), arguments),
                    Err(rejection) => self.ended(Err(rejection)),
                }
            }
            Ok(asked) => {
                let report = asked.map(|(_, recovery)| recovery);
                self.report_verdict(verdict(&report));
                let state = self.state();
                let Self { settlement, permit } = self;
                let result = settlement.end_recovery(lost, report).await;
                let ended = ended(&state, result);
                drop(permit);
                ended
            }
            Err(LeaseLoss::GivenUp) => {
                self.report_verdict("timed-out");
                let retry_after = Some(self.settlement.config().recheck);
                self.ended(Err(Rejection::OutcomeUnknown { retry_after }))
            }
            Err(LeaseLoss::PossibleTakeover) => {
                self.report_verdict("lost");
                let lost = Box::pin(self.settlement.settle_lost()).await;
                self.ended(lost)
            }
        }
    }

    fn ended<A, T>(self, result: Result<Served<T>, Rejection>) -> Recovered<A, T> {
        ended(&self.state(), result)
    }

    fn report_verdict(&self, verdict: &'static str) {
        let state = self.settlement.lease().state();
        let (operation, record) = state.names();
        state.holder.watch.emit(|| Event::Recovered { operation, record, verdict });
    }
}

fn ended<A, T>(state: &LeaseState, result: Result<Served<T>, Rejection>) -> Recovered<A, T> {
    state.report_end(&result, None);
    let (record, extras) = (state.holder.claim.id, &state.holder.extras);
    Recovered::Ended(result.map_err(|rejection| Refusal::of(rejection, record, extras)))
}

/// The name of a report after which the handler does not run. `Err` is a panic of the hook.
fn verdict<T>(report: &Result<Recovery<T>, Box<dyn Any + Send>>) -> &'static str {
    match report {
        Ok(Recovery::Happened(_)) => "happened",
        Ok(Recovery::NotHappened) => "too-early",
        Ok(Recovery::Inconclusive) => "inconclusive",
        Ok(Recovery::Disputed(_)) => "disputed",
        Err(_) => "panicked",
    }
}

impl Settlement {
    /// Writes what the hook reported: the result that it found, or that the outcome is still unknown. `Err` is a panic of
    /// the hook.
    async fn end_recovery<T>(
        self,
        lost: LostRun,
        report: Result<Recovery<Executed<T>>, Box<dyn Any + Send>>,
    ) -> Result<Served<T>, Rejection> {
        let (claim, settle) = (self.lease().claim(), self.lease().policy().settle);
        let operation = self.lease().state().operation();
        let inconclusive = UnknownOutcome::new(UnknownReason::RecoverInconclusive);
        let mut unknown = inconclusive.quiet_for(self.config().recheck);
        match report {
            Ok(Recovery::Happened(executed)) => return self.settle_recovered(executed).await,
            Ok(Recovery::Inconclusive) => {}
            // The provider may still apply what the lost run has sent.
            Ok(Recovery::NotHappened) => unknown.quiet = settle.saturating_sub(lost.silent_for()),
            Ok(Recovery::Disputed(text)) => {
                tracing::error!(operation, record = %claim.id, "the outcome of a run is disputed; resolve it by hand");
                unknown = UnknownOutcome::disputed(text);
            }
            Err(panic) => log_panic("the `recover` hook panicked", operation, claim, &*panic),
        }
        let may_ask_again = unknown.dispute.is_none();
        let retry_after = may_ask_again.then_some(unknown.quiet);
        self.end_unknown(unknown).await;
        Err(Rejection::OutcomeUnknown { retry_after })
    }

    /// Makes the recovery a run under the same claim. The handler must not start unless the store has applied that.
    async fn resume_run(&self) -> Result<(), Rejection> {
        let lease = self.lease();
        let resumed = self.send_resume_run().await;
        let error = match resumed {
            Ok(Update::Applied) if lease.loss().is_none() => {
                lease.state().end_recovery();
                return Ok(());
            }
            Ok(_) => None,
            Err(error) => Some(error),
        };
        tracing::warn!(operation = lease.state().operation(), record = %lease.claim().id, "the lost run had no effect, but the key was lost before the handler could run");
        // No renewal may keep the key for a handler that does not run.
        lease.begin_settling();
        Err(Rejection::StoreUnavailable(error))
    }

    /// Sends `resume_run` until the store replies, for up to the store timeout.
    async fn send_resume_run(&self) -> Result<Update, StoreError> {
        let store_timeout = self.config().store_timeout;
        let (claim, policy) = (self.lease().claim(), self.lease().policy());
        let deadline = after(Instant::now(), store_timeout);
        let attempt = || async move {
            let sent_at = Instant::now();
            let sent = self.store().resume_run(claim, policy.lease, policy.hold);
            let update = sent.bounded(deadline.saturating_duration_since(sent_at)).await?;
            if update == Update::Applied {
                self.lease().state().renewed(sent_at);
            }
            Ok(update)
        };
        retry_until_stored(attempt, || Instant::now() < deadline).await
    }
}
