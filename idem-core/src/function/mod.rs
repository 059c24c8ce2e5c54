//! Guarded functions: plain async functions, such as queue consumers, that run once per key.
//!
//! Brokers redeliver, jobs restart and schedulers fire twice. With the attribute
//! [`#[idempotent]`](macro@crate::idempotent), an async function runs once per key, and later calls get the result of the
//! first one. The rules are those of [plain functions](crate::rules::semantics#plain-functions).
//!
//! ```
//! use idem_core::{Execution, Idempotency, MemoryStore, Outcome, idempotent};
//! use idem_core::function::{Failure, Rejected};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize)]
//! struct OrderPlaced {
//!     tenant: String,
//!     id: u64,
//!     amount: u64,
//! }
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Receipt {
//!     charge: String,
//! }
//!
//! #[derive(Debug, thiserror::Error)]
//! enum OrderError {
//!     #[error("the provider is down; nothing was sent to it")]
//!     ProviderDown,
//!     #[error(transparent)]
//!     Rejected(#[from] Rejected), // the rejections of idem
//! }
//!
//! impl Failure for OrderError {
//!     fn outcome(&self) -> Outcome {
//!         match self {
//!             Self::ProviderDown => Outcome::NotExecuted,
//!             Self::Rejected(_) => Outcome::Ambiguous,
//!         }
//!     }
//!
//!     fn rejected(&self) -> Option<&Rejected> {
//!         match self {
//!             Self::Rejected(rejected) => Some(rejected),
//!             Self::ProviderDown => None,
//!         }
//!     }
//! }
//!
//! #[idempotent(ttl = "7d", scope = "event.tenant", key = "event.id", guarantee = "at-least-once", fingerprint = "event")]
//! async fn on_order_placed(idempotency: &Idempotency, event: &OrderPlaced) -> Result<Receipt, OrderError> {
//!     let key = Execution::current().downstream_key("charge");
//!     // charge `event.amount` at the provider, under this key
//!     Ok(Receipt { charge: key.as_str().to_owned() })
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), OrderError> {
//! let idempotency = Idempotency::new(MemoryStore::new());
//! let event = OrderPlaced { tenant: "acme".to_owned(), id: 1001, amount: 42 };
//! let first = on_order_placed(&idempotency, &event).await?;
//! let second = on_order_placed(&idempotency, &event).await?; // the body does not run
//! assert_eq!(second, first);
//! # Ok(())
//! # }
//! ```
//!
//! The function keeps its signature: parameters may be borrowed, and methods with `&self` and generics work. An
//! `#[async_trait]` implementation has no `async fn` that could be annotated, so let the method call an annotated function.
//! The example `orders-consumer` of the repository is a complete consumer on NATS JetStream.
//!
//! # The attribute
//!
//! [`#[idempotent]`](macro@crate::idempotent) lists every key. `ttl`, `scope`, `key` and `guarantee` must be written. A `policy`
//! can supply `ttl` and `guarantee`; a function with a `Tx` needs no `guarantee`. Let `ttl` be longer than the period in which
//! the broker redelivers.
//!
//! The expansion names the crate `idem_core`. For a renamed dependency or a re-export, write the path:
//! `crate = "my_prelude::idem_core"`.
//!
//! **Two functions with the same name in one namespace share their keys**, even in different modules. The second function
//! would get the stored results of the first, and never run. Give each its own `operation`.
//!
//! # Results
//!
//! | Result | `"at-most-once"` | `"at-least-once"` |
//! |---|---|---|
//! | `Ok` | stored as JSON, and returned by every later call | the same |
//! | `Err`, [`Outcome::Final`](crate::Outcome::Final) | stored and returned again, if [`Failure::STORAGE`] is [`ErrorStorage::JSON`]; otherwise later calls are refused because the result was not retained | the same |
//! | `Err`, [`Outcome::NotExecuted`](crate::Outcome::NotExecuted) | the key is free | the same |
//! | `Err`, [`Outcome::Ambiguous`](crate::Outcome::Ambiguous) (the default); a panic | the outcome is unknown, and the key is held until it is resolved or the record expires | the key is free |
//! | the process crashes during the run | the outcome is unknown once the lease is over | the next call takes over once the lease is over |
//! | `max_run`, or the deadline of [`drain`](crate::Idempotency::drain), cancels the run | the outcome is unknown, and the key is held until the record expires | the same, because blocking code may still be running |
//!
//! **Return `NotExecuted` only if nothing can have been sent.** A `?` that turns a pool timeout after the charge into
//! `NotExecuted` frees the key, and the next call charges again.
//!
//! A call that is cancelled by `max_run` or a drain becomes a dead letter, unless the function has `recover`. So give `drain`
//! enough time.
//!
//! With `recover`, the next call after an unknown outcome runs a hook that looks up at the provider whether the operation
//! took place. The call returns the value that the hook found, or runs the function again. While the hook cannot determine
//! the outcome, the call is refused, and its delivery is redelivered after the quiet time. Without `recover`, or after
//! [`Recovery::Disputed`](crate::Recovery::Disputed), the outcome stays unknown for [`Policy::hold`](crate::Policy::hold),
//! until a person resolves it.
//!
//! A panic does not reach the caller. The caller gets a [`Rejected`], and the panic is logged. A result that is larger than
//! [`max_response`](crate::IdempotencyBuilder::max_response) reaches its caller completely, and is not retained.
//!
//! # Settling deliveries
//!
//! [`Disposition::of`] returns the recommended action for any result: acknowledge the delivery, redeliver it after some
//! time, or dead-letter it. [`Rejected::disposition`] lists the actions for rejections.
//!
//! * The acknowledgement timeout of the broker must be longer than the function can take.
//! * Allow more deliveries than `max_attempts`. That number limits only runs that crash one after the other. A failure that
//!   frees the key starts the count again, so only the number of deliveries limits such runs.
//!
//! [`batch`] processes several messages with bounded concurrency, and returns one disposition for each.
//!
//! # Downstream keys
//!
//! [`Execution::current`](crate::Execution::current) returns the attempt, the fencing token and a
//! [`downstream_key`](crate::Execution::downstream_key), in functions and in HTTP handlers. A provider that accepts keys
//! then charges once, even if at least once runs a call again after a crash.
//!
//! A nested guarded call takes such a key as its own: `key = "key"`, with a parameter `key` of type
//! [`IdempotencyKey`](crate::IdempotencyKey). The downstream keys of the nested run are its own.
//!
//! # Transactions
//!
//! With a store that has [transactions](crate::store::Transactions), such as Postgres, a function can own a `Tx` of that store: a
//! parameter `mut tx: Tx`, for which its caller passes `Tx::default()`. The claim, the writes through the `Tx` and the stored
//! result are committed together or not at all. `guarantee` need not be written.
//!
//! # Dropped calls
//!
//! A function may borrow from its caller, so it cannot outlive the caller. If a timeout or a `select!` drops the call, the
//! run is cancelled like any other future, and a warning is logged. The record is then treated as after a crash: its lease
//! is not renewed. Once the lease is over, the outcome is unknown (at most once) or the next call takes over (at least
//! once).
//!
//! To protect a run from its caller, spawn the whole call:
//!
//! ```
//! # use idem_core::function::{Failure, Rejected};
//! # use idem_core::{Idempotency, idempotent};
//! # #[derive(Debug, thiserror::Error)] #[error(transparent)] struct OrderError(#[from] Rejected);
//! # impl Failure for OrderError { fn rejected(&self) -> Option<&Rejected> { Some(&self.0) } }
//! # #[idempotent(ttl = "7d", scope = "global", key = "order", guarantee = "at-most-once")]
//! # async fn place(idempotency: &Idempotency, order: u64) -> Result<(), OrderError> { Ok(()) }
//! # async fn on_message(idempotency: &Idempotency, order: u64) {
//! let idempotency = idempotency.clone();
//! let placed = tokio::spawn(async move { place(&idempotency, order).await }).await;
//! # let _ = placed;
//! # }
//! ```
//!
//! A result that the body has returned is stored even if the caller is gone. At shutdown, stop taking messages and then
//! await [`Idempotency::drain`](crate::Idempotency::drain).
//!
//! # Versions
//!
//! Results are stored as JSON, and a later call must get an equal value. Before a result is stored, it is read back and
//! compared: by `==` if its type has `PartialEq`, and otherwise by its JSON.
//!
//! * A result is not stored if it cannot be read back, differs after that, or contains a float that is NaN or infinite. An
//!   error is logged, the caller gets the value, and later calls are refused because the result was not retained.
//! * Derive `PartialEq` for results and for stored errors. Without it, values that `serde` writes alike are not
//!   distinguished: `Some(())` is read as `None`, and a field with `#[serde(skip)]` gets its default.
//! * A deploy may find results of older code. Fields with `#[serde(default)]` can be added. For larger changes, return an
//!   enum of versions (`#[serde(untagged)]`, the newest first).
//! * A stored result that is not a value of the current type is refused with
//!   [`ResultUnreadable`](crate::Rejection::ResultUnreadable), which is an error in the log and a dead letter. The function
//!   never runs again for that key.
//! * Renaming the `operation` makes all keys new, so finished work would run again. Do it only when old keys can no longer
//!   arrive.

mod batch;
mod codec;
#[doc(hidden)]
pub mod compare;
mod context;
mod disposition;
mod error;
mod error_storage;
mod invocation;
mod rejected;

pub use batch::batch;
pub use disposition::Disposition;
pub use error::Failure;
pub use error_storage::ErrorStorage;
#[doc(hidden)]
pub use invocation::Invocation;
pub use rejected::Rejected;
