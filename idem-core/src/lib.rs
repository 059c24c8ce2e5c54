#![doc = include_str!("../README.md")]

mod digest;
mod engine;
mod error;
mod fingerprint;
mod function;
pub mod http;
mod json;
mod key;
mod memory;
mod outcome;
mod policy;
mod problem;
mod record;
mod record_id;
mod rejection;
mod scope;
pub mod store;
pub mod state_machine;
pub mod codec;

pub use response::{StoredResponse, Headers};
pub use engine::{Call, Drained, Executed, Execution, Idempotency, IdempotencyBuilder, Served};
pub use error::{StoreError, StoreErrorKind};
pub use fingerprint::{Fingerprint, FingerprintInput, RequestParts};
pub use function::{Disposition, Failure, ErrorStorage, Rejected, batch};
/// Makes an async function run once per key; see [the crate's documentation](crate#guarded-functions).
pub use idem_macros::idempotent_function as idempotent;
pub use key::{IdempotencyKey, KeyError, KeySyntax, KeyValue};
pub use memory::MemoryStore;
pub use outcome::Outcome;
pub use policy::{FingerprintMode, Guarantee, KeySource, Policy};
pub use record::{Claim, Completion, FencingToken, ClaimNonce, Record, State};
pub use record_id::RecordId;
pub use rejection::Rejection;
pub use scope::{Scope, ScopeId, ScopeParts, ScopeValue};
pub use store::{
    Capacity, ClaimRequest, ClaimOutcome, DeleteExpired, ExistingRecord, Update, IdempotencyStore, Quota,
    StoreFuture, TransactionSlot,
};

/// What the attribute's expansion names. Not API: it changes with every release, which is why the crates
/// pin each other exactly.
#[doc(hidden)]
pub mod __private {
    pub use crate::function::Invocation;
    pub use crate::{Guarantee, IdempotencyKey, FingerprintInput, Policy, Scope};
}
