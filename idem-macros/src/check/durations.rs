//! The rules for durations that depend on each other.

use crate::errors::Errors;
use crate::parse::duration::DurationLit;
use humantime::format_duration;
use std::time::Duration;

/// The default lease of `idem_core::Policy`.
const DEFAULT_LEASE: Duration = Duration::from_secs(30);
/// The default `max_run` of `idem_core::Policy`.
const DEFAULT_MAX_RUN: Duration = Duration::from_secs(15 * 60);
/// The default `settle` of `idem_core::Policy`.
const DEFAULT_SETTLE: Duration = Duration::from_secs(30);
/// The default `hold` of `idem_core::Policy`, unless `ttl` is longer.
const DEFAULT_HOLD: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The first renewal is sent after a third of the lease. In a shorter lease, the latency of the store could
/// use up the rest.
const MIN_LEASE: Duration = Duration::from_millis(100);

/// A lease must be long enough to be renewed.
pub(crate) fn lease_can_be_renewed(lease: Option<&DurationLit>, errors: &mut Errors) {
    if let Some(lease) = lease.filter(|lease| lease.value < MIN_LEASE) {
        let message = format!(
            "a `lease` of `{}` is too short to be renewed; write at least `100ms`",
            lease.text()
        );
        errors.add(&lease.literal, message);
    }
}

/// `ttl` must not be shorter than a written `lease`. The default lease is not compared, so that a short `ttl`
/// alone is accepted.
pub(crate) fn ttl_covers_lease(
    ttl: Option<&DurationLit>,
    lease: Option<&DurationLit>,
    errors: &mut Errors,
) {
    if let (Some(ttl), Some(lease)) = (ttl, lease)
        && ttl.value < lease.value
    {
        let (ttl_text, lease_text) = (ttl.text(), lease.text());
        let message = format!(
            "a `ttl` of `{ttl_text}` is shorter than the `lease`; write at least `{lease_text}`"
        );
        errors.add(&ttl.literal, message);
    }
}

/// `max_age` must not be longer than `ttl`: a retry between the two would run again.
pub(crate) fn ttl_covers_max_age(
    ttl: Option<&DurationLit>,
    max_age: Option<&DurationLit>,
    errors: &mut Errors,
) {
    if let (Some(ttl), Some(max_age)) = (ttl, max_age)
        && ttl.value < max_age.value
    {
        let (ttl_text, max_age_text) = (ttl.text(), max_age.text());
        let message = format!(
            "a `max_age` of `{max_age_text}` is longer than the `ttl`; write at most `{ttl_text}`"
        );
        errors.add(&max_age.literal, message);
    }
}

/// `hold` must not be shorter than `ttl`: an unknown outcome would be forgotten before a result.
pub(crate) fn hold_covers_ttl(
    hold: Option<&DurationLit>,
    ttl: Option<&DurationLit>,
    errors: &mut Errors,
) {
    if let (Some(hold), Some(ttl)) = (hold, ttl)
        && hold.value < ttl.value
    {
        let (hold_text, ttl_text) = (hold.text(), ttl.text());
        let message = format!(
            "a `hold` of `{hold_text}` is shorter than the `ttl`; write at least `{ttl_text}`"
        );
        errors.add(&hold.literal, message);
    }
}

/// `settle` must end before the record expires. Each has its default if it is not written. That of `hold` is the `ttl`, if
/// that is longer.
pub(crate) fn settle_ends_within_hold(
    settle: Option<&DurationLit>,
    hold: Option<&DurationLit>,
    ttl: Option<&DurationLit>,
    errors: &mut Errors,
) {
    let longest = hold.or(ttl.filter(|ttl| ttl.value > DEFAULT_HOLD));
    let held = longest.map_or(DEFAULT_HOLD, |hold| hold.value);
    if settle.map_or(DEFAULT_SETTLE, |settle| settle.value) < held {
        return;
    }
    let held_text = longest.map_or_else(|| "30d".to_owned(), DurationLit::text);
    match (settle, hold) {
        (Some(settle), _) => {
            let message = format!(
                "a `settle` of `{}` is not shorter than the `hold` of `{held_text}`; write a shorter one",
                settle.text()
            );
            errors.add(&settle.literal, message);
        }
        (None, Some(hold)) => {
            let default = format_duration(DEFAULT_SETTLE);
            let message = format!(
                "a `hold` of `{held_text}` is not longer than the default `settle` of `{default}`; write a \
                 shorter `settle` too"
            );
            errors.add(&hold.literal, message);
        }
        (None, None) => {}
    }
}

/// `max_run` must not be shorter than `lease`. Each has its default if it is not written.
pub(crate) fn max_run_covers_lease(
    max_run: Option<&DurationLit>,
    lease: Option<&DurationLit>,
    errors: &mut Errors,
) {
    let longest = max_run.map_or(DEFAULT_MAX_RUN, |max_run| max_run.value);
    if lease.map_or(DEFAULT_LEASE, |lease| lease.value) <= longest {
        return;
    }
    match (max_run, lease) {
        (Some(max_run), None) => {
            let text = max_run.text();
            let default = format_duration(DEFAULT_LEASE);
            let message = format!(
                "a `max_run` of `{text}` is shorter than the default `lease` of `{default}`; write `lease \
                 = \"{text}\"` or a shorter one too"
            );
            errors.add(&max_run.literal, message);
        }
        (max_run, Some(lease)) => {
            let default = || format_duration(DEFAULT_MAX_RUN).to_string();
            let longest = max_run.map_or_else(default, DurationLit::text);
            let message = format!(
                "a `lease` of `{}` is longer than `max_run`; write at most `{longest}`",
                lease.text()
            );
            errors.add(&lease.literal, message);
        }
        (None, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use idem_core::{Guarantee, Policy};

    #[test]
    fn the_defaults_are_those_of_the_policy() {
        let policy = Policy::new(Duration::from_secs(1), Guarantee::AtMostOnce);
        assert_eq!(policy.lease, DEFAULT_LEASE);
        assert_eq!(policy.max_run, DEFAULT_MAX_RUN);
        assert_eq!((policy.hold, policy.settle), (DEFAULT_HOLD, DEFAULT_SETTLE));
    }
}
