//! Checks of a policy that the attribute names with `policy = "…"`.
//!
//! The attribute's expansion calls these functions in a constant, so that a failed check is a compile error at the argument
//! that it is about. Settings that are written in the attribute alone are checked by the macro, with better messages.

use super::{FingerprintMode, Guarantee, KeySource, Policy};

/// The default of [`Policy::lease`] is not compared with `ttl`, so that a short `ttl` alone is accepted.
const DEFAULT_LEASE_MILLIS: u128 = 30_000;

#[doc(hidden)]
impl Policy {
    /// Returns the named policy itself. Settings that depend on the parameters of one handler cannot be shared.
    #[must_use]
    #[track_caller]
    pub const fn named(policy: Self) -> Self {
        assert!(
            policy.operation.is_none(),
            "`operation` belongs to the attribute: handlers that share it would share their keys; remove \
             `with_operation` from the policy"
        );
        assert!(
            !matches!(policy.fingerprint, FingerprintMode::Argument),
            "`fingerprint` over a parameter belongs to the attribute; remove `with_argument_fingerprint` from the policy"
        );
        assert!(
            !matches!(policy.key, KeySource::Argument),
            "`key` belongs to the attribute; remove `with_argument_key` from the policy"
        );
        policy
    }

    /// Checks the durations of a named policy and of the arguments beside it against each other.
    #[must_use]
    #[track_caller]
    pub const fn checked(self) -> Self {
        let (ttl, lease) = (self.ttl.as_nanos(), self.lease.as_nanos());
        let is_default = self.lease.as_millis() == DEFAULT_LEASE_MILLIS;
        assert!(
            is_default || lease <= ttl,
            "the `lease` is longer than the `ttl`; write a shorter `lease`"
        );
        assert!(
            lease <= self.max_run.as_nanos(),
            "the `lease` is longer than `max_run`; write a shorter `lease`"
        );
        assert!(
            self.hold.as_nanos() >= ttl,
            "the `hold` is shorter than the `ttl`: an unknown outcome would be forgotten first; write a longer `hold`"
        );
        self.assert_max_age();
        self
    }

    /// Checks that `recover` has an effect with this policy.
    #[must_use]
    #[track_caller]
    pub const fn checked_for_recover(self) -> Self {
        assert!(
            matches!(self.guarantee, Guarantee::AtMostOnce),
            "`recover` has no effect with `at-least-once`, which runs again by itself; remove one of the two"
        );
        assert!(
            self.settle.as_nanos() < self.hold.as_nanos(),
            "the `settle` is not shorter than the `hold`: the record would expire first; write a shorter `settle`"
        );
        self
    }

    /// Checks that `max_attempts` has an effect with this policy.
    #[must_use]
    #[track_caller]
    pub const fn checked_for_attempts(self) -> Self {
        assert!(
            matches!(self.guarantee, Guarantee::AtLeastOnce),
            "`max_attempts` requires `guarantee = \"at-least-once\"`; add it or remove `max_attempts`"
        );
        self
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::KeySyntax;

    #[test]
    fn a_default_hold_follows_the_ttl() {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let policy = Policy::new(DAY, Guarantee::AtMostOnce);
        assert_eq!(policy.with_ttl(60 * DAY).hold, 60 * DAY);
        assert_eq!(policy.with_ttl(60 * DAY).with_ttl(DAY).hold, 30 * DAY);
        assert_eq!(policy.with_hold(90 * DAY).with_ttl(60 * DAY).hold, 90 * DAY);
    }

    #[test]
    fn the_settings_of_the_key_header_are_independent() {
        let policy = Policy::new(Duration::from_secs(1), Guarantee::AtMostOnce);
        let both = KeySource::Header { syntax: KeySyntax::Strict, required: false };
        assert_eq!(policy.with_optional_key().with_key_syntax(KeySyntax::Strict).key, both);
        assert_eq!(policy.with_key_syntax(KeySyntax::Strict).with_optional_key().key, both);
    }
}
