//! Runs the model checker over the correct state machine, and over one with injected bugs.

use idem_core::Guarantee;
use stateright::{Checker, HasDiscoveries, Model};

use crate::model::Setup;
use crate::mutation::Mutation;
use crate::properties::{
    BOUNDED_STARTS, EQUAL_REPLAYS, EVERY_STARTED_RUN_IS_RECORDED, GROWING_FENCING_TOKENS,
    NO_START_AFTER_ACCEPTANCE, NOTHING_STAYS_STUCK, ONE_ACCEPTED_RESULT,
};

const AT_MOST_ONCE: Setup =
    Setup { guarantee: Guarantee::AtMostOnce, keys: 1, processes: 3, faults: 1, mutation: None };
const AT_LEAST_ONCE: Setup = Setup { guarantee: Guarantee::AtLeastOnce, ..AT_MOST_ONCE };

fn assert_invariants(setup: Setup) {
    let failures = HasDiscoveries::AnyFailures;
    setup.checker().threads(2).finish_when(failures).spawn_bfs().join().assert_properties();
}

#[test]
fn at_most_once_with_three_processes() {
    assert_invariants(AT_MOST_ONCE);
}

#[test]
fn at_most_once_with_two_faults() {
    assert_invariants(Setup { processes: 2, faults: 2, ..AT_MOST_ONCE });
}

#[test]
fn at_least_once_with_three_processes() {
    assert_invariants(AT_LEAST_ONCE);
}

#[test]
fn at_least_once_with_two_faults() {
    assert_invariants(Setup { processes: 2, faults: 2, ..AT_LEAST_ONCE });
}

#[test]
fn two_keys_with_two_processes() {
    for setup in [AT_MOST_ONCE, AT_LEAST_ONCE] {
        assert_invariants(Setup { keys: 2, processes: 2, ..setup });
    }
}

#[test]
#[ignore = "takes minutes"]
fn three_processes_with_two_faults() {
    for setup in [AT_MOST_ONCE, AT_LEAST_ONCE] {
        assert_invariants(Setup { faults: 2, ..setup });
    }
}

/// Asserts that the bug violates one of the invariants.
fn assert_detected(setup: Setup, mutation: Mutation, invariants: &[&'static str]) {
    let setup = Setup { faults: 2, mutation: Some(mutation), ..setup };
    let violated = HasDiscoveries::AnyOf(invariants.iter().copied().collect());
    let checker = setup.checker().threads(2).finish_when(violated).spawn_bfs().join();
    let found = checker.discoveries();
    assert!(
        invariants.iter().any(|invariant| found.contains_key(invariant)),
        "{mutation:?} was not detected"
    );
}

#[test]
fn a_completion_by_any_process_is_detected() {
    assert_detected(AT_LEAST_ONCE, Mutation::AnyProcessCompletes, &[EQUAL_REPLAYS]);
}

#[test]
fn an_abandon_by_any_process_is_detected() {
    assert_detected(AT_MOST_ONCE, Mutation::AnyProcessAbandons, &[EVERY_STARTED_RUN_IS_RECORDED]);
}

#[test]
fn a_fencing_token_that_does_not_grow_is_detected() {
    assert_detected(AT_LEAST_ONCE, Mutation::FencingTokenStays, &[GROWING_FENCING_TOKENS]);
}

#[test]
fn a_record_that_expires_with_its_lease_is_detected() {
    assert_detected(AT_MOST_ONCE, Mutation::LeaseEndsRetention, &[EVERY_STARTED_RUN_IS_RECORDED]);
    assert_detected(AT_MOST_ONCE, Mutation::LeaseEndsRetention, &[BOUNDED_STARTS]);
}

#[test]
fn a_lease_that_never_ends_is_detected() {
    assert_detected(AT_MOST_ONCE, Mutation::LeaseNeverEnds, &[NOTHING_STAYS_STUCK]);
}

#[test]
fn a_second_result_is_detected() {
    assert_detected(AT_LEAST_ONCE, Mutation::LastResultWins, &[ONE_ACCEPTED_RESULT]);
}

#[test]
fn a_takeover_under_at_most_once_is_detected() {
    assert_detected(AT_MOST_ONCE, Mutation::TakesOverUnderAtMostOnce, &[BOUNDED_STARTS]);
}

#[test]
fn a_release_after_a_store_error_is_detected() {
    assert_detected(AT_MOST_ONCE, Mutation::ReleasesOnStoreError, &[EVERY_STARTED_RUN_IS_RECORDED]);
    assert_detected(AT_MOST_ONCE, Mutation::ReleasesOnStoreError, &[NO_START_AFTER_ACCEPTANCE]);
    assert_detected(
        AT_LEAST_ONCE,
        Mutation::ReleasesOnStoreError,
        &[EVERY_STARTED_RUN_IS_RECORDED],
    );
}

#[test]
fn a_start_without_a_reply_is_detected() {
    assert_detected(AT_MOST_ONCE, Mutation::StartsWithoutReply, &[BOUNDED_STARTS]);
}
