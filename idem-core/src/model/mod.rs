//! The data types of idem: keys, scopes, records, responses, policies and errors.
//!
//! This module imports nothing from the other modules of the crate, except hashing and canonical JSON.

mod error;
mod extras;
mod fingerprint;
mod guarantee;
mod key;
mod key_policy;
mod named_policy;
mod operation;
mod outcome;
mod policy;
mod quota;
mod record;
mod record_id;
mod recovery;
mod refusal;
mod rejection;
mod response;
mod scope;
mod timestamp;
mod unknown;

pub use error::{RootCause, StoreError, StoreErrorKind};
pub use extras::Extras;
pub(crate) use fingerprint::contradict;
pub use fingerprint::{Fingerprint, FingerprintInput};
pub use guarantee::Guarantee;
pub use key::{IdempotencyKey, KeyError, KeyFormat, KeySyntax, KeyValue};
pub use key_policy::KeySource;
pub use operation::Operation;
pub use outcome::Outcome;
pub use policy::{FingerprintMode, Policy};
pub use quota::{Capacity, Quota};
pub use record::{Claim, ClaimNonce, Completion, ExistingRecord, FencingToken, Record, State};
pub(crate) use record_id::RECORD_URN;
pub use record_id::{RecordId, RecordIdError};
pub use recovery::Recovery;
pub use refusal::Refusal;
pub(crate) use rejection::MIN_RETRY_AFTER;
pub use rejection::Rejection;
pub use response::{Headers, StoredResponse};
pub use scope::{OrAnonymous, Scope, ScopeId, ScopeParts, ScopeValue};
pub use timestamp::Timestamp;
pub use unknown::{LostRun, Silence, UnknownOutcome, UnknownReason};
