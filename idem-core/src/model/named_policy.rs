//! Checks of a policy that the attribute names with `policy = "…"`, or that a layer follows.
//!
//! The attribute's expansion calls these functions in a constant, so that a failed check is a compile error at the argument
//! that it is about. Settings that are written in the attribute alone are checked by the macro, with better messages.

use std::time::Duration;

use super::policy::DEFAULT_LEASE;
use super::{FingerprintMode, Guarantee, KeySource, Policy};

/// The shortest lease that the attribute accepts.
const MIN_LEASE: Duration = Duration::from_millis(100);

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

    /// Checks a policy that a layer or a middleware follows.
    #[track_caller]
    pub const fn assert_for_layer(self) {
        assert!(
            !matches!(self.fingerprint, FingerprintMode::Argument)
                && !matches!(self.key, KeySource::Argument),
            "the policy of a layer takes the key or the fingerprint from an argument; a layer has only the request"
        );
        let _valid = self.checked();
    }

    /// Checks the durations of a named policy, and of the arguments beside it, against each other and their limits.
    #[must_use]
    #[track_caller]
    pub const fn checked(self) -> Self {
        let (ttl, lease) = (self.ttl.as_nanos(), self.lease.as_nanos());
        assert!(
            lease >= MIN_LEASE.as_nanos(),
            "the `lease` is so short that it could end before it is renewed; write at least `100ms`"
        );
        // The default is not compared with `ttl`, so that a short `ttl` alone is accepted.
        let is_default = lease == DEFAULT_LEASE.as_nanos();
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
    fn the_lease_of_a_layer_has_a_lower_limit() {
        let policy = Policy::new(Duration::from_secs(60), Guarantee::AtMostOnce);
        policy.with_lease(MIN_LEASE).assert_for_layer();
        let short = policy.with_lease(MIN_LEASE - Duration::from_millis(1));
        assert!(std::panic::catch_unwind(|| short.assert_for_layer()).is_err());
    }

    #[test]
    fn the_settings_of_the_key_header_are_independent() {
        let policy = Policy::new(Duration::from_secs(1), Guarantee::AtMostOnce);
        let both = KeySource::Header { syntax: KeySyntax::Strict, required: false };
        assert_eq!(policy.with_optional_key().with_key_syntax(KeySyntax::Strict).key, both);
        assert_eq!(policy.with_key_syntax(KeySyntax::Strict).with_optional_key().key, both);
    }
}
