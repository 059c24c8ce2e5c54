//! The testbed as processes, on stores of the tests' own: its contract, and what faults lead to.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

mod chaos;
mod contract;
mod faults;
mod matrix;
mod support;

use support::rows;

rows! {
    contract:
        every_route_succeeds_and_replays on [memory redis postgres];
        the_first_answer_has_its_headers on [memory];
        callers_are_told_apart on [memory];
        a_request_may_steer_its_handler on [memory redis postgres];
        a_change_honours_its_precondition on [memory redis postgres];
        layers_stand_outside on [memory];
        a_store_may_be_broken on [memory redis postgres];
        a_clock_may_be_moved on [memory redis postgres];
        logs_hide_secrets on [memory redis postgres];
        requests_and_answers_are_bounded on [memory];
        both_versions_of_http_are_spoken on [memory];
}
