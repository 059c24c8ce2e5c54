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

use control::Control;
use idem_core::Idempotency;
use idem_testkit::app::Service;

/// The time limit of the route behind the timeout layer.
pub const TIMEOUT: std::time::Duration = std::time::Duration::from_millis(500);

/// The app that both binaries serve. Clones share one state.
#[derive(Clone)]
pub struct App {
    pub idempotency: Idempotency,
    pub service: Service,
    pub control: Control,
    /// Whether the store has transactions, which `/tx-payments` needs.
    pub has_transactions: bool,
}
