#![doc = include_str!("../README.md")]
#![allow(missing_docs, reason = "used by the two binaries only")]

pub mod control;
pub mod flags;
pub mod ledger;
pub mod logs;
pub mod metrics;
pub mod policies;
pub mod process;
pub mod store;

use std::time::Duration;

use control::Control;
use idem_core::{Guarantee, Idempotency, Policy};
use idem_testkit::app::Service;

/// The time limit of the route behind the timeout layer.
pub const TIMEOUT: Duration = Duration::from_millis(500);

/// The policy of the handler that validates requests itself.
pub const VALIDATING: Policy =
    Policy::new(Duration::from_secs(24 * 60 * 60), Guarantee::AtMostOnce)
        .with_releases(&[400, 422]);

/// The app that both binaries serve. Clones share one state.
#[derive(Clone)]
pub struct App {
    pub idempotency: Idempotency,
    pub service: Service,
    pub control: Control,
    /// Whether the store has transactions, which `/tx-payments` needs.
    pub has_transactions: bool,
}
