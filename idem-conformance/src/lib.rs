//! Tests that every idempotency store must pass, and a store that injects faults.
//!
//! **The API is not stable.** Any release can add rules, because a rule only checks a promise that the
//! [store contract](idem_core::store) already makes.
//!
//! # Testing a store
//!
//! Implement [`StoreHarness`] for the store, and name it once in `tests/conformance.rs`. Each macro
//! defines one `#[test]` for every rule of its modules in [`rules`]:
//!
//! | Macro | Use it for |
//! |---|---|
//! | [`store_suite!`] | every store |
//! | [`admin_suite!`] | a store with administrative access |
//! | [`quota_suite!`] | a store that limits the live keys of a scope |
//! | [`delete_suite!`] | a store that implements [`DeleteExpired`](idem_core::store::DeleteExpired) |
//! | [`wakeup_suite!`] | a store whose [`changed`](idem_core::store::IdempotencyStore::changed) wakes waiting duplicates |
//!
//! ```
//! use std::time::Duration;
//!
//! use idem_conformance::StoreHarness;
//! use idem_core::MemoryStore;
//!
//! struct Memory(MemoryStore);
//!
//! impl StoreHarness for Memory {
//!     type Store = MemoryStore;
//!
//!     async fn fresh() -> Self {
//!         // A store on a server connects here, with a namespace of its own.
//!         Self(MemoryStore::new())
//!     }
//!
//!     fn store(&self) -> &MemoryStore {
//!         &self.0
//!     }
//!
//!     async fn advance(&self, time: Duration) {
//!         // A store on a server sleeps instead: its clock cannot be moved.
//!         self.0.advance_clock(time);
//!     }
//! }
//!
//! idem_conformance::store_suite!(Memory);
//! idem_conformance::admin_suite!(Memory);
//! idem_conformance::quota_suite!(Memory);
//! ```
//!
//! The rules run on a Tokio runtime with several threads. They panic when a store breaks a rule, and when a pass hangs.
//! A machine that is too busy for a rule does not fail it: see [`StoreHarness::UNIT`].
//!
//! # Injecting faults
//!
//! [`FaultStore`] wraps a store and injects the faults that its [`Faults`] handle selects. Calls are rejected,
//! hang, lose their replies, arrive late or arrive twice. Use it to test how a service behaves when its
//! store fails. [`Pending`] makes an in-memory store reply as late as a remote one.
//!
//! # Many concurrent calls
//!
//! [`contention`] sends concurrent duplicates through two instances of a service. [`stress`] lets workers
//! outlive their leases and drops calls at random times. Call these functions from tests of the store.

#[expect(clippy::expect_used, reason = "a broken rule fails the test")]
mod case;
#[expect(clippy::expect_used, reason = "a broken rule fails the test")]
pub mod contention;
mod fault;
mod fixtures;
mod harness;
#[expect(clippy::expect_used, reason = "a test without a runtime fails")]
mod passes;
#[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a broken rule fails the test")]
pub mod rules;
#[expect(clippy::expect_used, reason = "a broken rule fails the test")]
pub mod stress;
mod suite;
mod watchdog;

pub use case::Case;
pub use fault::{Calls, Fault, FaultStore, Faults, Kind, Pending};
pub use harness::StoreHarness;

#[doc(hidden)]
pub use passes::run as __run;
