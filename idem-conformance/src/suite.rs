//! The macros that turn the rules into tests.

/// Defines a `#[test]` for every rule that each store must follow.
///
/// The argument is the type of a [`StoreHarness`](crate::StoreHarness). See the
/// [crate documentation](crate) for an example.
#[macro_export]
macro_rules! store_suite {
    ($harness:ty) => {
        $crate::__rules! { $harness, claim:
            new_key_is_acquired
            first_fingerprint_is_recorded
            fingerprint_versions_are_kept
            repeated_claim_returns_the_same_claim
            repeated_claim_after_the_lease_returns_the_same_claim
            repeated_claim_does_not_extend_the_lease
            repeated_claim_after_completion_is_a_duplicate
            lapsed_at_most_once_record_reads_as_unknown
            ids_that_differ_in_one_bit_are_independent
            one_nonce_on_two_keys_makes_two_claims
            tiny_durations_expire
            huge_durations_are_not_truncated
        }
        $crate::__rules! { $harness, renew:
            renewal_extends_the_lease
            renewal_after_the_lease_succeeds
            renewal_extends_the_expiry
            renewal_does_not_change_the_claim
            stale_renewal_is_rejected
            stale_renewal_beside_the_current_one_is_rejected
            renewal_requires_a_running_record
        }
        $crate::__rules! { $harness, complete:
            completion_is_stored
            completion_after_the_lease_is_stored
            owner_resolves_unknown_outcome
            unknown_outcome_is_not_taken_over
            first_completion_is_kept
            stale_completion_returns_the_stored_record
            stale_completion_returns_a_lapsed_record_as_unknown
            completion_does_not_recreate_a_record
        }
        $crate::__rules! { $harness, release:
            released_key_is_new
            release_after_the_lease_frees_the_key
            stale_release_changes_nothing
            repeated_release_changes_nothing
            completed_record_is_not_freed
            abandoned_key_is_new
            abandon_after_the_lease_frees_the_key
            abandon_with_another_nonce_changes_nothing
        }
        $crate::__rules! { $harness, takeover:
            abandoned_takeover_keeps_the_attempt_count
            lapsed_record_is_taken_over
            stale_owner_is_rejected
            old_nonce_with_the_new_token_is_rejected
            repeated_claim_after_a_takeover_is_a_duplicate
            valid_lease_is_not_taken_over
            different_fingerprint_does_not_take_over
            stricter_guarantee_applies
            exhausted_record_reads_as_unknown
            attempt_limit_of_the_claim_applies
            takeover_sets_the_ttl
        }
        $crate::__rules! { $harness, recovery:
            lapsed_record_is_recovered
            a_resent_recovery_claim_is_a_recovery
            recovery_requires_both_sides_and_the_same_request
            quiet_time_delays_the_recovery
            silence_is_kept_over_recoveries
            disputed_record_is_not_recovered
            recovered_result_is_replayed
            resumed_run_is_a_run
            stale_resumption_is_rejected
            abandoned_recovery_is_begun_again
            recovery_sets_the_hold
            unknown_outcome_is_kept_for_its_retention
        }
        $crate::__rules! { $harness, expiry:
            completion_expires_after_its_ttl
            replays_do_not_extend_the_ttl
            repeated_completion_does_not_extend_the_ttl
            running_record_outlives_its_lease_by_its_hold
            renewed_record_does_not_expire
            owner_of_an_expired_record_is_rejected
            repeated_claim_of_an_expired_record_starts_again
            attempts_restart_after_expiry
            fencing_tokens_grow
        }
        $crate::__rules! { $harness, responses:
            bodies_are_replayed_byte_for_byte
            headers_are_replayed_byte_for_byte
            statuses_are_replayed
        }
        $crate::__rules! { $harness, concurrency:
            one_claim_wins
            one_takeover_wins
            late_completion_races_with_takeover
            late_renewal_races_with_takeover
            one_completion_is_kept
            one_release_frees_the_key
            repeated_releases_never_free_the_next_claim
        }
        #[test]
        fn store_behaves_like_the_model() {
            $crate::rules::differential::store_behaves_like_the_model::<$harness>();
        }
    };
}

/// Defines a `#[test]` for every rule of a store that limits the live keys of a scope
/// ([`Quota`](idem_core::store::Quota)).
#[macro_export]
macro_rules! quota_suite {
    ($harness:ty) => {
        $crate::__rules! { $harness, quota:
            new_key_beyond_the_quota_is_rejected
            existing_keys_are_served_at_the_quota
            takeover_does_not_count_as_a_new_key
            every_live_record_counts
            freed_key_makes_room
            freed_key_makes_room_after_a_rejection
            expired_keys_make_room
            lowered_quota_keeps_existing_keys
            quota_is_exact_under_concurrency
        }
    };
}

/// Defines a `#[test]` for every rule of a store with administrative access
/// ([`RecordAdmin`](idem_core::store::RecordAdmin)). Add `with: wakeups` if the store also passes
/// [`wakeup_suite!`](crate::wakeup_suite).
#[macro_export]
macro_rules! admin_suite {
    ($harness:ty) => {
        $crate::__rules! { $harness, admin:
            record_is_found
            recovery_keeps_the_names
            unknown_fields_are_kept
            response_ends_the_silence
            absent_record_is_not_found
            records_are_listed
            records_are_found_by_their_first_digits
            unknown_outcome_is_resolved
            held_record_expires
            resolution_requires_the_fencing_token
            live_run_is_not_resolved
            completed_record_can_only_be_evicted
        }
        $crate::__rules! { $harness, audit:
            resolutions_are_audited
            entries_are_appended
            entries_are_chained
        }
    };
    ($harness:ty, with: wakeups) => {
        $crate::admin_suite!($harness);
        $crate::__rules! { $harness, admin:
            resolution_wakes
        }
    };
}

/// Defines a `#[test]` for every rule of a store that implements
/// [`DeleteExpired`](idem_core::store::DeleteExpired). Its harnesses must not share records.
#[macro_export]
macro_rules! delete_suite {
    ($harness:ty) => {
        $crate::__rules! { $harness, delete:
            expired_records_are_deleted
            live_records_are_kept
            deleted_key_is_new
        }
    };
}

/// Defines a `#[test]` for every rule of a store whose
/// [`changed`](idem_core::store::IdempotencyStore::changed) wakes waiting duplicates.
#[macro_export]
macro_rules! wakeup_suite {
    ($harness:ty) => {
        $crate::__rules! { $harness, wakeups:
            completion_wakes
            release_and_abandon_wake
            completion_after_a_takeover_wakes
            completion_after_a_recovery_wakes
            every_listener_is_woken
            later_changes_wake_new_listeners
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __rules {
    ($harness:ty, $module:ident: $($rule:ident)+) => {$(
        #[test]
        fn $rule() {
            let name = concat!(module_path!(), "::", stringify!($rule));
            $crate::__run::<$harness, _>(name, $crate::rules::$module::$rule);
        }
    )+};
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    #[test]
    fn every_rule_is_listed_in_a_suite() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let suites = fs::read_to_string(source.join("suite.rs")).unwrap();
        let listed: Vec<&str> = suites.split_whitespace().collect();
        let mut rules = 0;
        for file in fs::read_dir(source.join("rules")).unwrap() {
            let path = file.unwrap().path();
            let Ok(text) = fs::read_to_string(&path) else { continue };
            for rule in text.lines().filter_map(|line| line.strip_prefix("pub async fn ")) {
                let name = rule.split('<').next().unwrap();
                assert!(listed.contains(&name), "{name} of {path:?} is not listed in a suite");
                rules += 1;
            }
        }
        assert!(rules > 60, "only {rules} rules were found");
    }
}
