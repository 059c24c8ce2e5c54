//! What a handler can know of the run that it is part of.

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
/// It is known wherever the handler's own future is being polled. A task or thread that the handler
/// starts does not see it: take it before, and move the copy there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    record: RecordId,
    token: FencingToken,
    attempt: u32,
}

impl Execution {
    /// The run that the calling code is part of: of nested ones the innermost.
    ///
    /// # Panics
    /// Outside of one: in a task or thread that the handler started, or where an `optional` key was not
    /// sent. Better so than that a provider is called without a key.
    pub fn current() -> Self {
        #[expect(clippy::expect_used, reason = "documented, as `tokio::runtime::Handle::current`")]
        Self::try_current().expect(
            "there is no idempotent execution here; call `Execution::current` in the guarded function itself, \
             not in a task that it spawns",
        )
    }

    /// [`current`](Self::current), or `None` outside of a run.
    pub fn try_current() -> Option<Self> {
        CURRENT.get()
    }

    /// Which run of the key this is, from 1. More than 1 means that an earlier one was not heard of for a
    /// lease, and may have had an effect. A key that was freed starts at 1 again.
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// A number that grows with every run of the key. Whatever keeps the highest one it saw can refuse
    /// a stale run that wakes up late.
    pub const fn fencing_token(&self) -> FencingToken {
        self.token
    }

    /// A key for a call that this run makes in turn, such as to a payment provider: the same in every
    /// attempt, another for each `label`, for each operation and for each key. So a provider that takes
    /// keys charges once, however often this runs.
    ///
    /// It is a UUID of version 8 (RFC 9562) in its 36 characters, which is what even strict providers
    /// take. Derived from the identity of the record by SHA-256: a change of the namespace, the secret or
    /// the operation's name changes it too.
    pub fn downstream_key(&self, label: &str) -> IdempotencyKey {
        let mut digest = PartDigest::new(None);
        digest.part(b"downstream1");
        digest.part(self.record.as_bytes());
        digest.part(label.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.finish()[..16]);
        let uuid = uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string();
        IdempotencyKey::new(uuid).unwrap_or_else(|error| {
            unreachable!("hexadecimal digits and dashes are a key: {error}")
        })
    }

    pub(super) const fn of(claim: Claim) -> Self {
        Self { record: claim.id, token: claim.token, attempt: claim.attempt }
    }

    /// Calls `poll` as part of this run.
    pub(super) fn enter<R>(self, poll: impl FnOnce() -> R) -> R {
        let _outer = Outer(CURRENT.replace(Some(self)));
        poll()
    }
}

/// The run around this one, which is current again when this is dropped.
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
        let panicked = std::panic::catch_unwind(|| execution(1, 1).enter(|| panic!("planted")));
        assert!(panicked.is_err());
        assert_eq!(Execution::try_current(), None);
    }
}
