//! The thread: renews what is due, gives up what ran too long.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lease::{Fate, Held};
use super::schedule::Schedule;
use crate::engine::settle;
use crate::model::{Completion, Policy};
use crate::store::{IdempotencyStore, Update};

/// Starts the thread, with a runtime of its own. It ends when the schedule is closed.
pub(super) fn spawn(
    store: Arc<dyn IdempotencyStore>,
    schedule: Arc<Schedule>,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let keep = async move {
        while let Some(due) = schedule.due().await {
            due.into_iter().for_each(|held| attend(&store, held));
        }
    };
    let thread = std::thread::Builder::new().name("idem-leases".to_owned());
    thread.spawn(move || runtime.block_on(keep)).map(drop)
}

/// Renews a claim or gives it up. The store's answers are awaited on tasks, so that a slow one does not
/// hold up the others.
fn attend(store: &Arc<dyn IdempotencyStore>, held: Arc<Held>) {
    let now = Instant::now();
    let store = Arc::clone(store);
    if held.overran(now) {
        if held.decide(Fate::GivenUp) {
            let patience = held.policy.lease;
            tokio::spawn(async move { write_unknown(&*store, &held, patience).await });
        }
    } else if held.may_be_taken_over() && held.lapsed(now) && !held.is_settling() {
        tracing::warn!(record = %held.claim.id, "the lease could not be renewed in time; the run is cut off");
        held.decide(Fate::Lost);
    } else {
        tokio::spawn(async move { renew(&*store, &held, now).await });
    }
}

/// Renews once. An answer that takes longer than a lease has nothing to say any more; later renewals are
/// sent meanwhile, until the run is over, and so at most a few for each lease of its `max_run`.
async fn renew(store: &dyn IdempotencyStore, held: &Held, sent_at: Instant) {
    let record = held.claim.id;
    let Policy { lease, ttl, .. } = *held.policy;
    match store.renew(held.claim, lease, ttl).bounded(lease).await {
        Ok(Update::Applied) => held.renewed(sent_at),
        Ok(Update::Stale(_)) if held.is_open() => {
            tracing::warn!(%record, "the claim is gone from the store while its run goes on");
            if held.may_be_taken_over() {
                held.decide(Fate::Lost);
            }
        }
        Ok(Update::Stale(_)) => {}
        Err(error) => {
            let error = &error as &dyn Error;
            tracing::warn!(%record, error, "a lease was not renewed; trying again");
        }
    }
}

/// Records that nobody knows how a run ended (T9), trying for as long as there is `patience`. If it comes
/// to nothing, the record reads as unknown all the same once its lease lapses.
pub(super) async fn write_unknown(store: &dyn IdempotencyStore, held: &Held, patience: Duration) {
    let record = held.claim.id;
    tracing::warn!(%record, "a run is given up; its outcome is unknown");
    let ttl = held.policy.ttl;
    let written = settle::conclude(store, held.claim, &Completion::Unknown, ttl, patience);
    if let Err(error) = written.await {
        let error = &error as &dyn Error;
        tracing::error!(%record, error, "the store did not take the mark; the record reads as unknown once its lease lapses");
    }
}
