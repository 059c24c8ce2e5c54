//! The table of all scenarios, and the macro that turns them into tests.

use std::future::Future;
use std::time::Duration;

use idem_core::Idempotency;

use crate::app::Service;

use super::server::{Listening, Server, Store};

/// Defines a test for every scenario, for the app that `start` serves. See [`http`](crate::http).
///
/// With `except: exemptions`, a table of scenarios and reasons, those scenarios are left out.
///
/// With `on: records`, a function that creates [`Records`](super::Records), the app runs on that store instead
/// of the memory store.
#[macro_export]
macro_rules! http_suite {
    ($start:path) => {
        $crate::http_suite! { $start, except: &[] }
    };
    ($start:path, except: $exemptions:expr) => {
        mod local_store {
            use super::*;
            $crate::http_suite! { @all $start, $crate::http::Store::Local, $exemptions }
        }
        mod remote_store {
            use super::*;
            $crate::http_suite! { @all $start, $crate::http::Store::Remote, $exemptions }
        }
    };
    ($start:path, on: $records:path) => {
        $crate::http_suite! { @all $start, $crate::http::Store::External(|| Box::pin($records())), &[] }
    };
    (@all $start:path, $store:expr, $exemptions:expr) => {
        $crate::http_suite! { @rows $start, $store, $exemptions =>
            keys:
                a_bare_and_a_quoted_key_are_the_same
                malformed_keys_are_refused
                a_key_has_1_to_255_characters
                several_keys_are_refused
                control_bytes_are_refused
                a_key_is_required
                a_bad_key_is_refused_before_the_body
                an_optional_key_may_be_missing_but_not_malformed
                a_strict_route_accepts_only_quoted_keys
                a_key_may_come_from_an_argument
                the_header_name_is_configurable
                a_key_may_have_several_header_names
                different_keys_under_several_names_are_refused
                a_minimum_length_of_keys_is_configurable
                a_key_may_have_to_be_a_uuid
                an_old_key_is_refused
                a_key_from_an_argument_has_a_minimum_length
                a_response_may_echo_the_key
                keys_are_case_sensitive
                safe_methods_bypass_the_guard;
            replay:
                a_response_is_replayed_byte_for_byte
                every_kind_of_response_is_replayed
                a_handler_without_parameters_is_guarded
                date_cookie_and_tracing_headers_are_not_replayed
                connection_headers_are_not_replayed
                any_header_bytes_are_replayed
                framing_headers_are_generated
                a_handler_cannot_set_the_replay_marker
                a_handler_cannot_set_the_header_of_refusals
                a_stale_precondition_is_replayed
                the_stored_headers_are_configurable
                the_name_of_the_replay_marker_is_configurable
                a_key_is_new_after_its_ttl;
            fingerprint:
                a_different_body_is_refused
                a_mismatch_is_reported_before_in_progress
                a_different_path_or_query_is_refused
                path_and_query_are_compared_separately
                a_different_media_type_is_refused
                json_is_compared_by_meaning
                numbers_are_compared_as_written
                duplicate_members_are_compared_as_bytes
                bodies_that_are_not_json_are_compared_as_bytes
                multipart_is_compared_by_its_parts
                unclear_multipart_is_compared_as_bytes
                the_same_bytes_with_another_boundary_are_refused
                forms_are_compared_by_their_pairs
                raw_bodies_are_compared_as_bytes
                a_fingerprint_expression_replaces_the_request
                other_headers_are_ignored
                another_key_runs_again;
            isolation:
                another_tenant_sees_a_new_key
                tenant_and_key_are_compared_separately
                operations_are_independent
                nested_routes_keep_their_prefix
                users_share_their_tenants_keys
                user_scopes_are_independent
                a_replay_requires_authorization
                an_empty_scope_fails_closed;
            outcomes:
                statuses_decide_the_outcome
                at_least_once_frees_the_key_after_an_ambiguous_failure
                a_declared_outcome_overrides_the_status
                a_panic_is_final
                a_panic_frees_the_key_under_at_least_once
                a_panic_before_the_claim_leaves_the_key_free
                refused_requests_leave_the_key_free
                a_truncated_upload_leaves_the_key_free
                store_calls_are_few;
            recovery:
                a_found_result_is_replayed_byte_for_byte
                a_panic_of_a_recoverable_handler_is_retryable
                nothing_happened_counts_after_the_settle_time
                a_late_effect_is_found
                an_inconclusive_hook_is_asked_again
                a_disputed_outcome_is_not_asked_about_again
                a_run_that_loses_its_lease_is_recovered
                concurrent_duplicates_ask_once
                another_request_is_not_recovered
                a_status_that_frees_keys_is_asked_about
                a_recovery_whose_reply_is_lost_is_a_recovery
                a_resumed_run_whose_reply_is_lost_starts_once;
            acted:
                no_status_frees_the_key_of_an_acted_run
                a_status_frees_the_key_of_a_run_that_did_not_act
                a_declared_outcome_is_obeyed_after_an_act
                a_confirmation_is_one_store_call;
            releases:
                a_released_status_frees_the_key
                another_status_is_stored
                no_released_status_frees_the_key_of_an_acted_run;
            concurrency:
                one_of_many_runs
                duplicates_of_a_running_request_are_refused
                a_long_run_keeps_its_key
                a_blocked_thread_keeps_its_key
                a_blocked_thread_is_not_taken_over;
            waiting:
                a_duplicate_waits_for_the_first
                waiting_ends_after_the_wait_time
                a_freed_key_lets_one_waiter_run
                waiting_duplicates_are_limited
                a_waiter_that_disconnects_frees_its_place;
            disconnect:
                a_run_outlives_a_closed_connection
                a_run_outlives_a_reset_connection
                a_run_outlives_a_half_closed_connection
                a_run_outlives_a_timeout
                a_run_beyond_max_run_is_given_up;
            runs:
                runs_without_a_client_are_limited
                runs_of_a_scope_are_limited
                a_refused_run_leaves_its_key_free;
            limits:
                a_body_over_the_limit_is_refused
                a_body_of_unknown_length_is_limited
                chunking_does_not_change_the_fingerprint
                a_response_at_the_limit_is_stored
                a_response_over_the_limit_is_not_stored
                a_stream_is_stored_up_to_the_limit
                an_endless_stream_reaches_its_caller
                a_stream_that_never_ends_is_given_up
                a_stream_that_fails_at_the_start_is_a_500
                a_stream_that_fails_midway_is_not_stored
                a_full_store_refuses_new_keys;
            streams:
                a_stream_reaches_its_client_as_it_is_produced
                a_response_with_a_length_over_the_limit_is_not_collected
                a_drain_does_not_wait_for_a_stream
                a_stream_ends_with_its_client
                a_stream_without_a_client_is_not_produced
                a_failed_stream_is_collected;
            quotas:
                a_scope_has_its_quota;
            problems:
                every_problem_has_its_document
                a_problem_ignores_the_accept_header
                layers_see_refusals
                the_format_of_refusals_is_configurable
                problem_base_and_retry_delay_are_configurable;
            events:
                each_request_is_one_event
                each_refusal_before_the_store_is_one_event
                a_panicking_observer_affects_no_request;
            status:
                the_status_of_a_key_is_its_response
                the_status_of_another_tenants_key_is_unknown
                a_status_can_wait_for_the_end_of_a_run
                the_status_of_a_malformed_key_is_refused;
            health:
                the_health_endpoint_reports_the_store;
            drain:
                a_drain_waits_for_active_runs
                a_drain_refuses_new_requests
                a_drain_waits_for_runs_without_a_client
                a_drain_gives_up_at_its_deadline;
            store_faults:
                nothing_runs_while_the_store_is_down
                nothing_runs_while_the_store_is_silent
                a_claim_is_retried
                a_claim_without_a_reply_is_abandoned
                a_late_claim_is_abandoned
                a_short_outage_delays_the_response
                a_long_outage_stores_the_response_in_the_background
                a_silent_store_stores_the_response_in_the_background
                at_least_once_returns_only_stored_successes
                a_repeated_completion_stores_one_response
                a_release_is_retried;
        }
    };
    (@rows $start:path, $store:expr, $exemptions:expr => $($topic:ident: $($scenario:ident)+;)+) => {
        $(
            mod $topic {
                #[allow(unused_imports)]
                use super::*;

                $(
                    #[test]
                    fn $scenario() {
                        let name = concat!(stringify!($topic), "::", stringify!($scenario));
                        if $crate::http::exemptions::is_exempt($exemptions, name) {
                            return;
                        }
                        let scenario = $crate::http::scenarios::$topic::$scenario;
                        $crate::http::run($start, $store, scenario);
                    }
                )+
            }
        )+
    };
}

/// The time after which a scenario counts as hanging. It is not an assertion about speed.
const WATCHDOG: Duration = Duration::from_secs(300);

/// Serves a fresh app and runs a scenario on it.
pub fn run<S, F>(start: S, store: Store, scenario: impl AsyncFnOnce(&Server))
where
    S: Fn(Idempotency, Service) -> F + Send + Sync + 'static,
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

    #[test]
    fn every_exemption_names_a_scenario() {
        for (name, _) in super::super::exemptions::OF_LAYERS {
            let (topic, scenario) = name.split_once("::").unwrap();
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/scenarios");
            let source = fs::read_to_string(folder.join(topic).with_extension("rs")).unwrap();
            assert!(source.contains(&format!("pub async fn {scenario}(")), "{name}");
        }
    }

    /// A scenario that is missing in the table would never run.
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
