#![doc = include_str!("../README.md")]

mod call;
mod rejection;
mod request;
mod response;
mod state;
mod stop;
#[cfg(feature = "postgres")]
mod tx;

pub use idem_core::store::IdempotencyStore;
pub use idem_core::{
    self, Drained, Execution, Guarantee, Idempotency, IdempotencyBuilder, IdempotencyKey, KeyError,
    KeyValue, MemoryStore, Outcome, ScopeParts, ScopeValue,
};
/// Makes an actix-web handler run once per key.
///
/// ```
/// use actix_web::{post, web};
/// use idem_actix::idempotent;
///
/// #[post("/payments")]
/// #[idempotent(ttl = "24h", scope = "global", wait = "3s")]
/// async fn create_payment(amount: web::Json<u64>) -> web::Json<u64> {
///     amount
/// }
/// ```
///
/// The keys are listed [in the crate's documentation](crate#the-attribute). Every mistake is reported at
/// compile time, all at once, each on its own token. The function stays whole inside the one that is
/// generated.
pub use idem_macros::idempotent_actix as idempotent;
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
pub use response::Declared;
pub use stop::stop;
#[cfg(feature = "postgres")]
pub use tx::Tx;

/// What the attribute's expansion names. Not API: it changes with every release, which is why the crates
/// pin each other exactly.
#[doc(hidden)]
pub mod __private {
    pub use actix_web::HttpResponse as Response;
    pub use idem_core::http::{FingerprintInput, KeySyntax, Scope};
    pub use idem_core::{Guarantee, IdempotencyKey, Policy};

    pub use crate::call::Guarded;
}
