//! The current run, as the code inside the handler sees it.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::Idempotency;
use super::lease::LeaseState;
use super::warnings::Warnings;
use crate::model::{Claim, Extras, FencingToken, IdempotencyKey, LostRun, Outcome};
use crate::observe::Event;

thread_local! {
    /// The run whose handler this thread is polling.
    static CURRENT: Cell<Option<Execution>> = const { Cell::new(None) };
}

/// One run of a guarded handler or function, as the code inside it sees it. Clones share everything.
///
/// ```
/// use idem_core::Execution;
///
/// async fn charge(amount: u64) {
///     let execution = Execution::current();
///     let key = execution.downstream_key("charge");
///     // POST /charges, Idempotency-Key: {key.as_str()}
/// }
/// ```
///
/// It is available while the handler's own future is polled. It is not available in a task or thread that
/// the handler starts: call [`current`](Self::current) first, and move the clone there.
#[derive(Clone)]
pub struct Execution(Run);

#[derive(Clone)]
enum Run {
    Leased { lease: Arc<LeaseState>, idempotency: Idempotency },
    Unleased(Arc<Unleased>),
}

/// A run in a transaction, or in a unit test, which has no lease.
pub(super) struct Unleased {
    pub(super) claim: Claim,
    /// The end of the run.
    pub(super) until: Instant,
    /// The statuses of its policy that free the key.
    pub(super) releases: &'static [u16],
    pub(super) extras: Extras,
    pub(super) warnings: Arc<Warnings>,
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Execution").field(&self.claim()).finish()
    }
}

/// Whether both are the same run.
impl PartialEq for Execution {
    fn eq(&self, other: &Self) -> bool {
        self.claim() == other.claim()
    }
}

impl Eq for Execution {}

impl Execution {
    /// Returns the run that the calling code is part of. Of nested runs, that is the innermost.
    ///
    /// # Panics
    /// Outside of a run: in a task or thread that the handler started, or if the key is `optional` and the
    /// request had none. A panic is safer than a call to a provider without a key.
    pub fn current() -> Self {
        #[expect(clippy::expect_used, reason = "documented, like `tokio::runtime::Handle::current`")]
        Self::try_current().expect(
            "there is no idempotent execution here; call `Execution::current` in the guarded function itself, \
             not in a task that it spawns",
        )
    }

    /// Returns the run that the calling code is part of, or `None` outside of a run.
    pub fn try_current() -> Option<Self> {
        inspect_current(Clone::clone)
    }

    /// Whether the calling code is part of a run.
    pub(crate) fn is_nested() -> bool {
        inspect_current(|_| ()).is_some()
    }

    /// Returns the number of this run within its key, from 1. A number above 1 means that an earlier run of the key may
    /// have had an effect. It grows with each takeover and each recovery. After a key was freed, it starts at 1 again.
    pub fn attempt(&self) -> u32 {
        self.claim().attempt
    }

    /// Returns the fencing token, which grows with every run of the key. A service that remembers the highest
    /// token can reject calls of a [stale run](crate::rules::semantics#stale-runs).
    pub fn fencing_token(&self) -> FencingToken {
        self.claim().token
    }

    /// Inside a `recover` hook, returns the run whose outcome the hook determines. Otherwise returns `None`.
    pub fn recovering(&self) -> Option<LostRun> {
        match &self.0 {
            Run::Leased { lease, .. } => lease.lost_run(),
            Run::Unleased(_) => None,
        }
    }

    /// Returns an idempotency key for a call that this run makes, such as to a payment provider. It is equal
    /// in every attempt, and differs by `label`, operation and key. A provider that accepts keys therefore
    /// charges once, even if the handler runs several times
    /// ([downstream calls](crate::rules::semantics#downstream-calls)).
    ///
    /// Take the key right before the call. From then on idem assumes that the run may have had an effect, and no status
    /// of its response frees the key by itself; see [acted runs](crate::rules::semantics#acted-runs).
    ///
    /// It is a UUID of version 8 (RFC 9562) in its 36-character form, which strict providers accept too. It is
    /// derived from the record's identity by SHA-256, so a change of the namespace, the secret or the
    /// operation's name changes it.
    pub fn downstream_key(&self, label: &str) -> IdempotencyKey {
        if let Run::Leased { lease, .. } = &self.0 {
            lease.mark_acted();
        }
        self.claim().id.downstream_key(label)
    }

    pub(super) fn claim(&self) -> Claim {
        match &self.0 {
            Run::Leased { lease, .. } => lease.holder.claim,
            Run::Unleased(run) => run.claim,
        }
    }

    /// The lease of the run, with the handle that it belongs to. `Err` is the end of a run without one.
    pub(super) fn lease(&self) -> Result<(&Arc<LeaseState>, &Idempotency), Instant> {
        match &self.0 {
            Run::Leased { lease, idempotency } => Ok((lease, idempotency)),
            Run::Unleased(run) => Err(run.until),
        }
    }

    pub(super) const fn leased(lease: Arc<LeaseState>, idempotency: Idempotency) -> Self {
        Self(Run::Leased { lease, idempotency })
    }

    pub(super) fn unleased(run: Unleased) -> Self {
        Self(Run::Unleased(Arc::new(run)))
    }

    /// Returns the poll context of this run.
    pub(super) const fn into_context(self) -> RunContext {
        RunContext(Some(self))
    }
}

/// Returns the outcome of a response whose handler declared none. The status decides, with the
/// [releases](crate::model::Policy::releases) of the policy. But after the run
/// [acted](crate::rules::semantics#acted-runs), no status frees its key under at most once.
pub(crate) fn outcome_of_status(status: u16) -> Outcome {
    let by_status = Outcome::of_status(status);
    let (is_released, is_held) = inspect_current(|execution| match &execution.0 {
        Run::Leased { lease, .. } => {
            (lease.holder.policy.releases.contains(&status), lease.holds_acted_run())
        }
        Run::Unleased(run) => (run.releases.contains(&status), false),
    })
    .unwrap_or_default();
    let frees_key = is_released || by_status == Outcome::NotExecuted;
    match (frees_key, is_held) {
        (false, _) => by_status,
        (true, false) => Outcome::NotExecuted,
        (true, true) => {
            report_held(status);
            // A status that is final by itself is stored. It is an answer, and not a failure to look up.
            if by_status == Outcome::Final { Outcome::Final } else { Outcome::Ambiguous }
        }
    }
}

/// Reports that a status does not free the key of the current run, because the run acted.
fn report_held(status: u16) {
    inspect_current(|execution| {
        let Run::Leased { lease, .. } = &execution.0 else { return };
        let (operation, record) = lease.names();
        tracing::warn!(operation, %record, status, "the run took a downstream key or confirmed its claim before it failed, so its key is held; declare `Outcome::NotExecuted` if nothing was sent");
        lease.holder.watch.emit(|| Event::HeldAfterActing { operation, record, status });
    });
}

/// Whether an ambiguous failure of the current run is stored and replayed. Otherwise a retry can succeed: the key is
/// freed, or `recover` determines the outcome.
pub(crate) fn keeps_failure() -> bool {
    let is_kept = |execution: &Execution| match &execution.0 {
        Run::Leased { lease, .. } => !lease.may_be_replaced(),
        Run::Unleased(_) => false,
    };
    inspect_current(is_kept).unwrap_or(true)
}

/// Logs that the response of the current run is a [stream](crate::rules::semantics#streams), once per operation.
pub(crate) fn log_stream() {
    inspect_current(|execution| match &execution.0 {
        Run::Leased { lease, idempotency } => idempotency.0.warnings.stream(lease.operation()),
        Run::Unleased(run) => run.warnings.stream(run.extras.operation()),
    });
}

fn inspect_current<R>(inspect: impl FnOnce(&Execution) -> R) -> Option<R> {
    let current = CURRENT.take();
    let inspected = current.as_ref().map(inspect);
    CURRENT.set(current);
    inspected
}

/// Makes a run the current one of the thread while it is polled. Moving it in and out costs no reference count.
pub(super) struct RunContext(Option<Execution>);

impl RunContext {
    /// Calls `poll` with this run as the current one.
    pub(super) fn enter<R>(&mut self, poll: impl FnOnce() -> R) -> R {
        let _entered = Entered { outer: CURRENT.replace(self.0.take()), context: self };
        poll()
    }
}

/// The enclosing run. It becomes the current one again when this is dropped, also by a panic.
struct Entered<'a> {
    outer: Option<Execution>,
    context: &'a mut RunContext,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.context.0 = CURRENT.replace(self.outer.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClaimNonce, RecordId};

    fn execution(record: u8, attempt: u32) -> Execution {
        let id = RecordId::from_bytes([record; 32]);
        let token = FencingToken(u64::from(attempt));
        let claim = Claim { id, nonce: ClaimNonce::from_bytes([0; 16]), token, attempt };
        let extras = Extras::new(&["POST", "/payments"], None);
        let (until, warnings) = (Instant::now(), Arc::default());
        Execution::unleased(Unleased { claim, until, releases: &[], extras, warnings })
    }

    #[test]
    fn downstream_keys_are_frozen() {
        let key = execution(7, 1).downstream_key("charge");
        assert_eq!(key.as_str(), "b2ba136a-b506-82a3-a21f-2ba6af9a5ce1");
    }

    #[test]
    fn a_downstream_key_is_stable_over_attempts_and_differs_by_label_and_record() {
        let key = execution(1, 1).downstream_key("charge");
        assert_eq!(execution(1, 2).downstream_key("charge"), key);
        assert_ne!(execution(1, 1).downstream_key("refund"), key);
        assert_ne!(execution(2, 1).downstream_key("charge"), key);
    }

    #[test]
    fn executions_nest() {
        assert_eq!(Execution::try_current(), None);
        let (outer, inner) = (execution(1, 1), execution(2, 1));
        let (mut outer_context, mut inner_context) =
            (outer.clone().into_context(), inner.clone().into_context());
        for _ in 0..2 {
            outer_context.enter(|| {
                assert_eq!(Execution::current(), outer);
                inner_context.enter(|| assert_eq!(Execution::current(), inner));
                assert_eq!(Execution::current(), outer);
            });
            assert_eq!(Execution::try_current(), None);
        }
    }

    #[test]
    fn a_panic_leaves_the_execution() {
        let mut context = execution(1, 1).into_context();
        let entering = std::panic::AssertUnwindSafe(|| context.enter(|| panic!("in a handler")));
        assert!(std::panic::catch_unwind(entering).is_err());
        assert_eq!(Execution::try_current(), None);
    }
}
