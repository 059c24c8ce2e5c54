//! What the tests share.

mod gate;
mod polled;
mod remote;
mod service;

use std::time::Duration;

use idem_core::{Guarantee, Policy};

pub(crate) use gate::Gate;
pub(crate) use polled::polled;
pub(crate) use remote::Remote;
pub(crate) use service::{
    Seen, Service, ambiguous, done, not_executed, panicking, ran, refused, replayed,
};

/// Longer than any test: what is bounded by it is not bounded.
pub(crate) const HUGE: Duration = Duration::from_secs(3600);

pub(crate) const LEASE: Duration = Duration::from_secs(30);

pub(crate) const AT_MOST_ONCE: Policy = Policy::new(HUGE, Guarantee::AtMostOnce).with_lease(LEASE);
pub(crate) const AT_LEAST_ONCE: Policy =
    Policy::new(HUGE, Guarantee::AtLeastOnce).with_lease(LEASE);

pub(crate) static ONCE: Policy = AT_MOST_ONCE;
pub(crate) static AGAIN: Policy = AT_LEAST_ONCE;
pub(crate) static ONCE_WAITING: Policy = AT_MOST_ONCE.with_wait(HUGE);
pub(crate) static AGAIN_WAITING: Policy = AT_LEAST_ONCE.with_wait(HUGE);
