//! Durations, and how they must relate to each other.

use super::{args, more};
use quote::quote;

#[test]
fn a_duration_is_positive_and_has_a_unit() {
    args(quote!(ttl = "24", scope = "tenant"), "`24` has no unit; write `24s`, `24m` or `24h`");
    more(&quote!(wait = "0s"), "duration must be greater than zero");
}

#[test]
fn a_lease_can_be_renewed() {
    more(
        &quote!(lease = "99ms"),
        "a `lease` of `99ms` is too short to be renewed; write at least `100ms`",
    );
}

#[test]
fn ttl_and_max_run_are_at_least_the_lease() {
    args(
        quote!(ttl = "59s", scope = "tenant", lease = "1m"),
        "a `ttl` of `59s` is shorter than the `lease`; write at least `1m`",
    );
    more(
        &quote!(lease = "16m"),
        "a `lease` of `16m` is longer than `max_run`; write at most `15m`",
    );
    more(
        &quote!(lease = "2m", max_run = "1m"),
        "a `lease` of `2m` is longer than `max_run`; write at most `1m`",
    );
    more(
        &quote!(max_run = "10s"),
        "a `max_run` of `10s` is shorter than the default `lease` of `30s`; write \
         `lease = \"10s\"` or a shorter one too",
    );
}

#[test]
fn hold_is_at_least_ttl() {
    more(&quote!(hold = "0s"), "duration must be greater than zero");
    more(
        &quote!(hold = "23h"),
        "a `hold` of `23h` is shorter than the `ttl`; write at least `24h`",
    );
}

#[test]
fn max_age_is_at_most_ttl_and_needs_a_time() {
    let v7 = quote!(format = "uuidv7");
    more(
        &quote!(#v7, max_age = "25h"),
        "a `max_age` of `25h` is longer than the `ttl`; write at most `24h`",
    );
    let without_time = "`max_age` requires `format = \"uuidv7\"`, whose keys contain the time; add it or \
                        remove `max_age`";
    more(&quote!(max_age = "24h"), without_time);
    more(&quote!(format = "uuid", max_age = "24h"), without_time);
}

#[test]
fn settle_is_shorter_than_hold() {
    let recover = quote!(recover = "find(app)");
    more(
        &quote!(#recover, settle = "25h", hold = "25h"),
        "a `settle` of `25h` is not shorter than the `hold` of `25h`; write a shorter one",
    );
    more(
        &quote!(#recover, settle = "31d"),
        "a `settle` of `31d` is not shorter than the `hold` of `30d`; write a shorter one",
    );
    args(
        quote!(ttl = "60d", scope = "tenant", recover = "find(app)", settle = "60d"),
        "a `settle` of `60d` is not shorter than the `hold` of `60d`; write a shorter one",
    );
    args(
        quote!(ttl = "20s", scope = "tenant", recover = "find(app)", hold = "30s"),
        "a `hold` of `30s` is not longer than the default `settle` of `30s`; write a shorter `settle` \
         too",
    );
}
