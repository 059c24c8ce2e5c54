//! The meaning of an existing record for a request.

use std::time::Duration;

use crate::model::{ExistingRecord, Fingerprint, Rejection, State, StoredResponse, contradict};

/// The request that found the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finder {
    /// A request whose claim was refused because the key is taken. Its handler did not run.
    Duplicate,
    /// A run that lost its claim. Its handler ran and may have had an effect.
    StaleRun,
    /// A transaction that lost its claim and was rolled back.
    StaleTransaction,
}

/// The properties of a request that decide what a record means for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestIdentity {
    pub(super) fingerprint: Option<Fingerprint>,
    /// Whether the handler has `recover`.
    pub(super) recoverable: bool,
}

/// The meaning of a record, unless it leads to a rejection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The key is done. The request gets this response.
    Replay(StoredResponse),
    /// Another run is active.
    InProgress,
}

/// Decides what `existing` means for a request with `fingerprint`:
///
/// | Record | Duplicate | Stale run | Stale transaction |
/// |---|---|---|---|
/// | other fingerprint, running | key reused | outcome unknown | in progress |
/// | other fingerprint, any other state | key reused | outcome unknown | outcome unknown |
/// | completed | replay | replay | replay |
/// | running | in progress | outcome unknown | in progress |
/// | not retained | result unavailable | outcome unknown | outcome unknown |
/// | unknown | outcome unknown | outcome unknown | outcome unknown |
///
/// The fingerprint is compared first ([fingerprint before
/// state](crate::rules::semantics#fingerprint-before-state)). A stale run gets only the accepted result of
/// the same request ([stale runs](crate::rules::semantics#stale-runs)).
///
/// If the request and the record have `recover`, a later request can determine an unknown outcome. A request that finds it
/// should therefore be repeated.
pub(super) fn evaluate(
    finder: Finder,
    request: RequestIdentity,
    existing: ExistingRecord,
) -> Result<Meaning, Rejection> {
    let same_request = !contradict(existing.fingerprint, request.fingerprint);
    let recoverable_in = match existing.state {
        // The recovery that made this run stale has not ended.
        State::Running => Some(Duration::ZERO),
        _ => existing.recoverable_in,
    };
    match (finder, existing.state) {
        (Finder::Duplicate, _) if !same_request => Err(Rejection::KeyReused),
        (_, State::Completed(response)) if same_request => Ok(Meaning::Replay(response)),
        (Finder::Duplicate | Finder::StaleTransaction, State::Running) => Ok(Meaning::InProgress),
        (Finder::Duplicate, State::NotRetained { status }) => {
            Err(Rejection::ResultUnavailable { status })
        }
        _ => {
            let may_retry = same_request && request.recoverable;
            Err(Rejection::OutcomeUnknown { retry_after: recoverable_in.filter(|_| may_retry) })
        }
    }
}

/// Decides what a stale run or transaction returns. `existing` is the record that the store reported, or
/// `None` if the key has no record or the store did not reply. With `recover`, the next request finds out more.
pub(super) fn evaluate_stale(
    finder: Finder,
    request: RequestIdentity,
    existing: Option<Box<ExistingRecord>>,
) -> Result<StoredResponse, Rejection> {
    let retry_after = request.recoverable.then_some(Duration::ZERO);
    let existing = existing.ok_or(Rejection::OutcomeUnknown { retry_after })?;
    match evaluate(finder, request, *existing)? {
        Meaning::Replay(response) => Ok(response),
        Meaning::InProgress => Err(Rejection::InProgress),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::model::Headers;

    fn existing(state: State) -> ExistingRecord {
        ExistingRecord {
            fingerprint: Some(Fingerprint::from_parts(1, [1; 32])),
            state,
            recoverable_in: None,
        }
    }

    const fn request(print: u8) -> RequestIdentity {
        RequestIdentity {
            fingerprint: Some(Fingerprint::from_parts(1, [print; 32])),
            recoverable: true,
        }
    }

    #[test]
    fn a_stale_run_gets_no_response_of_another_request() {
        let response =
            StoredResponse { status: 200, headers: Headers::default(), body: Bytes::new() };
        let evaluated = |finder, print| {
            evaluate(finder, request(print), existing(State::Completed(response.clone())))
        };
        for finder in [Finder::StaleRun, Finder::StaleTransaction] {
            let replay = evaluated(finder, 1);
            assert!(matches!(replay, Ok(Meaning::Replay(_))), "{replay:?}");
            let refused = evaluated(finder, 2);
            let is_unknown =
                matches!(refused, Err(Rejection::OutcomeUnknown { retry_after: None }));
            assert!(is_unknown, "{refused:?}");
        }
    }

    #[test]
    fn a_run_that_a_recovery_made_stale_can_be_looked_up_immediately() {
        let refused = evaluate(Finder::StaleRun, request(1), existing(State::Running));
        let Err(Rejection::OutcomeUnknown { retry_after }) = refused else { panic!("{refused:?}") };
        assert_eq!(retry_after, Some(Duration::ZERO));
    }
}
