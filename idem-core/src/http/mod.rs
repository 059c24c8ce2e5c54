//! The HTTP rules that every adapter needs, without an HTTP library.

mod capture;
mod collect;
mod headers;
pub(crate) mod problem;
mod request;

pub use collect::Chunks;
pub use headers::stored_headers;
pub use request::RequestParts;

pub use crate::engine::{Call, CallBuilder, Executed, Served};
pub use crate::model::{FingerprintInput, FingerprintMode, KeySource, KeySyntax, Scope};
pub use capture::{Delivery, Head, panicked, record};

/// The header of the key, unless the [`Idempotency`](crate::Idempotency) was built with another (R7).
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The marker of a replay (R25).
pub const REPLAYED: &str = "idempotent-replayed";
