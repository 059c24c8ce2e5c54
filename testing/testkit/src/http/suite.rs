//! The table: which scenarios there are, and how one becomes a test.

use std::future::Future;
use std::time::Duration;

use idem_core::Idempotency;

use super::app::Payments;
use super::server::{Listening, Server, Store};

/// Makes a test of every scenario, for an app that `start` serves. See [`http`](crate::http).
///
/// With `on: records`, a function that makes [`Records`](super::Records), the app runs on a store of the
/// test's own instead of the one in memory.
#[macro_export]
macro_rules! http_suite {
    ($start:path) => {
        mod local_store {
            use super::*;
            $crate::http_suite! { @all $start, $crate::http::Store::Local }
        }
        mod remote_store {
            use super::*;
            $crate::http_suite! { @all $start, $crate::http::Store::Remote }
        }
    };
    ($start:path, on: $records:path) => {
        $crate::http_suite! { @all $start, $crate::http::Store::Outside(|| Box::pin($records())) }
    };
    (@all $start:path, $store:expr) => {
        $crate::http_suite! { @rows $start, $store =>
            keys:
                a_bare_and_a_quoted_key_are_the_same
                malformed_keys_are_refused
                a_key_has_1_to_255_characters
                several_keys_are_none
                control_bytes_reach_no_handler
                a_key_is_required
                a_bad_key_is_refused_before_the_body
                an_optional_key_may_be_missing_but_not_malformed
                a_strict_route_takes_quoted_keys_only
                a_key_may_come_from_an_argument
                the_header_has_the_name_it_was_given
                case_counts
                safe_methods_bypass_the_guard;
            replay:
                an_answer_is_replayed_byte_for_byte
                every_kind_of_answer_is_replayed
                a_handler_without_parameters_is_guarded
                headers_of_a_moment_a_session_or_a_trace_are_not_replayed
                headers_of_the_connection_are_not_replayed
                any_header_bytes_are_replayed
                framing_is_made_anew
                a_handler_cannot_fake_the_marker
                a_stale_precondition_is_replayed
                a_key_is_new_after_its_ttl;
            fingerprint:
                another_body_is_refused
                a_mismatch_beats_a_run_under_way
                another_path_or_query_is_refused
                borders_between_path_and_query_do_not_move
                another_media_type_is_refused
                json_is_compared_by_meaning
                numbers_are_compared_as_written
                duplicate_members_are_compared_as_bytes
                odd_bodies_are_compared
                raw_bodies_are_compared_as_bytes
                an_expression_replaces_the_request
                other_headers_do_not_count
                another_key_runs_again;
            isolation:
                another_tenant_sees_a_new_key
                borders_between_tenant_and_key_do_not_move
                operations_are_independent
                routes_below_a_prefix_are_whole
                users_share_their_tenants_keys
                users_keep_keys_of_their_own
                a_replay_is_still_an_access
                an_empty_scope_fails_closed;
            outcomes:
                statuses_end_as_the_table_says
                at_least_once_frees_what_is_ambiguous
                handlers_may_say_how_it_ended
                a_panic_is_final
                a_panic_frees_the_key_under_at_least_once
                a_panic_before_the_claim_leaves_the_key_free
                refused_requests_leave_the_key_free
                a_truncated_upload_leaves_the_key_free
                store_calls_are_few;
            concurrency:
                one_of_many_runs
                duplicates_of_a_run_under_way_are_refused
                a_long_run_keeps_its_key
                a_blocked_thread_keeps_its_key
                a_blocked_thread_is_not_taken_over;
            waiting:
                a_duplicate_waits_for_the_first
                a_duplicate_does_not_wait_for_ever
                a_freed_key_lets_one_waiter_run
                waiters_are_capped
                a_waiter_that_leaves_makes_room;
            disconnect:
                a_run_outlives_a_closed_connection
                a_run_outlives_a_reset_connection
                a_run_outlives_a_half_closed_connection
                a_run_outlives_a_timeout
                a_run_too_long_is_given_up;
            limits:
                a_body_over_the_limit_is_refused
                a_body_of_unknown_length_is_bounded_too
                chunks_do_not_matter
                an_answer_at_the_limit_is_kept
                an_answer_over_the_limit_is_not_kept
                a_stream_is_kept_up_to_the_limit
                an_endless_stream_reaches_its_caller
                a_stream_that_never_ends_is_given_up
                a_stream_broken_at_the_start_is_a_failure
                a_stream_broken_midway_is_not_kept
                a_full_store_refuses_new_keys;
            quotas:
                a_scope_has_its_quota;
            problems:
                every_problem_has_its_document
                a_problem_is_sent_whatever_is_accepted
                the_base_and_the_delay_are_configurable;
            drain:
                a_drain_finishes_what_runs
                a_drain_refuses_what_is_new
                a_drain_finishes_what_nobody_waits_for
                a_drain_gives_up_in_the_end;
            store_faults:
                a_store_that_is_down_runs_nothing
                a_store_that_is_silent_runs_nothing
                a_claim_is_sent_again
                a_claim_that_is_given_up_is_abandoned
                a_claim_that_arrives_late_is_abandoned
                a_store_that_comes_back_soon_takes_the_answer
                a_store_that_comes_back_late_takes_the_answer
                a_store_that_stays_silent_takes_the_answer_later
                at_least_once_shows_no_success_that_is_not_stored
                an_answer_stored_twice_is_one_answer
                a_release_is_sent_again;
        }
    };
    (@rows $start:path, $store:expr => $($subject:ident: $($scenario:ident)+;)+) => {
        $(
            mod $subject {
                #[allow(unused_imports)]
                use super::*;

                $(
                    #[test]
                    fn $scenario() {
                        let scenario = $crate::http::scenarios::$subject::$scenario;
                        $crate::http::run($start, $store, scenario);
                    }
                )+
            }
        )+
    };
}

/// A scenario that hangs is one that fails. Generous: it is no assertion on time.
const WATCHDOG: Duration = Duration::from_secs(120);

/// Serves a fresh app and lets a scenario loose on it.
pub fn run<S, F>(start: S, store: Store, scenario: impl AsyncFnOnce(&Server))
where
    S: Fn(Idempotency, Payments) -> F + Send + Sync + 'static,
    F: Future<Output = Listening> + Send + 'static,
{
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let scenario = async { scenario(&Server::new(start, store).await).await };
        tokio::time::timeout(WATCHDOG, scenario).await.expect("the scenario hangs");
    });
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// A scenario that is not in the table would never run.
    #[test]
    fn every_scenario_is_in_the_table() {
        let table = include_str!("suite.rs");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/scenarios");
        for file in fs::read_dir(folder).unwrap() {
            let source = fs::read_to_string(file.unwrap().path()).unwrap();
            for found in source.split("\npub async fn ").skip(1) {
                let name = found.split('(').next().unwrap();
                assert!(
                    table.split_whitespace().any(|word| word.trim_end_matches(';') == name),
                    "{name}"
                );
            }
        }
    }
}
