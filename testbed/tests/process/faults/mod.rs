//! The faults of RELIABILITY section 9 that a process and its store can meet: row NN is `fault_NN_…`.

mod clients;
mod crash;
mod duplicates;
mod network;
mod pause;
mod shutdown;
mod store;
mod transaction;

use crate::support::rows;

rows! {
    crash:
        fault_01_killed_before_the_claim on [redis postgres];
        fault_03_killed_before_the_effect on [redis postgres];
        fault_04_killed_after_the_effect on [redis postgres];
        fault_06_killed_and_taken_over on [redis postgres];
        fault_07_killed_too_often on [redis postgres];
}

rows! {
    pause:
        fault_10_paused_and_unnoticed on [redis postgres];
        fault_11_paused_and_missed on [redis postgres];
        fault_12_paused_and_overtaken on [redis postgres];
        fault_13_paused_while_another_runs on [redis postgres];
        fault_14_longer_than_its_lease on [memory redis postgres];
}

rows! {
    clients:
        fault_19_clients_leave on [memory redis postgres];
        fault_20_an_outer_timeout on [memory redis postgres];
        fault_22_clients_leave_while_they_upload on [memory redis postgres];
}

rows! {
    shutdown:
        fault_23_a_drain_stores_what_runs on [memory redis postgres];
        fault_24_a_drain_gives_up on [redis postgres];
        fault_25_a_drain_refuses_what_is_new on [redis postgres];
}

rows! {
    store:
        fault_40_the_store_dies_for_a_moment on [redis];
        fault_41_the_store_dies_for_longer on [memory redis postgres];
        fault_42_the_store_dies_and_then_the_process on [redis postgres];
        fault_43_the_store_dies_under_at_least_once on [memory redis postgres];
        fault_51_the_store_restarts_with_its_records on [redis];
}

rows! {
    network:
        fault_02_killed_after_the_claim on [redis postgres];
        fault_05_killed_before_the_reply on [redis postgres];
        fault_16_renewals_fail_for_a_while on [redis postgres];
        fault_17_renewals_fail_for_too_long on [redis postgres];
        fault_36_the_reply_to_a_claim_is_lost on [redis postgres];
        fault_36_a_claim_is_given_up on [redis postgres];
        fault_44_the_reply_to_a_completion_is_lost on [redis postgres];
}

rows! {
    duplicates:
        fault_47_two_hundred_at_once on [memory redis postgres];
        fault_47_two_hundred_at_two_processes on [redis postgres];
        fault_72_clocks_that_are_wrong on [redis postgres];
}

rows! {
    transaction:
        fault_09_killed_in_its_transaction on [postgres];
        fault_61_the_database_stops_at_once on [postgres];
}
