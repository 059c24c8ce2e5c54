//! The testbed as server processes on real stores: its contract, and its behaviour under faults.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

mod chaos;
mod contract;
mod faults;
mod fitting;
mod matrix;
mod monitoring;
mod support;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use support::{report, rows};

rows! {
    contract: contract {
        every_route_succeeds_and_replays on [memory sqlite redis postgres];
        a_layer_keeps_the_contract on [memory sqlite redis postgres];
        a_layer_runs_once_across_processes on [sqlite redis postgres];
        a_first_response_has_its_headers on [memory];
        callers_have_different_rights on [memory];
        authentication_comes_first on [memory postgres];
        unsupported_input_is_refused on [memory sqlite redis postgres];
        a_request_controls_its_handler on [memory sqlite redis postgres];
        a_change_honours_its_precondition on [memory sqlite redis postgres];
        one_change_of_a_version_wins on [memory sqlite redis postgres];
        layers_apply_to_all_routes on [memory];
        a_store_can_fail on [memory sqlite redis postgres];
        a_store_can_fail_during_a_transaction on [postgres];
        a_clock_can_be_moved on [memory sqlite redis postgres];
        requests_and_responses_are_limited on [memory];
        both_http_versions_are_supported on [memory];
    }
    fitting {
        refusals_have_the_format_of_the_flag on [memory];
        a_handler_may_validate_its_request on [memory sqlite redis postgres];
        an_upload_is_sent_twice_by_curl on [memory];
        events_arrive_as_they_are_produced on [memory];
    }
    monitoring {
        a_call_is_seen_in_metrics_and_log on [memory redis postgres];
        health_follows_the_store on [memory redis postgres];
    }
}

/// More threads than cores, because most tests wait for a lease to end.
const THREADS: usize = 8;

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
