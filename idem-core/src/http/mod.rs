//! The HTTP rules that every adapter needs, without an HTTP library.

mod collect;
mod headers;
mod identity;
mod record;

pub use headers::stored_headers;
pub use identity::Identity;
pub use record::{Delivery, Head, panicked, record};

/// The marker of a replay (R25).
pub const REPLAYED: &str = "idempotent-replayed";
