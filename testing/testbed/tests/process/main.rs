//! The testbed as processes, on stores of the tests' own: its contract, and what faults lead to.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

mod chaos;
mod contract;
mod faults;
mod matrix;
mod support;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use support::{report, rows};

rows! {
    contract: contract {
        every_route_succeeds_and_replays on [memory redis postgres];
        the_first_answer_has_its_headers on [memory];
        callers_are_told_apart on [memory];
        who_calls_comes_first on [memory postgres];
        what_no_store_can_keep_is_refused on [memory redis postgres];
        a_request_may_steer_its_handler on [memory redis postgres];
        a_change_honours_its_precondition on [memory redis postgres];
        one_change_of_a_version_wins on [memory redis postgres];
        layers_stand_outside on [memory];
        a_store_may_be_broken on [memory redis postgres];
        a_store_may_be_broken_under_a_transaction on [postgres];
        a_clock_may_be_moved on [memory redis postgres];
        requests_and_answers_are_bounded on [memory];
        both_versions_of_http_are_spoken on [memory];
    }
}

/// More than there are cores: most of the time, rows wait for a lease to end.
const THREADS: usize = 12;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let faults = faults::trials();
    let mut all = chaos::trials();
    all.extend(matrix::trials(&faults));
    all.extend(faults);
    all.extend(trials());
    let completion = libtest_mimic::run(&arguments, all);
    report::print();
    completion.exit_code()
}
