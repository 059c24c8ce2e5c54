//! The runs of the checker.

use idem_core::Guarantee;
use stateright::{Checker, HasDiscoveries, Model};

use crate::mutation::Mutation;
use crate::properties::{ANSWERS, FENCES, RECORDS, RERUNS, RESULTS, STARTS, STUCK};
use crate::world::Setup;

const ONCE: Setup =
    Setup { guarantee: Guarantee::AtMostOnce, keys: 1, processes: 3, faults: 1, mutation: None };
const AGAIN: Setup = Setup { guarantee: Guarantee::AtLeastOnce, ..ONCE };

fn keeps_its_promises(setup: Setup) {
    let failures = HasDiscoveries::AnyFailures;
    setup.checker().threads(2).finish_when(failures).spawn_bfs().join().assert_properties();
}

#[test]
fn at_most_once_with_three_processes() {
    keeps_its_promises(ONCE);
}

#[test]
fn at_most_once_with_two_faults() {
    keeps_its_promises(Setup { processes: 2, faults: 2, ..ONCE });
}

#[test]
fn at_least_once_with_three_processes() {
    keeps_its_promises(AGAIN);
}

#[test]
fn at_least_once_with_two_faults() {
    keeps_its_promises(Setup { processes: 2, faults: 2, ..AGAIN });
}

#[test]
fn two_keys() {
    for setup in [ONCE, AGAIN] {
        keeps_its_promises(Setup { keys: 2, processes: 2, ..setup });
    }
}

#[test]
#[ignore = "takes minutes"]
fn three_processes_with_two_faults() {
    for setup in [ONCE, AGAIN] {
        keeps_its_promises(Setup { faults: 2, ..setup });
    }
}

/// The bug breaks one of `promises`.
fn planted(setup: Setup, mutation: Mutation, promises: &[&'static str]) {
    let setup = Setup { faults: 2, mutation: Some(mutation), ..setup };
    let broken = HasDiscoveries::AnyOf(promises.iter().copied().collect());
    let checker = setup.checker().threads(2).finish_when(broken).spawn_bfs().join();
    let found = checker.discoveries();
    assert!(
        promises.iter().any(|promise| found.contains_key(promise)),
        "{mutation:?} went unnoticed"
    );
}

#[test]
fn planted_completion_by_anyone() {
    planted(AGAIN, Mutation::AnyoneCompletes, &[ANSWERS]);
}

#[test]
fn planted_abandonment_by_anyone() {
    planted(ONCE, Mutation::AnyoneAbandons, &[RECORDS]);
}

#[test]
fn planted_fence_that_stands_still() {
    planted(AGAIN, Mutation::FenceStandsStill, &[FENCES]);
}

#[test]
fn planted_lease_as_ttl() {
    planted(ONCE, Mutation::LeaseIsTtl, &[RECORDS]);
    planted(ONCE, Mutation::LeaseIsTtl, &[STARTS]);
}

#[test]
fn planted_lease_without_an_end() {
    planted(ONCE, Mutation::LeaseNeverEnds, &[STUCK]);
}

#[test]
fn planted_second_result() {
    planted(AGAIN, Mutation::LastResultWins, &[RESULTS]);
}

#[test]
fn planted_takeover_under_at_most_once() {
    planted(ONCE, Mutation::TakesOverAlways, &[STARTS]);
}

#[test]
fn planted_release_on_a_store_error() {
    planted(ONCE, Mutation::ReleasesOnError, &[RECORDS]);
    planted(ONCE, Mutation::ReleasesOnError, &[RERUNS]);
    planted(AGAIN, Mutation::ReleasesOnError, &[RECORDS]);
}

#[test]
fn planted_start_in_doubt() {
    planted(ONCE, Mutation::StartsInDoubt, &[STARTS]);
}
