//! The faults of RELIABILITY section 9 that can be spoken to a process: row NN is `fault_NN_…`.

mod claim;
mod clients;
mod crash;
mod duplicates;
mod keys;
mod limits;
mod network;
mod outcomes;
mod pause;
mod shutdown;
mod store;
mod time;
mod transaction;
mod waiting;

use crate::support::rows;

rows! {
    faults:
    crash {
        fault_01_killed_before_the_claim on [redis postgres];
        fault_03_killed_before_the_effect on [redis postgres];
        fault_04_killed_after_the_effect on [redis postgres];
        fault_06_killed_and_taken_over on [redis postgres];
        fault_07_killed_too_often on [redis postgres];
    }
    network {
        fault_02_killed_after_the_claim on [redis postgres];
        fault_05_killed_before_the_reply on [redis postgres];
        fault_16_renewals_fail_for_a_while on [redis postgres];
        fault_17_renewals_fail_for_too_long on [redis postgres];
        fault_44_the_reply_to_a_completion_is_lost on [redis postgres];
    }
    claim {
        fault_35_the_store_cannot_be_reached on [redis postgres];
        fault_36_the_reply_to_a_claim_is_lost on [redis postgres];
        fault_36_a_claim_is_given_up on [redis postgres];
    }
    transaction {
        fault_09_killed_in_its_transaction on [postgres];
        fault_09_killed_around_its_transaction on [postgres];
        fault_62_the_reply_to_a_commit_is_lost on [postgres];
        fault_63_a_commit_does_not_arrive on [postgres];
    }
    pause {
        fault_10_paused_and_unnoticed on [redis postgres];
        fault_11_paused_and_missed on [redis postgres];
        fault_12_paused_and_overtaken on [redis postgres];
        fault_12_overtaken_and_cut_off on [redis postgres];
        fault_13_paused_while_another_runs on [redis postgres];
    }
    time {
        fault_14_longer_than_its_lease on [memory redis postgres];
        fault_15_a_blocked_thread on [memory redis postgres];
        fault_18_longer_than_it_may on [memory redis postgres];
        fault_72_clocks_that_are_wrong on [redis postgres];
        fault_74_the_ttl_ends on [memory redis postgres];
    }
    clients {
        fault_19_clients_leave on [memory redis postgres];
        fault_20_an_outer_timeout on [memory redis postgres];
        fault_22_clients_leave_while_they_upload on [memory redis postgres];
    }
    shutdown {
        fault_23_a_drain_stores_what_runs on [memory redis postgres];
        fault_24_a_drain_gives_up on [redis postgres];
        fault_24_a_drain_cuts_off_what_has_no_key on [memory];
        fault_25_a_drain_refuses_what_is_new on [redis postgres];
    }
    outcomes {
        fault_27_a_handler_panics on [memory redis postgres];
        fault_28_what_surrounds_a_handler_panics on [memory redis postgres];
        fault_30_statuses on [memory redis postgres];
    }
    limits {
        fault_32_answers_around_the_limit on [memory redis postgres];
        fault_33_streams_that_do_not_end_well on [memory redis postgres];
    }
    store {
        fault_40_the_store_dies_for_a_moment on [redis postgres];
        fault_41_the_store_dies_for_longer on [memory redis postgres];
        fault_42_the_store_dies_and_then_the_process on [redis postgres];
        fault_43_the_store_dies_under_at_least_once on [memory redis postgres];
        fault_51_the_store_restarts_with_its_records on [redis];
        fault_61_the_store_restarts_with_its_records on [postgres];
    }
    duplicates {
        fault_47_two_hundred_at_once on [memory redis postgres];
        fault_47_two_hundred_at_two_processes on [redis postgres];
    }
    waiting {
        fault_21_a_waiter_leaves on [memory redis postgres];
        fault_48_many_wait on [memory redis postgres];
        fault_49_the_first_did_nothing on [memory redis postgres];
    }
    keys {
        fault_76_keys_that_look_alike on [memory redis postgres];
        fault_78_one_tenant_floods on [memory redis postgres];
        fault_79_bodies_that_look_alike on [memory redis postgres];
        fault_80_secrets_stay_out_of_logs on [memory redis postgres];
    }
}
