#![doc = include_str!("../README.md")]

mod call;
mod rejection;
mod request;
mod response;
mod state;
#[cfg(feature = "postgres")]
mod tx;

pub use idem_core::store::IdempotencyStore;
pub use idem_core::{
    self, Drained, Execution, Guarantee, Idempotency, IdempotencyBuilder, IdempotencyKey, KeyError,
    KeyValue, MemoryStore, Outcome, ScopeParts, ScopeValue,
};
/// Makes an axum handler run once per key.
///
/// ```
/// use axum::Json;
/// use idem_axum::idempotent;
///
/// #[idempotent(ttl = "24h", scope = "global", wait = "3s")]
/// async fn create_payment(Json(amount): Json<u64>) -> Json<u64> {
///     Json(amount)
/// }
/// ```
///
/// The keys are listed [in the crate's documentation](crate#the-attribute). Every mistake is reported at
/// compile time, all at once, each on its own token. The function stays whole inside the one that is
/// generated, which takes the router's state as a type parameter.
pub use idem_macros::idempotent_axum as idempotent;

/// The Postgres store (feature `postgres`).
#[cfg(feature = "postgres")]
pub use idem_postgres as postgres;
#[cfg(feature = "postgres")]
pub use idem_postgres::PostgresStore;
/// The Redis and Valkey store (feature `redis`).
#[cfg(feature = "redis")]
pub use idem_redis as redis;
#[cfg(feature = "redis")]
pub use idem_redis::RedisStore;
#[cfg(feature = "postgres")]
pub use tx::Tx;

/// What the attribute's expansion names. Not API: it changes with every release, which is why the crates
/// pin each other exactly.
#[doc(hidden)]
pub mod __private {
    pub use axum::extract::FromRequest;
    pub use axum::response::Response;
    pub use idem_core::http::{FingerprintInput, KeySyntax, Scope};
    pub use idem_core::{Guarantee, IdempotencyKey, Policy};

    pub use crate::call::Guarded;
    pub use crate::state::ProvidesIdempotency;
}
