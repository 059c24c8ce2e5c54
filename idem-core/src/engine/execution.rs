//! The current run, as the code inside the handler sees it.

use std::cell::Cell;

use crate::hash::PartDigest;
use crate::model::{Claim, FencingToken, IdempotencyKey, RecordId};

thread_local! {
    /// The run whose handler this thread is polling.
    static CURRENT: Cell<Option<Execution>> = const { Cell::new(None) };
}

/// One run of a guarded handler or function, as the code inside it sees it.
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
/// the handler starts: call [`current`](Self::current) first, and move the copy there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    record: RecordId,
    token: FencingToken,
    attempt: u32,
}

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
        CURRENT.get()
    }

    /// Returns the number of this run within its key, from 1. A number above 1 means that an earlier run lost
    /// its lease, and may have had an effect. After a key was freed, the numbers start at 1 again.
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the fencing token, which grows with every run of the key. A service that remembers the highest
    /// token can reject calls of a [stale run](crate::rules::semantics#stale-runs).
    pub const fn fencing_token(&self) -> FencingToken {
        self.token
    }

    /// Returns an idempotency key for a call that this run makes, such as to a payment provider. It is equal
    /// in every attempt, and differs by `label`, operation and key. A provider that accepts keys therefore
    /// charges once, even if the handler runs several times
    /// ([downstream calls](crate::rules::semantics#downstream-calls)).
    ///
    /// It is a UUID of version 8 (RFC 9562) in its 36-character form, which strict providers accept too. It is
    /// derived from the record's identity by SHA-256, so a change of the namespace, the secret or the
    /// operation's name changes it.
    pub fn downstream_key(&self, label: &str) -> IdempotencyKey {
        let mut digest = PartDigest::new(None);
        digest.part(b"downstream1");
        digest.part(self.record.as_bytes());
        digest.part(label.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.finish()[..16]);
        let uuid = uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string();
        IdempotencyKey::new(uuid)
            .unwrap_or_else(|error| unreachable!("a UUID is a valid key: {error}"))
    }

    pub(super) const fn of(claim: Claim) -> Self {
        Self { record: claim.id, token: claim.token, attempt: claim.attempt }
    }

    /// Calls `poll` with this run as the current one.
    pub(super) fn enter<R>(self, poll: impl FnOnce() -> R) -> R {
        let _outer = Outer(CURRENT.replace(Some(self)));
        poll()
    }
}

/// The enclosing run. It becomes the current one again when this is dropped.
struct Outer(Option<Execution>);

impl Drop for Outer {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn execution(record: u8, attempt: u32) -> Execution {
        let record = RecordId::from_bytes([record; 32]);
        Execution { record, token: FencingToken(u64::from(attempt)), attempt }
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
        outer.enter(|| {
            assert_eq!(Execution::current(), outer);
            inner.enter(|| assert_eq!(Execution::current(), inner));
            assert_eq!(Execution::current(), outer);
        });
        assert_eq!(Execution::try_current(), None);
    }

    #[test]
    fn a_panic_leaves_the_execution() {
        let panicked =
            std::panic::catch_unwind(|| execution(1, 1).enter(|| panic!("in a handler")));
        assert!(panicked.is_err());
        assert_eq!(Execution::try_current(), None);
    }
}
