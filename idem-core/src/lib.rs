#![doc = include_str!("../README.md")]

pub mod codec;
mod detach;
mod engine;
pub mod function;
mod hash;
pub mod http;
mod json;
mod model;
pub mod rules;
pub mod state_machine;
pub mod store;

pub use engine::{Drained, Execution, Idempotency, IdempotencyBuilder};
/// Makes an async function run once per key; see [the crate's documentation](crate#guarded-functions).
pub use idem_macros::idempotent_function as idempotent;
pub use model::{
    Guarantee, IdempotencyKey, KeyError, KeyValue, Outcome, Policy, Rejection, ScopeParts,
    ScopeValue,
};
pub use store::MemoryStore;

/// What the attribute's expansion names. Not API: it changes with every release, which is why the crates
/// pin each other exactly.
#[doc(hidden)]
pub mod __private {
    pub use crate::function::Invocation;
    pub use crate::http::{FingerprintInput, Scope};
    pub use crate::{Guarantee, IdempotencyKey, Policy};
}
