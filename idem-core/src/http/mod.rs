//! The HTTP rules that every adapter needs, without an HTTP library.

mod collect;
mod headers;
mod identity;
mod record;

pub use collect::Chunks;
pub use headers::stored_headers;
pub use identity::Identity;
pub use record::{Delivery, Head, panicked, record};

/// The header of the key, unless the [`Idempotency`](crate::Idempotency) was built with another (R7).
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The marker of a replay (R25).
pub const REPLAYED: &str = "idempotent-replayed";
