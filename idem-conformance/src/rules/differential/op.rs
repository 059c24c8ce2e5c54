//! The operations, and the lists of them.

use proptest::collection::vec;
use proptest::prelude::*;

pub(super) const ACTORS: usize = 3;
pub(super) const KEYS: usize = 2;

/// An actor and a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) actor: usize,
    pub(super) key: usize,
    /// Whether the actor uses the claim before its last one.
    pub(super) stale: bool,
}

/// An operation. Times are in units.
///
/// Operations start at whole units, and durations end between two units. The model and a store with a
/// running clock therefore agree on what has expired.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Claim { at: At, params: ClaimParams },
    Renew { at: At, lease: u8, hold: u8 },
    ResumeRun { at: At, lease: u8, hold: u8 },
    Complete { at: At, completion: u8, quiet: u8, retention: u8 },
    Release { at: At },
    Abandon { at: At },
    Advance { units: u8 },
}

/// The attribute of the handler that claims.
#[derive(Clone, Copy, Debug)]
pub(super) enum Handler {
    AtMostOnce,
    AtLeastOnce,
    Recovering,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ClaimParams {
    /// Whether to repeat the actor's last claim of the key, if there is one.
    pub(super) again: bool,
    pub(super) handler: Handler,
    pub(super) fingerprint: u8,
    pub(super) lease: u8,
    pub(super) hold: u8,
}

pub(super) fn lists() -> impl Strategy<Value = Vec<Op>> {
    vec(op(), 1..40)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (at(), claim_params()).prop_map(|(at, params)| Op::Claim { at, params }),
        2 => (at(), 0..4_u8, 0..4_u8).prop_map(|(at, lease, hold)| Op::Renew { at, lease, hold }),
        1 => (at(), 0..4_u8, 0..4_u8).prop_map(|(at, lease, hold)| Op::ResumeRun { at, lease, hold }),
        2 => (at(), 0..6_u8, 0..4_u8, 0..6_u8).prop_map(|(at, completion, quiet, retention)| {
            Op::Complete { at, completion, quiet, retention }
        }),
        1 => at().prop_map(|at| Op::Release { at }),
        1 => at().prop_map(|at| Op::Abandon { at }),
        2 => (1..4_u8).prop_map(|units| Op::Advance { units }),
    ]
}

fn at() -> impl Strategy<Value = At> {
    (0..ACTORS, 0..KEYS, prop::bool::weighted(0.3)).prop_map(|(actor, key, stale)| At {
        actor,
        key,
        stale,
    })
}

fn claim_params() -> impl Strategy<Value = ClaimParams> {
    (prop::bool::weighted(0.4), handler(), 0..3_u8, 0..4_u8, 0..4_u8).prop_map(
        |(again, handler, fingerprint, lease, hold)| ClaimParams {
            again,
            handler,
            fingerprint,
            lease,
            hold,
        },
    )
}

fn handler() -> impl Strategy<Value = Handler> {
    prop_oneof![
        1 => Just(Handler::AtMostOnce),
        2 => Just(Handler::AtLeastOnce),
        3 => Just(Handler::Recovering),
    ]
}
