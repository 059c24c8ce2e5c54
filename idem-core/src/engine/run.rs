//! A run under a lease: the handler is polled as long as the lease holds, and then the run is settled.

use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use futures_util::FutureExt;
use tracing::Instrument;

use super::Idempotency;
use super::execution::{Execution, RunContext};
use super::lease::{Lease, LeaseLoss, LeaseState};
use super::report::RunEnd;
use super::run_limit::RunPermit;
use super::served::{Executed, Served};
use super::settle::Settlement;
use crate::model::{Claim, LostRun, Refusal};

/// A run whose key is claimed by a lease, and whose handler has not been polled.
pub(crate) struct LeasedRun {
    pub(super) settlement: Settlement,
    pub(super) permit: RunPermit,
}

impl fmt::Debug for LeasedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LeasedRun").field(&self.claim()).finish()
    }
}

impl LeasedRun {
    pub(super) fn new(idempotency: &Idempotency, lease: Lease, permit: RunPermit) -> Self {
        Self { settlement: Settlement::new(idempotency, lease), permit }
    }

    /// The state of the lease, which also names the call for reports.
    pub(super) fn state(&self) -> Arc<LeaseState> {
        Arc::clone(self.settlement.lease().state())
    }

    pub(super) fn claim(&self) -> Claim {
        self.settlement.lease().claim()
    }

    /// The lost run, if this is a recovery.
    pub(super) fn lost_run(&self) -> Option<LostRun> {
        self.settlement.lease().state().lost_run()
    }

    /// The context in which the handler or its hook is polled.
    pub(super) fn context(&self) -> RunContext {
        self.settlement.execution().into_context()
    }

    /// Runs the handler to its end, settles the run and reports the result.
    ///
    /// Not cancel safe: dropping the future has the effect of a crash. [`Idempotency::run`] therefore
    /// detaches it if its caller leaves. It is boxed where it is made, because it is large.
    pub(super) fn execute<T, F, P>(
        self,
        handling: F,
        on_panic: P,
    ) -> Pin<Box<impl Future<Output = Result<Served<T>, Refusal>>>>
    where
        F: Future<Output = Executed<T>>,
        P: FnOnce() -> Executed<T>,
    {
        let (context, state) = (self.context(), self.state());
        let Self { settlement, permit } = self;
        let span = state.span();
        let run = async move {
            let ended = {
                let running = AssertUnwindSafe(handling).catch_unwind();
                until_lost(pin!(running), settlement.lease(), context).await
            };
            let (result, end) = match ended {
                Ok(ended) => {
                    let panicked = ended.is_err();
                    let executed = ended.unwrap_or_else(|panic| {
                        caught(settlement.execution(), state.operation(), &*panic, on_panic)
                    });
                    let end = RunEnd::of(&executed, panicked, state.holder.policy.guarantee);
                    (settlement.settle(executed).await, Some(end))
                }
                Err(LeaseLoss::GivenUp) => (Err(settlement.given_up()), None),
                Err(LeaseLoss::PossibleTakeover) => {
                    (Box::pin(settlement.settle_lost()).await, None)
                }
            };
            state.report_end(&result, end);
            drop(permit);
            result.map_err(|rejection| {
                Refusal::of(rejection, state.holder.claim.id, &state.holder.extras)
            })
        };
        Box::pin(run.instrument(span))
    }
}

/// Polls `running` until it ends, or until its lease is lost.
pub(super) fn until_lost<F: Future>(
    mut running: Pin<&mut F>,
    lease: &Lease,
    mut context: RunContext,
) -> impl Future<Output = Result<F::Output, LeaseLoss>> {
    poll_fn(move |cx| match context.enter(|| running.as_mut().poll(cx)) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => lease.poll_loss(cx).map(Err),
    })
}

/// Logs a panic of the handler, and returns the result that it counts as. `on_panic` is called inside the run.
pub(super) fn caught<T>(
    execution: Execution,
    operation: &str,
    panic: &(dyn Any + Send),
    on_panic: impl FnOnce() -> Executed<T>,
) -> Executed<T> {
    log_panic("the handler panicked", operation, execution.claim(), panic);
    execution.into_context().enter(on_panic)
}

pub(super) fn log_panic(message: &str, operation: &str, claim: Claim, panic: &(dyn Any + Send)) {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)");
    tracing::error!(operation, record = %claim.id, panic = text, "{message}");
}
