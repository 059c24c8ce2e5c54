//! The environment of one rule, and the keys that the rule uses.

use std::borrow::Borrow;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, ExistingRecord, IdempotencyStore,
    LostRun, RecordId, State, Update,
};
use tokio::time::timeout;

use crate::fixtures;
use crate::harness::StoreHarness;
use crate::watchdog::LIMIT;

/// The environment of one pass of a rule. Clones share it.
#[derive(Debug)]
pub struct Case<S>(Arc<Pass<S>>);

#[derive(Debug)]
struct Pass<S> {
    harness: S,
    unit: Duration,
    started: Instant,
    clock: Mutex<Clock>,
    /// Whether the rule uses durations of some units.
    is_timed: AtomicBool,
    /// Whether an event did not happen within its limit.
    hangs: AtomicBool,
}

#[derive(Debug, Default)]
struct Clock {
    /// The time that the rule let pass on the store's clock.
    advanced: Duration,
    /// The real time that the harness needed for it. It sleeps, or moves stored times.
    advancing: Duration,
    /// The begin of the current call of the harness.
    advancing_since: Option<Instant>,
}

impl<S> Clone for Case<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: StoreHarness> Case<S> {
    pub(crate) async fn fresh(unit: Duration) -> Self {
        Self(Arc::new(Pass {
            harness: S::fresh().await,
            unit,
            started: Instant::now(),
            clock: Mutex::default(),
            is_timed: AtomicBool::new(false),
            hangs: AtomicBool::new(false),
        }))
    }

    pub(crate) fn store(&self) -> &S::Store {
        self.0.harness.store()
    }

    /// Returns the unit of leases and ttls in this pass.
    pub(crate) fn unit(&self) -> Duration {
        self.0.is_timed.store(true, Ordering::Relaxed);
        self.0.unit
    }

    /// Whether the pass was too slow to judge the store: it took at least `margin` longer than the time that it
    /// let pass, so a record may have changed before the rule looked at it. A rule without units does not depend on
    /// the speed of the machine, and a pass that hangs is a failure at any speed.
    pub(crate) fn is_inconclusive(&self, margin: Duration) -> bool {
        let advanced = self.clock().advanced;
        self.0.is_timed.load(Ordering::Relaxed)
            && !self.0.hangs.load(Ordering::Relaxed)
            && self.0.started.elapsed() >= advanced + margin
    }

    /// Returns the output of the rule. Panics if the rule takes `limit`, apart from the time in which the harness
    /// lets time pass.
    pub(crate) async fn finish<T>(
        &self,
        rule: &str,
        limit: Duration,
        pass: impl Future<Output = T>,
    ) -> T {
        let mut pass = pin!(pass);
        while let Some(left) = limit.checked_sub(self.busy()) {
            if let Ok(output) = timeout(left, pass.as_mut()).await {
                return output;
            }
        }
        self.hang(&format!("the end of {rule}"), limit)
    }

    /// Waits for an event that depends neither on units nor on the speed of the machine.
    pub(crate) async fn within<T>(
        &self,
        limit: Duration,
        event: &str,
        wait: impl Future<Output = T>,
    ) -> T {
        match timeout(limit, wait).await {
            Ok(output) => output,
            Err(_) => self.hang(event, limit),
        }
    }

    fn hang(&self, event: &str, limit: Duration) -> ! {
        self.0.hangs.store(true, Ordering::Relaxed);
        panic!("{event} did not happen within {limit:?}")
    }

    /// The time since the begin of the pass, apart from the time in which the harness lets time pass.
    pub(crate) fn busy(&self) -> Duration {
        let clock = self.clock();
        let current = clock.advancing_since.map_or(Duration::ZERO, |since| since.elapsed());
        self.0.started.elapsed().saturating_sub(clock.advancing + current)
    }

    fn clock(&self) -> MutexGuard<'_, Clock> {
        self.0.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns an unused key.
    pub(crate) fn key(&self) -> Key<S> {
        self.key_at(rand::random())
    }

    pub(crate) fn key_at(&self, id: [u8; 32]) -> Key<S> {
        Key { case: self.clone(), id: RecordId::from_bytes(id) }
    }

    pub(crate) async fn advance(&self, units: u32) {
        self.advance_by(self.unit() * units).await;
    }

    pub(crate) async fn advance_by(&self, time: Duration) {
        let began = Instant::now();
        self.clock().advancing_since = Some(began);
        let advancing = self.0.harness.advance(time);
        self.within(time + LIMIT, "the end of `StoreHarness::advance`", advancing).await;
        let mut clock = self.clock();
        clock.advanced += time;
        clock.advancing += began.elapsed();
        clock.advancing_since = None;
    }
}

/// One key of the store under test.
pub(crate) struct Key<S> {
    pub(crate) case: Case<S>,
    pub(crate) id: RecordId,
}

impl<S> Clone for Key<S> {
    fn clone(&self) -> Self {
        Self { case: self.case.clone(), id: self.id }
    }
}

impl<S: StoreHarness> Key<S> {
    pub(crate) async fn claim(&self, request: impl Borrow<ClaimRequest>) -> ClaimOutcome {
        self.case.store().claim(self.id, request.borrow().clone()).await.expect("claim")
    }

    /// Claims the key and asserts that the claim is acquired.
    pub(crate) async fn acquire(&self, request: impl Borrow<ClaimRequest>) -> Claim {
        match self.claim(request).await {
            ClaimOutcome::Acquired(claim) => claim,
            other => panic!("expected an acquired claim, got {other:?}"),
        }
    }

    /// Claims the key for a handler with `recover`, and asserts that the claim is a recovery.
    pub(crate) async fn recover(&self, request: impl Borrow<ClaimRequest>) -> (Claim, LostRun) {
        match self.claim(request).await {
            ClaimOutcome::Recovering(claim, lost) => (claim, lost),
            other => panic!("expected a recovery, got {other:?}"),
        }
    }

    /// Claims the key and asserts that a record exists.
    pub(crate) async fn find_existing(&self, request: impl Borrow<ClaimRequest>) -> ExistingRecord {
        match self.claim(request).await {
            ClaimOutcome::Exists(existing) => existing,
            other => panic!("expected an existing record, got {other:?}"),
        }
    }

    /// Returns the state of the record, as a duplicate that cannot take over sees it.
    pub(crate) async fn state(&self) -> State {
        self.find_existing(fixtures::at_most_once()).await.state
    }

    /// Asserts that the key has no record by claiming it, and returns the claim.
    pub(crate) async fn assert_new(&self) -> Claim {
        let claim = self.acquire(fixtures::at_most_once()).await;
        assert_eq!(claim.attempt, 1, "a new key starts at attempt 1");
        claim
    }

    pub(crate) async fn renew(&self, claim: Claim, lease: Duration, hold: Duration) -> Update {
        self.case.store().renew(claim, lease, hold).await.expect("renew")
    }

    pub(crate) async fn resume(&self, claim: Claim) -> Update {
        let (lease, hold) = (fixtures::LONG, fixtures::LONG);
        self.case.store().resume_run(claim, lease, hold).await.expect("resume_run")
    }

    pub(crate) async fn complete(&self, claim: Claim, completion: Completion) -> Update {
        self.complete_for(claim, completion, fixtures::LONG).await
    }

    pub(crate) async fn complete_for(
        &self,
        claim: Claim,
        completion: Completion,
        retention: Duration,
    ) -> Update {
        self.case.store().complete(claim, completion, retention).await.expect("complete")
    }

    pub(crate) async fn release(&self, claim: Claim) -> Update {
        self.case.store().release(claim).await.expect("release")
    }

    pub(crate) async fn abandon(&self, nonce: ClaimNonce) -> Update {
        self.case.store().abandon(self.id, nonce).await.expect("abandon")
    }

    /// Asserts that every change by `claim` is rejected, and that `complete` returns `existing`.
    pub(crate) async fn assert_rejected(&self, claim: Claim, existing: Option<ExistingRecord>) {
        assert_stale(&self.renew(claim, fixtures::LONG, fixtures::LONG).await, "renew");
        assert_stale(&self.resume(claim).await, "resume_run");
        assert_stale(&self.release(claim).await, "release");
        assert_stale(&self.abandon(claim.nonce).await, "abandon");
        match self.complete(claim, fixtures::with_response("late")).await {
            Update::Stale(found) => {
                let state = |record: ExistingRecord| (record.fingerprint, record.state);
                assert_eq!(found.map(|found| state(*found)), existing.map(state));
            }
            Update::Applied => panic!("complete by a stale claim must be rejected"),
        }
    }
}

/// Asserts that the update is stale. Its content is not compared: only `complete` must return the record.
pub(crate) fn assert_stale(update: &Update, call: &str) {
    assert!(matches!(update, Update::Stale(_)), "{call} by a stale claim must be rejected");
}
