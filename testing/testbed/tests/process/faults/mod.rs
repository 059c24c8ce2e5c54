//! The faults of `docs/faults.md` that are tested with real server processes. A test is called `fault_<name>`, or
//! `fault_<name>_<variant>`.

mod acted;
mod claim;
mod clients;
mod crash;
mod duplicates;
mod keys;
mod limits;
mod network;
mod outcomes;
mod pause;
mod recover;
mod runs;
mod shutdown;
mod sqlite;
mod store;
mod time;
mod transaction;
mod waiting;

use crate::support::rows;

rows! {
    faults:
    crash {
        fault_crash_before_claim on [sqlite redis postgres];
        fault_crash_in_handler_before_effect on [sqlite redis postgres];
        fault_crash_after_effect_before_completion on [sqlite redis postgres];
        fault_unknown_outcome_outlives_ttl on [sqlite redis postgres];
        fault_crash_then_takeover on [sqlite redis postgres];
        fault_crash_beyond_max_attempts on [sqlite redis postgres];
    }
    network {
        fault_crash_after_claim_before_handler on [redis postgres];
        fault_crash_after_completion_before_reply on [redis postgres];
        fault_renewal_fails_briefly on [redis postgres];
        fault_renewal_fails_beyond_lease on [redis postgres];
        fault_completion_reply_lost on [redis postgres];
    }
    claim {
        fault_store_down_at_claim on [redis postgres];
        fault_claim_reply_lost on [redis postgres];
        fault_claim_reply_lost_until_deadline on [redis postgres];
    }
    transaction {
        fault_crash_in_transaction_during_handler on [postgres];
        fault_crash_in_transaction_before_and_after on [postgres];
        fault_commit_reply_lost on [postgres];
        fault_commit_not_applied on [postgres];
        fault_postgres_slow_transactions on [postgres];
    }
    pause {
        fault_pause_without_duplicate on [sqlite redis postgres];
        fault_pause_with_duplicate on [sqlite redis postgres];
        fault_takeover_completes_first_and_its_response_is_returned on [sqlite redis postgres];
        fault_takeover_completes_first_and_stale_run_is_cancelled on [sqlite redis postgres];
        fault_takeover_still_running on [sqlite redis postgres];
    }
    recover {
        fault_crash_with_recover_hook_after_effect on [sqlite redis postgres];
        fault_crash_with_recover_hook_before_effect on [sqlite redis postgres];
        fault_crash_with_recover_hook_in_hook on [sqlite redis postgres];
        fault_pause_with_recover_hook_after_effect on [sqlite redis postgres];
        fault_pause_with_recover_hook_before_effect on [sqlite redis postgres];
        fault_pause_with_recover_hook_and_late_completion on [sqlite redis postgres];
        fault_ambiguous_response_with_effect on [memory sqlite redis postgres];
        fault_ambiguous_response_without_effect on [memory sqlite redis postgres];
        fault_ambiguous_response_then_late_effect on [memory sqlite redis postgres];
        fault_provider_down_in_recover_hook on [memory sqlite redis postgres];
        fault_provider_contradicts_request on [memory sqlite redis postgres];
        fault_store_unreachable_with_recover_hook on [redis postgres];
        fault_recover_hook_outlives_drain on [sqlite redis postgres];
        fault_unknown_outcome_with_duplicates on [memory sqlite redis postgres];
    }
    acted {
        fault_acted_run_returns_releasing_status on [memory sqlite redis postgres];
    }
    time {
        fault_handler_outlives_lease on [memory sqlite redis postgres];
        fault_handler_blocks_thread on [memory sqlite redis postgres];
        fault_max_run_exceeded on [memory sqlite redis postgres];
        fault_client_clock_wrong on [redis postgres];
        fault_ttl_expires on [memory sqlite redis postgres];
    }
    clients {
        fault_client_disconnects_during_run on [memory sqlite redis postgres];
        fault_outer_timeout_during_run on [memory sqlite redis postgres];
        fault_client_disconnects_during_upload on [memory sqlite redis postgres];
    }
    runs {
        fault_runs_without_clients_behind_an_outer_limit on [memory];
        fault_runs_without_clients_are_limited on [memory sqlite redis postgres];
    }
    shutdown {
        fault_sigterm_during_run on [memory sqlite redis postgres];
        fault_drain_deadline_passes on [sqlite redis postgres];
        fault_drain_deadline_passes_without_key on [memory];
        fault_request_during_drain on [sqlite redis postgres];
    }
    outcomes {
        fault_handler_panics on [memory sqlite redis postgres];
        fault_panic_outside_handler on [memory sqlite redis postgres];
        fault_handler_returns_error on [memory sqlite redis postgres];
    }
    limits {
        fault_response_at_size_limit on [memory sqlite redis postgres];
        fault_response_body_incomplete on [memory sqlite redis postgres];
        fault_compressed_body_expands on [memory];
    }
    store {
        fault_store_outage_short on [redis postgres];
        fault_store_outage_long on [memory sqlite redis postgres];
        fault_store_outage_until_exit on [sqlite redis postgres];
        fault_store_outage_at_least_once on [memory sqlite redis postgres];
        fault_redis_restarts_with_its_records on [redis];
        fault_postgres_restarts_with_its_records on [postgres];
    }
    sqlite {
        fault_sqlite_restarts_with_its_records on [sqlite];
        fault_sqlite_clock_wrong on [sqlite];
        fault_sqlite_disk_full on [sqlite];
        fault_sqlite_file_replaced on [sqlite];
        fault_sqlite_process_paused_in_commit on [sqlite];
    }
    duplicates {
        fault_concurrent_duplicates_one_process on [memory sqlite redis postgres];
        fault_concurrent_duplicates_two_processes on [sqlite redis postgres];
    }
    waiting {
        fault_client_disconnects_while_waiting on [memory sqlite redis postgres];
        fault_many_waiters on [memory sqlite redis postgres];
        fault_key_freed_while_waiting on [memory sqlite redis postgres];
    }
    keys {
        fault_similar_keys on [memory sqlite redis postgres];
        fault_scope_exceeds_quota on [memory sqlite redis postgres];
        fault_similar_bodies on [memory sqlite redis postgres];
        fault_secret_in_request on [memory sqlite redis postgres];
    }
}
