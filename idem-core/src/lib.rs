//! The engine of the `idem` crates: it makes handlers and async functions run once per idempotency key. It needs neither a
//! web framework nor a database.
//!
//! HTTP handlers use it through the adapters `idem-axum` and `idem-actix`. Use this crate directly for plain functions,
//! such as queue consumers, to write a store or an adapter, or to guard a piece of work [by hand](http#by-hand).
//!
//! # Example
//!
//! The attribute [`#[idempotent]`](macro@idempotent) makes an async function run once per key. Later calls get the stored
//! result:
//!
//! ```
//! use idem_core::function::{Failure, Rejected};
//! use idem_core::{Idempotency, MemoryStore, idempotent};
//!
//! #[derive(Debug, thiserror::Error)]
//! #[error(transparent)]
//! struct OrderError(#[from] Rejected); // the rejections of idem
//!
//! impl Failure for OrderError {
//!     fn rejected(&self) -> Option<&Rejected> {
//!         Some(&self.0)
//!     }
//! }
//!
//! #[idempotent(ttl = "7d", scope = "tenant", key = "order", guarantee = "at-most-once")]
//! async fn charge(idempotency: &Idempotency, tenant: &str, order: u64) -> Result<String, OrderError> {
//!     // charge the card
//!     Ok(format!("receipt of order {order}"))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), OrderError> {
//! let idempotency = Idempotency::new(MemoryStore::new());
//! let first = charge(&idempotency, "acme", 1001).await?;
//! let second = charge(&idempotency, "acme", 1001).await?; // the body does not run
//! assert_eq!(second, first);
//! # Ok(())
//! # }
//! ```
//!
//! # Modules
//!
//! | Module | Contents | For |
//! |---|---|---|
//! | the crate root | the handle, its builder, keys, scopes, guarantees and rejections | all users |
//! | [`function`] | guarded functions: results, errors, dispositions, batches | authors of consumers and jobs |
//! | [`observe`] | events for metrics, alerts and audit trails | authors of observers |
//! | [`records`] | finding, listing and resolving records by hand | authors of reconcilers and tools |
//! | [`store`] | the contract of a store, with a complete example | authors of stores |
//! | [`state_machine`], [`codec`] | the transitions and the byte format of a record | authors of stores |
//! | [`http`] | requests, responses and headers without a framework | authors of adapters |
//! | [`rules`] | the rules that all crates follow | everyone |
//!
//! # Promises
//!
//! * At most one result is accepted per key and, by default, at most one run starts. This holds while the record exists and
//!   the store keeps the writes that it acknowledged.
//! * A run survives its caller: it finishes, and its result is stored. [Guarded functions](function#dropped-calls) borrow
//!   from their caller and are the exception.
//! * A stale run cannot change anything.
//! * Under at most once, nothing runs again in doubt.
//!
//! [`rules::guarantees`] states the promises precisely, with the assumptions behind them.
//!
//! # Stores
//!
//! [`MemoryStore`] is for a single process. It holds 100,000 keys, refuses new ones when it is full, and loses all records
//! when the process exits. `idem-sqlite` keeps records in a file of one host, and `idem-redis` and `idem-postgres` share them
//! between hosts.
//!
//! Stored responses are plain text in every store. Keys, scopes and fingerprints are stored as digests.
//!
//! # Threads and runtimes
//!
//! Runs are polled in place, on the tokio runtime that polls their caller. If the caller is dropped, the run becomes a task
//! of that runtime, unless it borrows from its caller.
//!
//! Leases are renewed on one thread per [`Idempotency`], so renewals continue while a handler blocks its thread. Await
//! [`Idempotency::drain`] before the runtime ends.
//!
//! # Logs
//!
//! Diagnostics are `tracing` events and spans. Alert on every error and on the warnings in
//! [the guide](https://github.com/idem-rs/idem/blob/main/docs/guide/src/monitoring.md#log-messages).
//!
//! # Feature flags
//!
//! | Feature | Default | Effect |
//! |---|---|---|
//! | `macros` | yes | the attribute [`#[idempotent]`](macro@idempotent) for plain functions |
//! | `serve` | no | [`http::Shutdown`], which the `serve` functions of the adapters use |
//!
//! Stores and adapters do not need `macros`. Without it, the procedural macro and `syn` are not compiled.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod codec;
mod detach;
mod engine;
mod exact;
pub mod function;
mod hash;
mod hook;
pub mod http;
mod json;
mod model;
pub mod observe;
pub mod records;
pub mod rules;
pub mod state_machine;
pub mod store;

pub use engine::{
    Activity, Drained, Execution, Health, HealthStatus, Idempotency, IdempotencyBuilder, KeyStatus,
    LeaseLost, StoreHealth,
};
/// Makes an async function run once per key.
///
/// [`function`] describes results, errors and dropped calls.
///
#[doc = include_str!("../docs/attribute.md")]
#[cfg(feature = "macros")]
#[cfg_attr(docsrs, doc(cfg(feature = "macros")))]
pub use idem_macros::idempotent_function as idempotent;
pub use model::{
    Guarantee, IdempotencyKey, KeyError, KeyValue, LostRun, OrAnonymous, Outcome, Policy, Recovery,
    Refusal, Rejection, ScopeParts, ScopeValue, UnknownReason,
};
pub use store::MemoryStore;

// Compile errors name these items by their shortest public path, which would otherwise contain `__private`.
#[doc(hidden)]
pub use hook::{IsRecovery, recovery};

/// The items that the attribute's expansion names.
///
/// This is not part of the API and changes with every release. Therefore the adapters depend on an exact version of this
/// crate.
#[doc(hidden)]
pub mod __private {
    pub use crate::function::{Invocation, compare};
    pub use crate::hook::{IsRecovery, recovery};
    pub use crate::http::{FingerprintInput, Scope};
    pub use crate::{Guarantee, IdempotencyKey, Policy, Recovery};
}
