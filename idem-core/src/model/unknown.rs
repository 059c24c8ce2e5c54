//! Unknown outcomes: why the outcome of a run is unknown, and since when the run has been silent.

use std::fmt;
use std::time::Duration;

use super::Timestamp;

/// Why the outcome of a run is [unknown](crate::rules::semantics#outcome-unknown).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnknownReason {
    /// The lease expired without a completion. Stores derive it when they read such a record.
    Crashed,
    /// The run exceeded [`Policy::max_run`](crate::Policy::max_run). Blocking code of it may still be active.
    TimedOut,
    /// The run ended with an ambiguous failure, and its handler has `recover`.
    Ambiguous,
    /// The `recover` hook could not determine the outcome.
    RecoverInconclusive,
    /// The process shut down before the run ended.
    Drained,
    /// The `recover` hook found data that contradict the request. Only a person can resolve it.
    Disputed,
}

impl UnknownReason {
    const ALL: [Self; 6] = [
        Self::Crashed,
        Self::TimedOut,
        Self::Ambiguous,
        Self::RecoverInconclusive,
        Self::Drained,
        Self::Disputed,
    ];

    /// The number under which records keep the reason, from 1.
    pub const fn code(self) -> u8 {
        self as u8 + 1
    }

    /// Returns the reason of a stored number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// The name in logs and tools.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crashed => "crashed",
            Self::TimedOut => "timed-out",
            Self::Ambiguous => "ambiguous",
            Self::RecoverInconclusive => "recover-inconclusive",
            Self::Drained => "drained",
            Self::Disputed => "disputed",
        }
    }
}

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The end of a run whose outcome is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownOutcome {
    /// Why the outcome is unknown.
    pub reason: UnknownReason,
    /// The time during which no recovery starts.
    pub quiet: Duration,
    /// The contradiction that the `recover` hook found, for the operator.
    pub dispute: Option<Box<str>>,
}

impl UnknownOutcome {
    /// An outcome that the next request may recover immediately.
    pub const fn new(reason: UnknownReason) -> Self {
        Self { reason, quiet: Duration::ZERO, dispute: None }
    }

    /// An outcome that only a person can resolve. `text` is the contradiction that the `recover` hook found.
    pub fn disputed(text: impl Into<Box<str>>) -> Self {
        Self { dispute: Some(text.into()), ..Self::new(UnknownReason::Disputed) }
    }

    /// Sets [`UnknownOutcome::quiet`].
    #[must_use]
    pub fn quiet_for(self, quiet: Duration) -> Self {
        Self { quiet, ..self }
    }
}

/// Since when the run of a handler has been silent. A record keeps it from the moment at which the outcome becomes
/// unknown, over all [recoveries](crate::rules::semantics#recovery), until the outcome is known.
///
/// A running record with a silence is in recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Silence {
    /// The end of the run's lease after a crash, otherwise the end of the run.
    pub since: Timestamp,
    /// Why the outcome of the run is unknown.
    pub reason: UnknownReason,
    /// The number of the run within its key, counted from 1.
    pub attempt: u32,
}

impl Silence {
    /// Returns the lost run as its recovery sees it.
    pub const fn lost_run(self, now: Timestamp) -> LostRun {
        LostRun { reason: self.reason, attempt: self.attempt, silent_for: now.since(self.since) }
    }
}

/// The run whose outcome a `recover` hook determines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostRun {
    reason: UnknownReason,
    attempt: u32,
    silent_for: Duration,
}

impl LostRun {
    /// Describes a lost run. Stores report one with the claim of a recovery.
    pub const fn new(reason: UnknownReason, attempt: u32, silent_for: Duration) -> Self {
        Self { reason, attempt, silent_for }
    }

    /// Why the outcome of the run is unknown. It stays the same if several recoveries are needed.
    ///
    /// After [`TimedOut`](UnknownReason::TimedOut) and [`Drained`](UnknownReason::Drained), blocking code and spawned tasks
    /// of the run may still be active.
    pub const fn reason(&self) -> UnknownReason {
        self.reason
    }

    /// The number of the run within its key, counted from 1.
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The time since the end of the run's lease after a crash, or else since the end of the run. It is measured on the
    /// store's clock, at the start of the recovery.
    pub const fn silent_for(&self) -> Duration {
        self.silent_for
    }
}
