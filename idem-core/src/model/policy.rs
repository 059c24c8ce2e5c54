//! What an annotation spells: how long, how often, under which guarantee.

use std::time::Duration;

use super::KeySyntax;

/// What happens when a run ends without a result that says what it did (DESIGN section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guarantee {
    /// At most one run ever starts. After a crash the outcome is unknown and the key is held; an
    /// ambiguous failure (5xx, panic) is stored and replayed.
    AtMostOnce,
    /// Runs until one result is accepted. After a crash the next request takes over, at most until
    /// [`Policy::max_attempts`] runs began; an ambiguous failure frees the key.
    AtLeastOnce,
}

/// What an HTTP request is compared by when its key comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FingerprintMode {
    /// JSON in canonical form, other media types byte by byte (R12).
    Canonical,
    /// Every body byte by byte.
    Raw,
    /// Not as it was sent, but by an expression over the handler's arguments.
    Argument,
}

/// Where the key of an HTTP request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// From the request's header.
    Header {
        /// Which forms of the header are taken (R1).
        syntax: KeySyntax,
        /// Whether a request without the header is refused; if not, it runs unguarded (R6).
        required: bool,
    },
    /// From an expression over the handler's arguments.
    Argument,
}

/// The policy of one guarded handler: what `#[idempotent(…)]` spells.
///
/// `const`-constructible, so that a zero duration is a compile error where the policy is a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// How long a finished answer replays, from completion, on the store's clock (R29).
    pub ttl: Duration,
    /// What a crash and an ambiguous failure lead to.
    pub guarantee: Guarantee,
    /// How long a claim holds without news of its owner. Default 30 s, renewed every third of it.
    pub lease: Duration,
    /// A run longer than this is given up: its outcome is unknown. Default 15 min.
    pub max_run: Duration,
    /// How long a duplicate waits for the first to finish. `None`, the default: it is answered at once.
    pub wait: Option<Duration>,
    /// At least once only: how many runs in a row may crash before the outcome is unknown. Default 3.
    /// It bounds takeovers alone: after a failure that freed the key (5xx, `Err`, panic), the next run
    /// is attempt 1 again.
    pub max_attempts: u32,
    /// The name that keys are separate under. `None`: the adapter's default (R14).
    pub operation: Option<&'static str>,
    /// What a request is compared by.
    pub fingerprint: FingerprintMode,
    /// Where the key comes from.
    pub key: KeySource,
}

impl Policy {
    /// A policy with the default lease (30 s), max run (15 min) and attempts (3).
    ///
    /// # Panics
    /// If `ttl` is zero. So do the setters below for a zero.
    pub const fn new(ttl: Duration, guarantee: Guarantee) -> Self {
        assert!(!ttl.is_zero(), "ttl is zero: no answer would ever be replayed");
        Self {
            ttl,
            guarantee,
            lease: Duration::from_secs(30),
            max_run: Duration::from_secs(15 * 60),
            wait: None,
            max_attempts: 3,
            operation: None,
            fingerprint: FingerprintMode::Canonical,
            key: KeySource::Header { syntax: KeySyntax::Lenient, required: true },
        }
    }

    /// Sets [`Policy::lease`].
    ///
    /// # Panics
    /// If `lease` is zero.
    #[must_use]
    pub const fn with_lease(mut self, lease: Duration) -> Self {
        assert!(!lease.is_zero(), "lease is zero: every claim would lapse at once");
        self.lease = lease;
        self
    }

    /// Sets [`Policy::max_run`].
    ///
    /// # Panics
    /// If `max_run` is zero.
    #[must_use]
    pub const fn with_max_run(mut self, max_run: Duration) -> Self {
        assert!(!max_run.is_zero(), "max_run is zero: every run would be given up at once");
        self.max_run = max_run;
        self
    }

    /// Sets [`Policy::wait`].
    ///
    /// # Panics
    /// If `wait` is zero.
    #[must_use]
    pub const fn with_wait(mut self, wait: Duration) -> Self {
        assert!(!wait.is_zero(), "wait is zero: leave it out to answer duplicates at once");
        self.wait = Some(wait);
        self
    }

    /// Sets [`Policy::max_attempts`].
    ///
    /// # Panics
    /// If `max_attempts` is zero.
    #[must_use]
    pub const fn with_max_attempts(mut self, max_attempts: u32) -> Self {
        assert!(max_attempts > 0, "max_attempts is zero: nothing would ever run");
        self.max_attempts = max_attempts;
        self
    }

    /// Sets [`Policy::operation`]. The name is stored, so it must survive refactoring.
    #[must_use]
    pub const fn with_operation(mut self, operation: &'static str) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Compares every body byte by byte, JSON too.
    #[must_use]
    pub const fn with_raw_fingerprint(mut self) -> Self {
        self.fingerprint = FingerprintMode::Raw;
        self
    }

    /// Compares requests by an expression over the handler's arguments.
    #[must_use]
    pub const fn with_argument_fingerprint(mut self) -> Self {
        self.fingerprint = FingerprintMode::Argument;
        self
    }

    /// Takes the header as given, and lets requests without it run unguarded if `required` is false.
    #[must_use]
    pub const fn with_key_header(mut self, syntax: KeySyntax, required: bool) -> Self {
        self.key = KeySource::Header { syntax, required };
        self
    }

    /// Takes the key from an expression over the handler's arguments.
    #[must_use]
    pub const fn with_argument_key(mut self) -> Self {
        self.key = KeySource::Argument;
        self
    }
}
