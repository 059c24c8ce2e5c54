//! The names and values of arguments, and durations that depend on each other.

use super::{args, assert_starts, messages, more};
use quote::quote;

#[test]
fn a_misspelt_key_is_not_reported_as_missing_too() {
    assert_starts(&args(quote!(tll = "24h", scope = "tenant")), ["unknown key `tll`"]);
    for misspelt in [
        quote!(scop = "tenant"),
        quote!(guarante = "at-least-once", max_attempts = 3),
        quote!(settle = "1m", recovr = "find(app)"),
    ] {
        assert_starts(&more(&misspelt), ["unknown key"]);
    }
}

#[test]
fn a_value_is_written_and_not_empty() {
    assert_starts(&more(&quote!(wait =)), ["`wait` needs a value"]);
    assert_starts(&args(quote!(ttl = "24h", scope = " ")), ["`scope` is empty"]);
}

#[test]
fn a_value_without_quotes_is_suggested_with_quotes() {
    for (written, expected) in [
        (quote!(ttl = 36h, scope = "tenant"), "`ttl` takes a string; write `ttl = \"36h\"`"),
        (
            quote!(policy = crate::PAYMENTS, scope = "tenant"),
            "`policy` takes a string; write `policy = \"crate::PAYMENTS\"`",
        ),
        (
            quote!(ttl = "24h", scope = user.tenant),
            "`scope` takes a string; write `scope = \"user.tenant\"`",
        ),
    ] {
        assert_eq!(args(written), [expected]);
    }
    let example = "`label` takes a string; write `label = \"payment.order_id\"`";
    assert_eq!(more(&quote!(label = b"order")), [example]);
    let constant = args(quote!(ttl = config::TTL, scope = "tenant"));
    assert_starts(&constant, ["`ttl` takes a duration in quotes"]);
}

#[test]
fn a_number_is_in_its_range() {
    let too_large = quote!(guarantee = "at-least-once", max_attempts = 99999999999999999999999);
    assert_starts(&more(&too_large), ["`99999999999999999999999` is out of range"]);
}

#[test]
fn a_duration_is_in_its_range() {
    for (written, start) in [
        (quote!(ttl = "24h", scope = "tenant", lease = "99ms"), "a `lease` of `99ms` is too short"),
        (quote!(ttl = "59s", scope = "tenant", lease = "1m"), "a `ttl` of `59s` is shorter"),
        // A `ttl` above 30 days is the default of `hold`.
        (
            quote!(ttl = "60d", scope = "tenant", recover = "find(app)", settle = "60d"),
            "a `settle` of `60d` is not shorter than the `hold` of `60d`",
        ),
    ] {
        assert_starts(&args(written), [start]);
    }
}

#[test]
fn a_missing_comma_is_reported_where_it_belongs() {
    let after_a_flag = args(quote!(optional ttl = "24h", scope = "tenant"));
    assert_starts(&after_a_flag, ["a comma is missing before `ttl`"]);
    let before_a_flag = more(&quote!(syntax = "strict" optional));
    assert_starts(&before_a_flag, ["a comma is missing before `optional`"]);
    let two = args(quote!(ttl = "24h" scope = "tenant" wait = "3s"));
    assert_starts(&two, ["a comma is missing before `scope`", "a comma is missing before `wait`"]);
}

#[test]
fn a_policy_has_the_settings_that_are_not_written() {
    for written in [
        quote!(policy = "crate::PAYMENTS", scope = "tenant"),
        quote!(policy = "PAYMENTS", scope = "tenant", ttl = "1h", max_attempts = 3),
        quote!(policy = "PAYMENTS", scope = "tenant", lease = "1h"),
        quote!(policy = "PAYMENTS", scope = "tenant", recover = "find(app)", settle = "90d"),
    ] {
        assert_eq!(args(written.clone()), [""; 0], "{written}");
    }
    assert_starts(&args(quote!(policy = "PAYMENTS")), ["`scope` is missing"]);
    let both = quote!(policy = "PAYMENTS", scope = "tenant", lease = "2m", max_run = "1m");
    assert_starts(&args(both), ["a `lease` of `2m` is longer than `max_run`"]);
}

#[test]
fn a_transaction_is_recognized_under_any_path() {
    let item = quote!(
        async fn create(app: App, tx: idem_axum::Tx) {}
    );
    let found = messages(quote!(ttl = "24h", scope = "app", recover = "find(app)"), &item);
    assert_starts(&found, ["`recover` has no effect with a `Tx`"]);
}
