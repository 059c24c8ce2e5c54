#![doc = include_str!("../README.md")]

mod answer;
mod digest;
mod engine;
mod error;
mod fingerprint;
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
pub mod transition;
pub mod wire;

pub use answer::{Answer, Headers};
pub use engine::{Call, Drained, Executed, Idempotency, IdempotencyBuilder, Served};
pub use error::{StoreError, StoreErrorKind};
pub use fingerprint::{Fingerprint, Material, RequestParts};
pub use key::{IdempotencyKey, KeyError, KeySyntax, KeyValue};
pub use memory::MemoryStore;
pub use outcome::Outcome;
pub use policy::{FingerprintMode, Guarantee, KeySource, Policy};
pub use record::{Claim, Conclusion, Fence, Owner, Record, State};
pub use record_id::RecordId;
pub use rejection::Rejection;
pub use scope::{Scope, ScopeId, ScopeParts, ScopeValue};
pub use store::{
    Capacity, ClaimRequest, Claimed, DeleteExpired, Existing, Fenced, IdempotencyStore, Quota,
    StoreFuture, TransactionSlot,
};
