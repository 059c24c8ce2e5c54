//! The settings of one guarded handler.

use std::time::Duration;

use super::{Completion, Guarantee, KeyFormat, KeySource, KeySyntax};

/// The way in which requests under one key are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FingerprintMode {
    /// Bodies are compared by their content: JSON in [canonical form](crate::rules::semantics#canonical-json), and
    /// [form](crate::rules::semantics#form-bodies) and [multipart](crate::rules::semantics#multipart-bodies) bodies by
    /// their fields. Other media types are compared as bytes.
    Canonical,
    /// All bodies are compared as bytes.
    Raw,
    /// The value of an expression over the handler's parameters is compared, in place of the request.
    Argument,
}

/// The settings of one guarded handler. The attribute `#[idempotent(…)]` generates it, or takes it from a constant that
/// several handlers share: `#[idempotent(policy = "crate::PAYMENTS", scope = "tenant")]`.
///
/// ```
/// use std::time::Duration;
///
/// use idem_core::{Guarantee, Policy};
///
/// const DAY: Duration = Duration::from_secs(24 * 60 * 60);
///
/// pub const PAYMENTS: Policy = Policy::new(DAY, Guarantee::AtMostOnce)
///     .with_wait(Duration::from_secs(3))
///     .with_hold(DAY.saturating_mul(90))
///     .with_releases(&[400, 422]);
/// ```
///
/// All constructors are `const`. In a constant policy, a zero duration is therefore a compile error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// The time for which a stored response is replayed. It counts from completion, on the store's clock; see
    /// [retention](crate::rules::semantics#retention).
    pub ttl: Duration,
    /// The time for which an unknown outcome is kept. It counts from the end of the lease or the run, on the store's
    /// clock. Default: the larger of `ttl` and 30 days.
    pub hold: Duration,
    /// The time for which a lost run must have been silent before `recover` may report that nothing happened. Default
    /// 30 s. See [recovery](crate::rules::semantics#recovery).
    pub settle: Duration,
    /// The promise for crashes and ambiguous failures.
    pub guarantee: Guarantee,
    /// The time for which a claim stays valid without a renewal. Default 30 s. The engine renews it about every third
    /// of this time.
    pub lease: Duration,
    /// The maximum duration of a run. A longer run is given up, and its outcome is unknown. Default 15 min.
    pub max_run: Duration,
    /// The time for which a duplicate waits for the first request. Default `None`: a duplicate is refused
    /// immediately.
    pub wait: Option<Duration>,
    /// The maximum number of runs in a row that crash, before the outcome is unknown. Applies only to at least once.
    /// Default 3.
    ///
    /// It limits only takeovers. After a failure that freed the key, the next run is attempt 1 again.
    pub max_attempts: u32,
    /// The name under which keys are separate; see
    /// [scope and operation](crate::rules::semantics#scope-and-operation). Default `None`: the name that the caller
    /// passes to [`Idempotency::call`](crate::Idempotency::call), such as the adapter's method and route template.
    pub operation: Option<&'static str>,
    /// The way in which requests are compared. Default [`Canonical`](FingerprintMode::Canonical).
    pub fingerprint: FingerprintMode,
    /// The source of the key. Default: a required header with lenient syntax.
    pub key: KeySource,
    /// The format that keys must have ([key format](crate::rules::semantics#key-format)). Default `None`: any. It does not
    /// apply to plain functions.
    pub key_format: Option<KeyFormat>,
    /// The maximum age of a key, by the time that it contains. Needs [`KeyFormat::UuidV7`]. Default `None`.
    pub max_age: Option<Duration>,
    /// The 4xx statuses of the handler's response that free the key, beside those of
    /// [outcome of a response](crate::rules::semantics#outcome-of-a-response). Default none. Plain functions have no
    /// statuses, so it does not apply to them.
    pub releases: &'static [u16],
}

/// The default of [`Policy::lease`].
pub(super) const DEFAULT_LEASE: Duration = Duration::from_secs(30);

/// The default of [`Policy::hold`], unless `ttl` is longer.
const DEFAULT_HOLD: Duration = Duration::from_secs(30 * 24 * 60 * 60);

const fn default_hold(ttl: Duration) -> Duration {
    if ttl.as_nanos() > DEFAULT_HOLD.as_nanos() { ttl } else { DEFAULT_HOLD }
}

impl Policy {
    /// Returns a policy with the default lease (30 s), `max_run` (15 min), `max_attempts` (3), `hold` (30 days, or `ttl`
    /// if that is longer) and `settle` (30 s).
    ///
    /// # Panics
    /// If `ttl` is zero.
    #[track_caller]
    pub const fn new(ttl: Duration, guarantee: Guarantee) -> Self {
        assert!(!ttl.is_zero(), "ttl is zero: no response would ever be replayed");
        Self {
            ttl,
            hold: default_hold(ttl),
            settle: Duration::from_secs(30),
            guarantee,
            lease: DEFAULT_LEASE,
            max_run: Duration::from_secs(15 * 60),
            wait: None,
            max_attempts: 3,
            operation: None,
            fingerprint: FingerprintMode::Canonical,
            key: KeySource::Header { syntax: KeySyntax::Lenient, required: true },
            key_format: None,
            max_age: None,
            releases: &[],
        }
    }

    /// Sets [`Policy::ttl`]. A default [`hold`](Self::hold) becomes the default for the new `ttl`.
    ///
    /// # Panics
    /// If `ttl` is zero.
    #[must_use]
    #[track_caller]
    pub const fn with_ttl(mut self, ttl: Duration) -> Self {
        assert!(!ttl.is_zero(), "ttl is zero: no response would ever be replayed");
        if self.hold.as_nanos() == default_hold(self.ttl).as_nanos() {
            self.hold = default_hold(ttl);
        }
        self.ttl = ttl;
        self
    }

    /// Sets [`Policy::guarantee`].
    #[must_use]
    pub const fn with_guarantee(mut self, guarantee: Guarantee) -> Self {
        self.guarantee = guarantee;
        self
    }

    /// Returns the time for which a record is kept after `completion`: [`hold`](Self::hold) for an unknown outcome, and
    /// otherwise [`ttl`](Self::ttl).
    pub const fn retention(&self, completion: &Completion) -> Duration {
        match completion {
            Completion::Unknown(_) => self.hold,
            Completion::Response(_) | Completion::NotRetained { .. } => self.ttl,
        }
    }

    /// Sets [`Policy::hold`].
    ///
    /// # Panics
    /// If `hold` is shorter than `ttl`.
    #[must_use]
    #[track_caller]
    pub const fn with_hold(mut self, hold: Duration) -> Self {
        let covers_ttl = hold.as_nanos() >= self.ttl.as_nanos();
        assert!(
            covers_ttl,
            "hold is shorter than ttl: an unknown outcome would be forgotten first"
        );
        self.hold = hold;
        self
    }

    /// Sets [`Policy::settle`]. Zero is right if the provider honours the
    /// [downstream key](crate::Execution::downstream_key).
    ///
    /// # Panics
    /// If `settle` is not shorter than [`Policy::hold`], which must be set first.
    #[must_use]
    #[track_caller]
    pub const fn with_settle(mut self, settle: Duration) -> Self {
        let in_time = settle.as_nanos() < self.hold.as_nanos();
        assert!(in_time, "settle is not shorter than hold: the record would expire first");
        self.settle = settle;
        self
    }

    /// Sets [`Policy::lease`]. The attribute and the layers accept 100 ms or more.
    ///
    /// # Panics
    /// If `lease` is zero.
    #[must_use]
    #[track_caller]
    pub const fn with_lease(mut self, lease: Duration) -> Self {
        assert!(!lease.is_zero(), "lease is zero: every claim would lapse immediately");
        self.lease = lease;
        self
    }

    /// Sets [`Policy::max_run`].
    ///
    /// # Panics
    /// If `max_run` is zero.
    #[must_use]
    #[track_caller]
    pub const fn with_max_run(mut self, max_run: Duration) -> Self {
        assert!(!max_run.is_zero(), "max_run is zero: every run would be given up immediately");
        self.max_run = max_run;
        self
    }

    /// Sets [`Policy::wait`].
    ///
    /// # Panics
    /// If `wait` is zero.
    #[must_use]
    #[track_caller]
    pub const fn with_wait(mut self, wait: Duration) -> Self {
        assert!(!wait.is_zero(), "wait is zero: omit it to refuse duplicates immediately");
        self.wait = Some(wait);
        self
    }

    /// Sets [`Policy::max_attempts`].
    ///
    /// # Panics
    /// If `max_attempts` is zero.
    #[must_use]
    #[track_caller]
    pub const fn with_max_attempts(mut self, max_attempts: u32) -> Self {
        assert!(max_attempts > 0, "max_attempts is zero: the handler would never run");
        self.max_attempts = max_attempts;
        self
    }

    /// The parts of the operation's name: the policy's own, or `operation`.
    pub(crate) fn operation_or<'a>(&'a self, operation: &'a [&'a str]) -> &'a [&'a str] {
        self.operation.as_slice().first().map_or(operation, std::slice::from_ref)
    }

    /// Sets [`Policy::operation`]. The name is part of every record id, so it must not change when code is refactored.
    #[must_use]
    pub const fn with_operation(mut self, operation: &'static str) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Sets [`Policy::fingerprint`] to [`FingerprintMode::Raw`].
    #[must_use]
    pub const fn with_raw_fingerprint(mut self) -> Self {
        self.fingerprint = FingerprintMode::Raw;
        self
    }

    /// Sets [`Policy::fingerprint`] to [`FingerprintMode::Argument`].
    #[must_use]
    pub const fn with_argument_fingerprint(mut self) -> Self {
        self.fingerprint = FingerprintMode::Argument;
        self
    }

    /// Sets [`Policy::releases`], for handlers that validate requests themselves: their 400 or 422 then leaves the key
    /// free, so that the corrected request can use it.
    ///
    /// It does not apply to a run that [acted](crate::rules::semantics#acted-runs) under at most once: its response is
    /// stored.
    ///
    /// # Panics
    /// If a status is not a 4xx.
    #[must_use]
    #[track_caller]
    pub const fn with_releases(mut self, statuses: &'static [u16]) -> Self {
        let mut rest = statuses;
        while let [status, others @ ..] = rest {
            assert!(*status >= 400 && *status < 500, "releases: a status is not a 4xx");
            rest = others;
        }
        self.releases = statuses;
        self
    }
}
