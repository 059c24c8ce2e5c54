//! The names of all metrics.

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A number that only grows.
    Counter,
    /// A number that grows and falls.
    Gauge,
    /// A distribution of times, in seconds.
    Histogram,
}

/// A metric that this crate exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// The name.
    pub name: &'static str,
    /// The kind.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// The meaning.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($constant:ident: $kind:ident, $name:literal, [$($label:literal),*], $help:literal;)+) => {
        $(pub(crate) const $constant: &str = $name;)+

        /// All metrics that this crate exports.
        pub const ALL: &[Metric] = &[
            $(Metric { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help },)+
        ];
    };
}

metrics! {
    CALLS: Counter, "idem_calls_total", ["operation", "outcome", "result"],
        "Calls by outcome: executed, replayed, or the slug of a refusal. `result` is success, failed, panicked or released after a run, and empty otherwise.";
    DUPLICATES_PREVENTED: Counter, "idem_duplicates_prevented_total", ["operation"],
        "Duplicates that did not run: replayed, or refused because the first request was in progress.";
    CALL_SECONDS: Histogram, "idem_call_seconds", ["operation", "outcome"],
        "The time of a call from its claim to its end. `outcome` is executed, replayed or refused.";
    WAIT_SECONDS: Histogram, "idem_wait_seconds", ["operation", "outcome"],
        "The time for which a duplicate waited for the first request. `outcome` is woken or timed-out.";
    STORE_SECONDS: Histogram, "idem_store_seconds", ["store", "call", "result"],
        "The time of a store call. `result` is ok, not-done, unknown or corrupt.";
    RUNNING: Gauge, "idem_running", [],
        "Runs whose handler or recover hook is active.";
    WAITING: Gauge, "idem_waiting", [],
        "Duplicates that wait for the first request.";
    UNSETTLED: Gauge, "idem_unsettled", [],
        "Runs that have ended, and whose end the store has not accepted yet.";
    DELAYED_COMPLETIONS: Counter, "idem_delayed_completions_total", ["operation"],
        "Ends of runs that the store did not accept in time. They are sent again.";
    LATE_COMPLETIONS: Counter, "idem_late_completions_total", ["operation"],
        "Runs that ended after their claim was taken over or deleted. Two effects may exist.";
    TIMED_OUT: Counter, "idem_timed_out_total", ["operation", "reason"],
        "Runs that were given up. `reason` is timed-out or drained. Their outcome is unknown.";
    HELD_AFTER_ACTING: Counter, "idem_held_after_acting_total", ["operation"],
        "Failures that would free the key, and did not because the run may have had an effect.";
    RECOVERIES: Counter, "idem_recoveries_total", ["operation", "verdict"],
        "Recover hooks that ended, by their verdict.";
    RESOLUTIONS: Counter, "idem_resolutions_total", ["operation", "action"],
        "Records that were changed by hand: complete, release, hold or evict.";
    STORE_HEALTHY: Gauge, "idem_store_healthy", ["store"],
        "1 if the store replies and its check finds nothing, otherwise 0.";
    SWEEP_LAG: Gauge, "idem_sweep_lag_seconds", ["store"],
        "The time since the oldest record expired that is not deleted yet.";
    UNKNOWN: Gauge, "idem_unknown", ["operation"],
        "Records whose outcome is unknown, as the last scan found them.";
}
