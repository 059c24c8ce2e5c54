//! Runs the model checker over the correct state machine, and over one with injected bugs.

use idem_core::Guarantee;
use stateright::{Checker, HasDiscoveries, Model};

use crate::handlers::{Handlers, Recover};
use crate::model::Setup;
use crate::mutation::Mutation;
use crate::properties::{
    BOUNDED_STARTS, CURRENT_RESOLUTIONS, EQUAL_REPLAYS, EVERY_STARTED_RUN_IS_RECORDED,
    GROWING_FENCING_TOKENS, NO_START_AFTER_ACCEPTANCE, NO_START_IN_RECOVERY, NOTHING_STAYS_STUCK,
    OLD_OWNERS_ARE_FENCED, ONE_ACCEPTED_RESULT, SILENCE_IS_KEPT,
};

const AT_MOST_ONCE: Setup = Setup {
    handlers: Handlers { guarantee: Guarantee::AtMostOnce, recover: Recover::Never },
    keys: 1,
    processes: 3,
    faults: 1,
    resolutions: 0,
    mutation: None,
};
const AT_LEAST_ONCE: Setup = Setup {
    handlers: Handlers { guarantee: Guarantee::AtLeastOnce, recover: Recover::Never },
    ..AT_MOST_ONCE
};
const RECOVERING: Setup = Setup {
    handlers: Handlers { guarantee: Guarantee::AtMostOnce, recover: Recover::Always },
    ..AT_MOST_ONCE
};
const TWO_RECOVERING: Setup = Setup { processes: 2, ..RECOVERING };
const RECOVERING_EXCEPT_FIRST: Setup = Setup {
    handlers: Handlers { guarantee: Guarantee::AtMostOnce, recover: Recover::ExceptFirst },
    ..AT_MOST_ONCE
};

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
fn at_most_once_with_two_keys() {
    assert_invariants(Setup { keys: 2, processes: 2, faults: 0, ..AT_MOST_ONCE });
}

#[test]
fn at_least_once_with_two_keys() {
    assert_invariants(Setup { keys: 2, processes: 2, faults: 0, ..AT_LEAST_ONCE });
}

#[test]
fn recovery_with_two_processes() {
    assert_invariants(TWO_RECOVERING);
}

#[test]
fn recovery_during_a_deploy() {
    assert_invariants(Setup { processes: 2, ..RECOVERING_EXCEPT_FIRST });
}

#[test]
fn an_operator_with_two_processes() {
    assert_invariants(Setup { processes: 2, resolutions: 1, ..AT_MOST_ONCE });
}

#[test]
fn an_operator_and_recovery_without_faults() {
    assert_invariants(Setup { processes: 2, faults: 0, resolutions: 1, ..RECOVERING });
}

#[test]
#[ignore = "takes minutes"]
fn three_processes_with_two_faults() {
    for setup in [AT_MOST_ONCE, AT_LEAST_ONCE] {
        assert_invariants(Setup { faults: 2, ..setup });
    }
}

#[test]
#[ignore = "takes minutes"]
fn two_keys_with_a_fault() {
    for setup in [AT_MOST_ONCE, AT_LEAST_ONCE] {
        assert_invariants(Setup { keys: 2, processes: 2, ..setup });
    }
}

#[test]
#[ignore = "takes minutes"]
fn recovery_with_two_faults() {
    for setup in [RECOVERING, RECOVERING_EXCEPT_FIRST] {
        assert_invariants(Setup { processes: 2, faults: 2, ..setup });
    }
}

#[test]
#[ignore = "takes minutes"]
fn recovery_with_three_processes() {
    assert_invariants(RECOVERING);
}

#[test]
#[ignore = "takes minutes"]
fn an_operator_and_recovery_with_a_fault() {
    assert_invariants(Setup { processes: 2, resolutions: 1, ..RECOVERING });
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

#[test]
fn a_recovery_without_fencing_is_detected() {
    assert_detected(TWO_RECOVERING, Mutation::FencingTokenStays, &[GROWING_FENCING_TOKENS]);
    assert_detected(TWO_RECOVERING, Mutation::AnyProcessCompletes, &[OLD_OWNERS_ARE_FENCED]);
}

#[test]
fn a_resolution_without_fencing_is_detected() {
    let setup = Setup { resolutions: 1, ..TWO_RECOVERING };
    assert_detected(setup, Mutation::ResolvesAnyToken, &[CURRENT_RESOLUTIONS]);
    assert_detected(setup, Mutation::ResolutionKeepsToken, &[OLD_OWNERS_ARE_FENCED]);
    assert_detected(setup, Mutation::ResolvesLiveRun, &[CURRENT_RESOLUTIONS]);
    assert_detected(setup, Mutation::FencingTokenStays, &[CURRENT_RESOLUTIONS]);
}

#[test]
fn an_unknown_record_that_expires_after_ttl_is_detected() {
    assert_detected(TWO_RECOVERING, Mutation::TtlForHold, &[EVERY_STARTED_RUN_IS_RECORDED]);
    assert_detected(AT_MOST_ONCE, Mutation::TtlForHold, &[EVERY_STARTED_RUN_IS_RECORDED]);
}

#[test]
fn a_silence_that_a_second_recovery_forgets_is_detected() {
    assert_detected(TWO_RECOVERING, Mutation::SilenceForgotten, &[SILENCE_IS_KEPT]);
}

#[test]
fn a_resent_recovery_claim_that_starts_the_handler_is_detected() {
    assert_detected(TWO_RECOVERING, Mutation::ResentRecoveryIsFirstRun, &[NO_START_IN_RECOVERY]);
    assert_detected(TWO_RECOVERING, Mutation::ResentRecoveryIsFirstRun, &[BOUNDED_STARTS]);
}

#[test]
fn a_run_that_is_resumed_after_its_completion_is_detected() {
    assert_detected(TWO_RECOVERING, Mutation::ResumesAfterCompletion, &[ONE_ACCEPTED_RESULT]);
}

#[test]
fn a_start_before_the_run_is_resumed_is_detected() {
    assert_detected(TWO_RECOVERING, Mutation::StartsBeforeResumed, &[NO_START_IN_RECOVERY]);
}

#[test]
fn a_recovery_of_a_run_without_recover_is_detected() {
    let setup = Setup { processes: 2, ..RECOVERING_EXCEPT_FIRST };
    let mutation = Mutation::RecoversWithoutRecover;
    assert_detected(setup, mutation, &[BOUNDED_STARTS]);
}

#[test]
fn an_early_response_of_a_recoverable_run_is_detected() {
    let mutation = Mutation::RespondsBeforeStored;
    assert_detected(TWO_RECOVERING, mutation, &[EQUAL_REPLAYS]);
}
