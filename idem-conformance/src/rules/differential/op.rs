//! The operations of a list.

use proptest::collection::vec;
use proptest::prelude::*;

pub(super) const ACTORS: usize = 3;
pub(super) const KEYS: usize = 2;

/// Who acts on which key.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) actor: usize,
    pub(super) key: usize,
    /// Presents the claim before the last.
    pub(super) stale: bool,
}

/// Times are in units. What begins at a whole unit ends between two, so that the model and a store whose
/// clock runs by itself agree on what is over.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Claim { at: At, terms: Claiming },
    Renew { at: At, lease: u8, ttl: u8 },
    Complete { at: At, completion: u8, ttl: u8 },
    Release { at: At },
    Abandon { at: At },
    Pass { units: u8 },
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Claiming {
    /// Sends the actor's last claim on the key again, if there is one.
    pub(super) again: bool,
    pub(super) at_least_once: bool,
    pub(super) print: u8,
    pub(super) lease: u8,
    pub(super) ttl: u8,
}

pub(super) fn lists() -> impl Strategy<Value = Vec<Op>> {
    vec(op(), 1..40)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (at(), claiming()).prop_map(|(at, terms)| Op::Claim { at, terms }),
        2 => (at(), 0..4_u8, 0..4_u8).prop_map(|(at, lease, ttl)| Op::Renew { at, lease, ttl }),
        2 => (at(), 0..4_u8, 0..6_u8).prop_map(|(at, completion, ttl)| Op::Complete { at, completion, ttl }),
        1 => at().prop_map(|at| Op::Release { at }),
        1 => at().prop_map(|at| Op::Abandon { at }),
        2 => (1..4_u8).prop_map(|units| Op::Pass { units }),
    ]
}

fn at() -> impl Strategy<Value = At> {
    (0..ACTORS, 0..KEYS, prop::bool::weighted(0.3)).prop_map(|(actor, key, stale)| At {
        actor,
        key,
        stale,
    })
}

fn claiming() -> impl Strategy<Value = Claiming> {
    (prop::bool::weighted(0.4), prop::bool::weighted(0.7), 0..3_u8, 0..4_u8, 0..4_u8).prop_map(
        |(again, at_least_once, print, lease, ttl)| Claiming {
            again,
            at_least_once,
            print,
            lease,
            ttl,
        },
    )
}
