//! The renewal thread: it renews the leases that are due, and gives up runs that exceed `max_run`.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::schedule::Schedule;
use super::state::{LeaseLoss, LeaseState};
use crate::engine::retry::complete_with_retries;
use crate::model::{Completion, Policy, UnknownOutcome, UnknownReason};
use crate::observe::Event;
use crate::store::{IdempotencyStore, Update};

/// Starts the thread, with its own runtime. It ends when the schedule is closed.
pub(super) fn spawn(
    store: Arc<dyn IdempotencyStore>,
    schedule: Arc<Schedule>,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let work = async move {
        while let Some(due) = schedule.due().await {
            due.into_iter().for_each(|state| attend(&store, state));
        }
    };
    let thread = std::thread::Builder::new().name("idem-leases".to_owned());
    thread.spawn(move || runtime.block_on(work)).map(drop)
}

/// Renews a lease, or gives its run up. The store's replies are awaited on tasks, so that a slow reply does
/// not delay other leases.
fn attend(store: &Arc<dyn IdempotencyStore>, state: Arc<LeaseState>) {
    let now = Instant::now();
    let store = Arc::clone(store);
    if state.overran(now) {
        if state.lose(LeaseLoss::GivenUp) {
            let max_duration = state.holder.policy.lease;
            let reason = UnknownReason::TimedOut;
            tokio::spawn(async move {
                write_unknown(&*store, &state, reason, max_duration).await;
            });
        }
    } else if state.may_be_replaced() && state.lapsed(now) && !state.is_settling() {
        tracing::warn!(operation = state.operation(), record = %state.holder.claim.id, "the lease could not be renewed in time; the run is cancelled");
        state.lose(LeaseLoss::PossibleTakeover);
    } else {
        tokio::spawn(async move { renew(&*store, &state, now).await });
    }
}

/// Sends one renewal, and waits for its reply for up to a lease: a later reply cannot extend the lease any
/// more. Further renewals are sent meanwhile, every third of a lease until the run is over.
async fn renew(store: &dyn IdempotencyStore, state: &LeaseState, sent_at: Instant) {
    let (operation, record) = state.names();
    let Policy { lease, hold, .. } = *state.holder.policy;
    match store.renew(state.holder.claim, lease, hold).bounded(lease).await {
        Ok(Update::Applied) => state.renewed(sent_at),
        Ok(Update::Stale(_)) if state.is_open() => {
            tracing::warn!(operation, %record, "the claim is gone from the store although its run is active");
            if state.may_be_replaced() {
                state.lose(LeaseLoss::PossibleTakeover);
            }
        }
        Ok(Update::Stale(_)) => {}
        Err(error) => {
            let error = &error as &dyn Error;
            tracing::warn!(operation, %record, error, "a lease was not renewed; trying again");
        }
    }
}

/// Records that the outcome of a run is unknown, and repeats that for up to `max_duration`. If it fails, the
/// record reads as unknown once its lease is over.
pub(super) async fn write_unknown(
    store: &dyn IdempotencyStore,
    state: &LeaseState,
    reason: UnknownReason,
    max_duration: Duration,
) {
    let (operation, record) = state.names();
    tracing::warn!(operation, %record, reason = reason.name(), "a run is given up; its outcome is unknown");
    state.holder.watch.emit(|| Event::TimedOut { operation, record, reason });
    let quiet = state.lost_run().map_or(Duration::ZERO, |_| state.holder.recheck);
    let unknown = &Completion::Unknown(UnknownOutcome::new(reason).quiet_for(quiet));
    let retention = state.holder.policy.retention(unknown);
    let written =
        complete_with_retries(store, state.holder.claim, unknown, retention, max_duration).await;
    if let Err(error) = written {
        let error = &error as &dyn Error;
        tracing::error!(operation, %record, error, "cannot store that the outcome of a run is unknown; the record reads as unknown once its lease is over");
    }
}
