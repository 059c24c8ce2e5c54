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
