//! The invariants that the history of a key checks.

/// The invariants of docs/guarantees.md#invariants that are checked when a change may violate them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Invariant {
    /// Only a process that acquired the key starts. Between two releases or evictions at most one run starts, and
    /// one more for each recovery that was resumed. Under at least once, at most `max_attempts` runs start.
    BoundedStarts,
    /// At most one result is accepted, and it stays.
    OneAcceptedResult,
    /// No run starts after a result was accepted or returned to its client.
    NoStartAfterAcceptance,
    /// Every response after acceptance is the accepted one.
    EqualReplays,
    /// Each new owner and each resolution that keeps the record has a higher fencing token.
    GrowingFencingTokens,
    /// A response is returned only under the key it was stored for.
    RepliesStayInTheirScope,
    /// No result is accepted unless the handler ran.
    NoResultWithoutARun,
    /// No handler starts for a claim that is in recovery.
    NoStartInRecovery,
    /// A lost run is silent since its end or the end of its lease, over all recoveries.
    SilenceIsKept,
    /// A process whose key was taken over, recovered or resolved changes nothing.
    OldOwnersAreFenced,
    /// A resolution changes only the claim that the operator has seen, and never a live run.
    CurrentResolutions,
}
