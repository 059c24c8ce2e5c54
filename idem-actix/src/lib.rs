#![doc = include_str!("../README.md")]

mod call;
mod rejection;
mod request;
mod response;
mod state;
mod stop;

pub use idem_core::{
    self, Drained, Execution, Fence, Guarantee, Idempotency, IdempotencyBuilder, IdempotencyKey,
    IdempotencyStore, KeyError, KeyValue, MemoryStore, Outcome, ScopeParts, ScopeValue,
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
/// The Redis and Valkey store (feature `redis`).
#[cfg(feature = "redis")]
pub use idem_redis as redis;
#[cfg(feature = "redis")]
pub use idem_redis::RedisStore;
pub use response::Declared;
pub use stop::stop;

/// What the attribute's expansion names. Not API: it changes with every release, which is why the crates
/// pin each other exactly.
#[doc(hidden)]
pub mod __private {
    pub use actix_web::HttpResponse as Response;
    pub use idem_core::{Guarantee, IdempotencyKey, KeySyntax, Material, Policy, Scope};

    pub use crate::call::Guarded;
}
