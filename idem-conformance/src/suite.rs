//! One macro line per store makes a test of every rule.

use std::future::Future;

use tokio::runtime::{Builder, Runtime};

use crate::subject::{Case, Subject};

/// Runs one rule on a fresh subject.
#[doc(hidden)]
pub fn run<S: Subject, F: Future<Output = ()>>(rule: impl FnOnce(Case<S>) -> F) {
    runtime().block_on(async { rule(Case::fresh().await).await });
}

/// Several threads, so that what races in production races here.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("a runtime")
}

/// Makes a `#[test]` of every rule that any store must keep, for a [`Subject`](crate::Subject).
///
/// ```
/// # use std::time::Duration;
/// # use idem_conformance::Subject;
/// # use idem_core::MemoryStore;
/// # struct MemorySubject(MemoryStore);
/// # impl Subject for MemorySubject {
/// #     type Store = MemoryStore;
/// #     async fn fresh() -> Self { Self(MemoryStore::new()) }
/// #     fn store(&self) -> &MemoryStore { &self.0 }
/// #     async fn pass(&self, time: Duration) { self.0.advance_clock(time); }
/// # }
/// idem_conformance::store_suite!(MemorySubject);
/// ```
#[macro_export]
macro_rules! store_suite {
    ($subject:ty) => {
        $crate::__rules! { $subject, claim:
            absent_key_is_acquired
            fingerprint_of_the_first_claim_stands
            fingerprint_versions_are_kept
            same_owner_gets_its_claim_again
            same_owner_gets_its_claim_again_after_the_lease
            claiming_again_does_not_extend_the_lease
            same_owner_is_a_duplicate_once_it_concluded
            lapsed_at_most_once_reads_as_unknown
            ids_that_differ_in_one_bit_are_independent
            one_owner_of_two_keys_holds_two_claims
            tiny_durations_end
            huge_durations_hold
        }
        $crate::__rules! { $subject, renew:
            renewal_extends_the_lease
            renewal_after_the_lease_holds
            renewal_extends_the_expiry
            renewal_keeps_the_claim
            stale_renewal_is_refused
            renewal_needs_a_running_record
        }
        $crate::__rules! { $subject, complete:
            conclusion_of_a_run_stands
            conclusion_after_the_lease_stands
            unknown_is_resolved_by_its_owner
            unknown_is_held
            first_conclusion_stands
            stale_conclusion_learns_what_stands
            stale_conclusion_learns_that_the_lease_is_over
            conclusion_of_a_vanished_record_is_lost
        }
        $crate::__rules! { $subject, free:
            released_key_is_new
            release_after_the_lease_frees
            stale_release_touches_nothing
            release_sent_again_touches_nobody
            concluded_record_is_not_freed
            abandoned_key_is_new
            abandonment_after_the_lease_frees
            abandonment_by_another_owner_touches_nothing
        }
        $crate::__rules! { $subject, takeover:
            abandoned_takeover_keeps_its_attempts
            lapsed_record_is_taken_over
            old_owner_is_fenced
            old_owner_cannot_guess_the_fence
            old_owner_is_a_duplicate
            held_lease_is_not_taken_over
            other_fingerprint_does_not_take_over
            careful_guarantee_counts
            exhausted_record_is_unknown
            attempts_are_bounded_by_the_claimer
            new_owner_sets_the_terms
        }
        $crate::__rules! { $subject, expiry:
            conclusion_expires_by_its_ttl
            replays_do_not_extend_the_ttl
            completing_again_does_not_extend_the_ttl
            running_record_outlives_its_lease_by_the_ttl
            renewed_record_never_expires
            late_owner_of_an_expired_record_is_fenced
            late_owner_of_an_expired_record_starts_anew
            expired_attempts_do_not_count
            fences_grow
        }
        $crate::__rules! { $subject, answers:
            bodies_come_back_byte_for_byte
            headers_come_back_byte_for_byte
            statuses_come_back
        }
        $crate::__rules! { $subject, race:
            one_claim_wins
            one_takeover_wins
            late_conclusion_or_takeover
            late_renewal_or_takeover
            one_conclusion_stands
            one_release_frees
            releases_sent_again_never_free_the_next_owner
        }
        #[test]
        fn store_answers_as_the_model_does() {
            $crate::rules::differential::store_answers_as_the_model_does::<$subject>();
        }
    };
}

/// Makes a `#[test]` of every rule of a store that counts the live keys of a scope
/// ([`Quota`](idem_core::store::Quota)).
#[macro_export]
macro_rules! quota_suite {
    ($subject:ty) => {
        $crate::__rules! { $subject, quota:
            new_key_beyond_the_quota_is_refused
            existing_keys_are_served_at_the_bound
            takeover_needs_no_room
            every_live_state_counts
            freed_key_makes_room
            freed_key_makes_room_after_a_refusal
            expired_keys_make_room
            lowered_quota_takes_nothing_away
            quota_is_exact_in_a_race
        }
    };
}

/// Makes a `#[test]` of every rule of a store that implements
/// [`DeleteExpired`](idem_core::store::DeleteExpired). Its views must not share records.
#[macro_export]
macro_rules! delete_suite {
    ($subject:ty) => {
        $crate::__rules! { $subject, delete:
            expired_records_are_removed
            live_records_stay
            removed_key_is_new
        }
    };
}

/// Makes a `#[test]` of every rule of a store that pushes changes
/// ([`changed`](idem_core::store::IdempotencyStore::changed)).
#[macro_export]
macro_rules! push_suite {
    ($subject:ty) => {
        $crate::__rules! { $subject, push:
            conclusion_wakes
            release_and_abandonment_wake
            conclusion_after_a_takeover_wakes
            everybody_who_waits_is_woken
            later_changes_wake_later_listeners
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __rules {
    ($subject:ty, $module:ident: $($rule:ident)+) => {$(
        #[test]
        fn $rule() {
            $crate::__run::<$subject, _>($crate::rules::$module::$rule);
        }
    )+};
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    #[test]
    fn every_rule_stands_in_a_suite() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let suites = fs::read_to_string(source.join("suite.rs")).unwrap();
        let listed: Vec<&str> = suites.split_whitespace().collect();
        let mut rules = 0;
        for file in fs::read_dir(source.join("rules")).unwrap() {
            let path = file.unwrap().path();
            let Ok(text) = fs::read_to_string(&path) else { continue };
            for rule in text.lines().filter_map(|line| line.strip_prefix("pub async fn ")) {
                let name = rule.split('<').next().unwrap();
                assert!(listed.contains(&name), "{name} of {path:?} stands in no suite");
                rules += 1;
            }
        }
        assert!(rules > 60, "only {rules} rules were found");
    }
}
