#![doc = include_str!("../README.md")]
#![allow(missing_docs, reason = "the server's parts, for its two binaries alone")]

pub mod caller;
pub mod control;
pub mod flags;
pub mod ledger;
pub mod logs;
pub mod payment;
pub mod precondition;
pub mod process;
pub mod reply;
pub mod service;
pub mod sim;
pub mod store;

use control::Control;
use idem_core::Idempotency;
use service::Service;

/// The largest request body that is taken, in bytes.
pub const MAX_REQUEST: usize = 64 << 10;

/// The largest response body that is kept, in bytes.
pub const MAX_RESPONSE: usize = 64 << 10;

/// How long the routes behind the timeout layer may take.
pub const TIMEOUT: std::time::Duration = std::time::Duration::from_millis(500);

/// What both binaries serve. Cloning shares it.
#[derive(Clone)]
pub struct App {
    pub idempotency: Idempotency,
    pub service: Service,
    pub control: Control,
    /// Whether the store has transactions, and so `/tx-payments`.
    pub transacts: bool,
}
