//! The events.

use std::time::Duration;

use crate::model::{RecordId, StoreErrorKind, UnknownReason};
use crate::store::AuditEntry;

/// Something that a call, a run or the store did.
///
/// `operation` is the name of the operation, such as `POST /payments`, cut to 128 bytes. It comes from the code of the
/// service, except in the fallback route of an axum router, where it contains the path of the request. Bound the number of
/// names that you keep.
///
/// Later versions can add variants, and fields to each variant.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A call has ended, with or without a run. There is one such event for each call, except for a call whose future was
    /// dropped before its handler ran, or whose run was dropped or lost with its process.
    #[non_exhaustive]
    Call {
        /// The name of the operation.
        operation: &'a str,
        /// `executed` after a run, whatever its result; `replayed`; or the [slug](crate::Rejection::slug) of a refusal.
        outcome: &'static str,
        /// The result of the run. `None` if the outcome is not `executed`.
        result: Option<RunResult>,
        /// The status of the response. For a plain function it is 200 for `Ok`, 400 for `Err`, and 500 if the outcome is
        /// unknown.
        status: u16,
        /// The number of the run within its key, from 1. 0 if no run started for this call.
        attempt: u32,
        /// The record of the key. `None` if the call was refused before key, scope and operation were known.
        record: Option<RecordId>,
        /// The time from the claim to the end of the call. Zero if no claim was sent. For a replay or a refusal it includes
        /// the time for which the call waited for another run.
        took: Duration,
    },
    /// The store has replied to a call, or failed.
    #[non_exhaustive]
    StoreCall {
        /// The [name](crate::store::IdempotencyStore::name) of the store.
        store: &'static str,
        /// The operation of the store.
        call: StoreCall,
        /// The time until the reply. It can exceed the store timeout, because a late reply is still handled.
        took: Duration,
        /// The kind of the error, if the call failed.
        error: Option<StoreErrorKind>,
    },
    /// A duplicate has stopped waiting for the first request.
    #[non_exhaustive]
    Wait {
        /// The name of the operation.
        operation: &'a str,
        /// The time for which it waited.
        took: Duration,
        /// Whether the first request ended in that time. Otherwise the time was up.
        woken: bool,
    },
    /// A run ended after its claim was taken over, recovered or deleted. **Two effects may exist.**
    #[non_exhaustive]
    LateCompletion {
        /// The name of the operation.
        operation: &'a str,
        /// The record of the key.
        record: RecordId,
        /// The number of the late run within its key.
        attempt: u32,
        /// The status of the response that was not accepted.
        status: u16,
    },
    /// A status that would free the key did not free it, because the run may have had an effect: it took a downstream key or
    /// confirmed its claim. See [acted runs](crate::rules::semantics#acted-runs).
    #[non_exhaustive]
    HeldAfterActing {
        /// The name of the operation.
        operation: &'a str,
        /// The record of the key.
        record: RecordId,
        /// The status of the response.
        status: u16,
    },
    /// A run was given up, and its outcome is unknown.
    #[non_exhaustive]
    TimedOut {
        /// The name of the operation.
        operation: &'a str,
        /// The record of the key.
        record: RecordId,
        /// [`TimedOut`](UnknownReason::TimedOut) at `max_run`, or [`Drained`](UnknownReason::Drained) at the deadline of a
        /// drain.
        reason: UnknownReason,
    },
    /// A run ended, and the store has not accepted its end in time. The engine continues to send it.
    #[non_exhaustive]
    CompletionDelayed {
        /// The name of the operation.
        operation: &'a str,
        /// The record of the key.
        record: RecordId,
    },
    /// A `recover` hook has ended.
    #[non_exhaustive]
    Recovered {
        /// The name of the operation.
        operation: &'a str,
        /// The record of the key.
        record: RecordId,
        /// `happened`, `not-happened`, `too-early` (nothing happened until now, and the lost run has not been silent for
        /// `settle`), `inconclusive`, `disputed`, `panicked`, `timed-out`, or `lost` (another run may own the key).
        verdict: &'static str,
    },
    /// A key was reused for another request, and the service [keeps outlines](crate::IdempotencyBuilder::request_outline).
    #[non_exhaustive]
    Mismatch {
        /// The name of the operation.
        operation: &'a str,
        /// The record of the key.
        record: RecordId,
        /// The parts of the second request that differ, such as `path` and `body.amount`.
        differs: &'a [String],
        /// The number of members of the body that only the first request has.
        only_in_first: usize,
    },
    /// A record was changed by hand through this handle.
    #[non_exhaustive]
    Resolution {
        /// The name of the operation.
        operation: &'a str,
        /// The entry of the audit log.
        entry: &'a AuditEntry,
    },
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunResult {
    /// The handler returned a response with a status below 400, and it is the result of the key.
    Success,
    /// The handler returned a failure, which is kept: a status of 400 or above, or an ambiguous failure.
    Failed,
    /// The handler panicked.
    Panicked,
    /// The run had no effect, or failed ambiguously under at least once. Its key is free again.
    Released,
}

impl RunResult {
    /// All results.
    pub const ALL: [Self; 4] = [Self::Success, Self::Failed, Self::Panicked, Self::Released];

    /// The name in spans and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Panicked => "panicked",
            Self::Released => "released",
        }
    }
}

/// An operation of a store, as [`IdempotencyStore`](crate::store::IdempotencyStore) and
/// [`Transactions`](crate::store::Transactions) define it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreCall {
    /// `claim`
    Claim,
    /// `renew`
    Renew,
    /// `resume_run`
    ResumeRun,
    /// `complete`. A record is also read by it, with a claim that matches no record.
    Complete,
    /// `release`
    Release,
    /// `abandon`
    Abandon,
    /// `open`, of a transaction
    Open,
    /// `commit` or `commit_without_writes`, of a transaction
    Commit,
    /// `roll_back`, of a transaction
    RollBack,
    /// `check`
    Check,
}

impl StoreCall {
    /// All operations.
    pub const ALL: [Self; 10] = [
        Self::Claim,
        Self::Renew,
        Self::ResumeRun,
        Self::Complete,
        Self::Release,
        Self::Abandon,
        Self::Open,
        Self::Commit,
        Self::RollBack,
        Self::Check,
    ];

    /// The name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Renew => "renew",
            Self::ResumeRun => "resume-run",
            Self::Complete => "complete",
            Self::Release => "release",
            Self::Abandon => "abandon",
            Self::Open => "open",
            Self::Commit => "commit",
            Self::RollBack => "roll-back",
            Self::Check => "check",
        }
    }
}
