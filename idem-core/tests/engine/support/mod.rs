//! Shared helpers: policies, a guarded service, a gate and a store with delays.

mod checked_store;
mod delayed_store;
mod events;
mod forward;
mod gate;
mod lossy_store;
mod polling;
mod service;
mod watchdog;

use std::time::Duration;

use idem_core::{Guarantee, Policy};

pub(crate) use checked_store::{CheckedStore, broken_store, unreadable_store};
pub(crate) use delayed_store::DelayedStore;
pub(crate) use events::Events;
pub(crate) use forward::forward;
pub(crate) use gate::Gate;
pub(crate) use lossy_store::LossyStore;
pub(crate) use polling::poll_times;
pub(crate) use service::{
    Response, Service, ambiguous, done, not_executed, panicking, ran, refused, replayed,
};
pub(crate) use watchdog::watched;

/// Longer than any test. It has the effect of no limit.
pub(crate) const HUGE: Duration = Duration::from_secs(3600);

/// So long that no renewal is due during a test: one that came between a step of the store's clock and the
/// next claim would end the lapse.
pub(crate) const LEASE: Duration = Duration::from_secs(10 * 60);

pub(crate) const AT_MOST_ONCE: Policy = Policy::new(HUGE, Guarantee::AtMostOnce).with_lease(LEASE);
pub(crate) const AT_LEAST_ONCE: Policy =
    Policy::new(HUGE, Guarantee::AtLeastOnce).with_lease(LEASE);

pub(crate) const AT_MOST_ONCE_WAITING: Policy = AT_MOST_ONCE.with_wait(HUGE);
pub(crate) const AT_LEAST_ONCE_WAITING: Policy = AT_LEAST_ONCE.with_wait(HUGE);
