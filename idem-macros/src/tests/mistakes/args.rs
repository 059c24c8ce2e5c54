//! The names and values of arguments.

use super::{args, handler, messages, more};
use quote::quote;

#[test]
fn the_names_of_arguments() {
    let known = "the known keys are: `policy`, `ttl`, `hold`, `scope`, `operation`, `key`, `optional`, \
                 `guarantee`, `recover`, `settle`, `wait`, `lease`, `max_run`, `max_attempts`, \
                 `fingerprint`, `syntax`, `format`, `max_age`, `label`, `crate`";
    more(&quote!(leese = "30s"), &format!("unknown key `leese`; did you mean `lease`? {known}"));
    more(&quote!(retention = "30s"), &format!("unknown key `retention`; {known}"));
    more(
        &quote!("24h"),
        &format!(
            "expected `key = value`; write one of the keys: {}",
            known.trim_start_matches("the known keys are: ")
        ),
    );
    more(&quote!(ttl = "1h"), "`ttl` is written twice; keep one");
    args(quote!(scope = "tenant"), "`ttl` is missing; write `ttl = \"24h\"`");
    args(quote!(ttl = "24h"), "`scope` is missing; write `scope = \"tenant\"`");
}

#[test]
fn a_misspelt_key_is_not_reported_as_missing_too() {
    for misspelt in [
        quote!(ttl = "24h", scop = "tenant"),
        quote!(tll = "24h", scope = "tenant"),
        quote!(ttl = "24h", scope = "tenant", scop = "tenant"),
        quote!(ttl = "24h", scope = "tenant", guarante = "at-least-once", max_attempts = 3),
    ] {
        let messages = messages(misspelt, &handler());
        assert!(matches!(&messages[..], [one] if one.contains("did you mean")), "{messages:?}");
    }
}

#[test]
fn the_kinds_of_values() {
    more(&quote!(wait), "`wait` needs a value; write `wait = \"3s\"`");
    more(&quote!(wait =), "`wait` needs a value; write `wait = \"3s\"`");
    more(&quote!(wait("3s")), "`wait` needs a value; write `wait = \"3s\"`");
    more(&quote!(optional = true), "`optional` takes no value; write `optional` alone");
    args(quote!(ttl = 24, scope = "tenant"), "`ttl` takes a string; write `ttl = \"24h\"`");
    args(quote!(ttl = 36h, scope = "tenant"), "`ttl` takes a string; write `ttl = \"36h\"`");
    for constant in [quote!(TTL), quote!(config::TTL)] {
        args(
            quote!(ttl = #constant, scope = "tenant"),
            "`ttl` takes a duration in quotes; write one, such as `ttl = \"24h\"`, or put the constant into a \
             `Policy` and name it with `policy`",
        );
    }
    args(
        quote!(policy = crate::PAYMENTS, scope = "tenant"),
        "`policy` takes a string; write `policy = \"crate::PAYMENTS\"`",
    );
    args(
        quote!(ttl = "24h", scope = user.tenant),
        "`scope` takes a string; write `scope = \"user.tenant\"`",
    );
    args(
        quote!(ttl = "24h", scope = b"tenant"),
        "`scope` takes a string; write `scope = \"tenant\"`",
    );
    args(
        quote!(ttl = "24h", scope = " "),
        "`scope` is empty; write a value such as `scope = \"tenant\"`",
    );
    more(
        &quote!(operation = ""),
        "`operation` is empty; write a value such as `operation = \"payments.create\"`",
    );
}

#[test]
fn the_values_of_guarantee_syntax_and_format() {
    more(
        &quote!(guarantee = "exactly-once"),
        "`exactly-once` is not a value of `guarantee`, but the effect of a handler that takes a \
         transaction (`Tx`); write `at-most-once` or `at-least-once`",
    );
    more(
        &quote!(guarantee = "once"),
        "`once` is not a guarantee; write `at-most-once` or `at-least-once`",
    );
    more(
        &quote!(syntax = "loose"),
        "`loose` is not a syntax of the key header; write `strict` or `lenient`",
    );
    more(&quote!(format = "ulid"), "`ulid` is not a format of keys; write `uuid` or `uuidv7`");
}

#[test]
fn the_range_and_use_of_max_attempts() {
    let unused = "`max_attempts` requires `guarantee = \"at-least-once\"`; add it or \
                  remove `max_attempts`";
    more(&quote!(max_attempts = 3), unused);
    more(&quote!(max_attempts = 3, guarantee = "at-most-once"), unused);
    let least = quote!(guarantee = "at-least-once");
    more(&quote!(#least, max_attempts = 0), "`max_attempts` must be at least 1");
    more(
        &quote!(#least, max_attempts = "3"),
        "`max_attempts` takes a whole number; write `max_attempts = 3`",
    );
    for too_large in [quote!(4294967296), quote!(99999999999999999999999)] {
        more(
            &quote!(#least, max_attempts = #too_large),
            &format!("`{too_large}` is out of range; write a number from 1 to 4294967295"),
        );
    }
}

#[test]
fn header_arguments_cannot_be_combined_with_key() {
    more(
        &quote!(key = "payment.id", optional),
        "`optional` applies to the key header, but `key` takes the key from a parameter; remove \
         one of the two",
    );
    more(
        &quote!(key = "payment.id", syntax = "lenient"),
        "`syntax` applies to the key header, but `key` takes the key from a parameter; remove \
         one of the two",
    );
}

#[test]
fn recover_needs_a_guarantee_that_leaves_unknown_outcomes() {
    let recover = quote!(recover = "find(app)");
    more(
        &quote!(#recover, guarantee = "at-least-once"),
        "`recover` has no effect with `guarantee = \"at-least-once\"`, which runs again by itself; \
         remove one of the two",
    );
    let in_transaction = "`recover` has no effect with a `Tx`, because a run in a transaction leaves \
                          no unknown outcome; remove `recover`";
    for ty in [quote!(Tx), quote!(idem_axum::Tx)] {
        let item = quote!(
            async fn create(app: App, tx: #ty) {}
        );
        assert_eq!(messages(quote!(ttl = "24h", scope = "app", #recover), &item), [in_transaction]);
    }
}

#[test]
fn settle_needs_recover() {
    let alone = "`settle` delays the answer of `recover`; add `recover` or remove `settle`";
    more(&quote!(settle = "1m"), alone);
    more(&quote!(settle = "0s"), alone);
    let messages = messages(
        quote!(ttl = "24h", scope = "tenant", settle = "1m", recovr = "find(app)"),
        &handler(),
    );
    assert!(
        matches!(&messages[..], [one] if one.contains("did you mean `recover`")),
        "{messages:?}"
    );
}

#[test]
fn a_missing_comma_is_reported_where_it_belongs() {
    let before = |name: &str| format!("a comma is missing before `{name}`; write `, {name}`");
    args(quote!(ttl = "24h" scope = "tenant"), &before("scope"));
    args(quote!(optional ttl = "24h", scope = "tenant"), &before("ttl"));
    more(&quote!(syntax = "strict" optional), &before("optional"));
    let two = messages(quote!(ttl = "24h" scope = "tenant" wait = "3s"), &handler());
    assert_eq!(two, [before("scope"), before("wait")]);
}

#[test]
fn a_policy_and_a_crate_are_paths() {
    let message = |text: &str| {
        format!(
            "`{text}` is not a path; write one, such as `crate::PAYMENTS` or `my_prelude::idem_axum`"
        )
    };
    args(quote!(policy = "PAYMENTS.clone()", scope = "tenant"), &message("PAYMENTS.clone()"));
    more(&quote!(crate = "idem axum"), &message("idem axum"));
}

#[test]
fn a_policy_has_the_settings_that_are_not_written() {
    for args in [
        quote!(policy = "crate::PAYMENTS", scope = "tenant"),
        quote!(policy = "PAYMENTS", scope = "tenant", ttl = "1h", max_attempts = 3),
        quote!(policy = "PAYMENTS", scope = "tenant", lease = "1h"),
        quote!(policy = "PAYMENTS", scope = "tenant", recover = "find(app)", settle = "90d"),
    ] {
        assert_eq!(messages(args.clone(), &handler()), [""; 0], "{args}");
    }
    args(quote!(policy = "PAYMENTS"), "`scope` is missing; write `scope = \"tenant\"`");
    args(
        quote!(policy = "PAYMENTS", scope = "tenant", lease = "2m", max_run = "1m"),
        "a `lease` of `2m` is longer than `max_run`; write at most `1m`",
    );
}

#[test]
fn the_arguments_beside_a_transaction() {
    let optional = "`optional` lets a request without a key run unguarded, where a `Tx` has no transaction; \
                    remove one of the two";
    let again = "`guarantee = \"at-least-once\"` has no effect with a `Tx`, which commits once or not at all; \
                 remove one of the two";
    let item = quote!(
        async fn create(app: App, mut tx: Tx) {}
    );
    for (more, expected) in
        [(quote!(optional), optional), (quote!(guarantee = "at-least-once"), again)]
    {
        assert_eq!(messages(quote!(ttl = "24h", scope = "app", #more), &item), [expected]);
    }
    let two = quote!(
        async fn create(app: App, from: Tx, to: idem_axum::Tx) {}
    );
    let expected = "a call has one transaction, which commits with its record; keep one `Tx`";
    assert_eq!(messages(quote!(ttl = "24h", scope = "app"), &two), [expected]);
}
