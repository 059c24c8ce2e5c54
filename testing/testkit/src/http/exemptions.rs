//! The scenarios that do not apply to a form of the guard.

/// The scenarios that need the attribute, with the reason. All others apply to a layer and to a middleware too.
pub const OF_LAYERS: &[(&str, &str)] = &[
    ("keys::a_key_may_come_from_an_argument", EXPRESSION),
    ("keys::a_key_from_an_argument_has_a_minimum_length", EXPRESSION),
    ("fingerprint::a_fingerprint_expression_replaces_the_request", EXPRESSION),
    ("isolation::an_empty_scope_fails_closed", EXPRESSION),
    ("outcomes::a_panic_before_the_claim_leaves_the_key_free", VALIDATION),
    ("outcomes::refused_requests_leave_the_key_free", VALIDATION),
    ("recovery::a_found_result_is_replayed_byte_for_byte", RECOVERY),
    ("recovery::a_panic_of_a_recoverable_handler_is_retryable", RECOVERY),
    ("recovery::nothing_happened_counts_after_the_settle_time", RECOVERY),
    ("recovery::a_late_effect_is_found", RECOVERY),
    ("recovery::an_inconclusive_hook_is_asked_again", RECOVERY),
    ("recovery::a_disputed_outcome_is_not_asked_about_again", RECOVERY),
    ("recovery::a_run_that_loses_its_lease_is_recovered", RECOVERY),
    ("recovery::concurrent_duplicates_ask_once", RECOVERY),
    ("recovery::another_request_is_not_recovered", RECOVERY),
    ("recovery::a_status_that_frees_keys_is_asked_about", RECOVERY),
    ("recovery::a_recovery_whose_reply_is_lost_is_a_recovery", RECOVERY),
    ("recovery::a_resumed_run_whose_reply_is_lost_starts_once", RECOVERY),
];

const EXPRESSION: &str = "the attribute's expression reads an argument of the handler";
const VALIDATION: &str = "extractors run inside of the run, so their responses are stored";
const RECOVERY: &str = "a layer has no `recover`";

/// Prints the reason if the scenario `name` does not apply.
pub fn is_exempt(exemptions: &[(&str, &str)], name: &str) -> bool {
    let found = exemptions.iter().find(|(exempt, _)| *exempt == name);
    found.inspect(|(_, reason)| println!("{name} does not apply: {reason}")).is_some()
}
