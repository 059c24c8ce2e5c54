//! The payments app, without its framework.
//!
//! The scenario apps of the adapters and the testbed share this module: callers, request bodies, handler scripts, the
//! service behind the handlers, and the conversion of its replies. They differ in their route tables. The routes of
//! the testbed are a public contract with long leases and waits. Those of the scenarios are short, and cover more
//! attributes. A route consists of little else than its attribute, so each app declares its own.

#[cfg(feature = "actix")]
pub mod actix;
#[cfg(feature = "axum")]
pub mod axum;
mod caller;
mod gate;
mod ledger;
mod memory;
mod payment;
pub mod policies;
mod precondition;
mod provider;
mod reply;
mod script;
mod service;

pub use caller::{Caller, Tenant, User};
pub use gate::Gate;
pub use ledger::{Charge, Counts, Entry, Ledger, PerformEffect};
pub use memory::MemoryLedger;
pub use payment::{Amendment, NewLabel, Note, Payment};
pub use precondition::IfMatch;
pub use provider::SLOW_HOOK;
pub use reply::{Reply, ReplyBody};
pub use script::{Act, DeclaredOutcome, Effect, Ending, HandlerScript, Hook};
pub use service::{PAD_OVERHEAD, Present, Service};

/// The maximum size of a request body, in bytes.
pub const MAX_REQUEST: usize = 64 << 10;

/// The maximum size of a stored response, in bytes.
pub const MAX_RESPONSE: usize = 64 << 10;
