//! Idempotent [axum](https://docs.rs/axum) handlers: one attribute, one execution per key.
//!
//! A client sends one `Idempotency-Key` per operation and repeats the request with the same key until it has a
//! response. The handler runs once. Every repetition gets the first response, byte for byte, marked
//! `Idempotent-Replayed: true`.
//!
//! At most one result is accepted per key, and by default at most one run starts per key. An effect is exactly-once
//! only inside a Postgres transaction. In doubt, idem refuses to run the handler again. The promises are listed in
//! [guarantees](idem_core::rules::guarantees).
//!
//! # Example
//!
//! ```no_run
//! use axum::extract::{FromRef, FromRequestParts};
//! use axum::http::{StatusCode, request::Parts};
//! use axum::{Json, Router, routing::post};
//! use idem_axum::{Idempotency, MemoryStore, idempotent};
//!
//! /// The tenant that sent the request, taken from its bearer token.
//! struct Tenant {
//!     id: String,
//! }
//!
//! impl<S: Sync> FromRequestParts<S> for Tenant {
//!     type Rejection = StatusCode;
//!
//!     async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
//!         match parts.headers.get("authorization") {
//!             Some(token) if token == "Bearer alice-token" => Ok(Self { id: "acme".to_owned() }),
//!             _ => Err(StatusCode::UNAUTHORIZED),
//!         }
//!     }
//! }
//!
//! #[idempotent(ttl = "24h", scope = "tenant.id")]
//! async fn create_payment(tenant: Tenant, Json(amount): Json<u64>) -> (StatusCode, Json<u64>) {
//!     println!("charging {amount} for {}", tenant.id);
//!     (StatusCode::CREATED, Json(amount))
//! }
//!
//! #[derive(Clone, FromRef)]
//! struct App {
//!     idempotency: Idempotency,
//! }
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let idempotency = Idempotency::new(MemoryStore::new());
//!     let app = App { idempotency: idempotency.clone() };
//!     let router = Router::new().route("/payments", post(create_payment)).with_state(app);
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     let drained = idem_axum::serve(listener, router, &idempotency).await?;
//!     println!("stopped: {drained:?}");
//!     Ok(())
//! }
//! ```
//!
//! # What happens to a request
//!
//! 1. The router, your layers and the extractors of all parameters but the last run as usual. Authentication and rate
//!    limits see replays too. A rejection of an extractor is its own response, and the key stays free.
//! 2. idem reads the key, buffers the body up to the route's limit (`DefaultBodyLimit`), and runs the extractor of the
//!    last parameter. A missing or malformed key is refused with 400, a larger body with 413.
//! 3. idem claims the key. If the key is new, the handler runs and its response is stored. Otherwise the stored
//!    response is replayed, or the request is refused with a
//!    [problem document](idem_core::rules::semantics#problem-documents).
//!
//! A client that disconnects, or a timeout layer around the route, does not stop the handler. The run moves to its own task
//! of the runtime, and its response is stored. [`serve`] waits for such runs at shutdown. If the server is started in another
//! way, await [`Idempotency::drain`] before the process ends.
//!
//! The complete rules are in [semantics](idem_core::rules::semantics).
//!
//! # Feature flags
//!
//! | Feature | Default | Adds |
//! |---|---|---|
//! | `redis` | no | the Redis and Valkey store: `RedisStore`, and the crate [idem-redis](https://docs.rs/idem-redis) as `redis` |
//! | `redis-tls` | no | `redis`, with TLS by rustls for `rediss://` URLs |
//! | `postgres` | no | the Postgres store: `PostgresStore`, the transaction extractor `Tx`, and the crate [idem-postgres](https://docs.rs/idem-postgres) as `postgres` |
//! | `postgres-tls` | no | `postgres`, with TLS by rustls, such as `sslmode=verify-full` |
//! | `sqlite` | no | the SQLite store: `SqliteStore`, and the crate [idem-sqlite](https://docs.rs/idem-sqlite) as `sqlite` |
//!
//! A feature only adds items. It never changes what the attribute expands to.
//!
//! # Links
//!
//! * [`idempotent`]: the reference of the attribute
//! * [`IdempotencyLayer`]: the guard of routes without an attribute
//! * [Guide](https://github.com/idem-rs/idem/blob/main/docs/guide/src/introduction.md): a tutorial, responses, stores, operation, troubleshooting

#![cfg_attr(docsrs, feature(doc_cfg))]

mod call;
mod first;
mod health;
mod layer;
mod rejection;
mod request;
mod response;
mod scope;
mod serve;
mod state;
mod status;
#[cfg(feature = "postgres")]
mod tx;

pub use idem_core::records::Operation;
pub use idem_core::store::{IdempotencyStore, StoredResponse};
pub use idem_core::{
    self, Drained, Execution, Guarantee, Health, Idempotency, IdempotencyBuilder, IdempotencyKey,
    KeyError, KeyValue, LeaseLost, LostRun, MemoryStore, OrAnonymous, Outcome, Policy, Recovery,
    ScopeParts, ScopeValue, UnknownReason,
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
#[doc = include_str!("../docs/attribute.md")]
pub use idem_macros::idempotent_axum as idempotent;

pub use health::health;
pub use idem_core::http::{
    AcpFormat, IcebergFormat, KeyFormat, KeySyntax, PassThrough, ProblemFormat, RefusalDetails,
    RefusalFormat, StoredHeaders, StripeFormat,
};
/// The crate of the Postgres store.
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use idem_postgres as postgres;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use idem_postgres::PostgresStore;
/// The crate of the Redis and Valkey store.
#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub use idem_redis as redis;
#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub use idem_redis::RedisStore;
/// The crate of the SQLite store.
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use idem_sqlite as sqlite;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use idem_sqlite::SqliteStore;
pub use layer::{BelowAxum, IdempotencyLayer};
pub use serve::{Serve, serve};
pub use status::{StatusByKey, status_by_key};
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use tx::Tx;

// Compile errors name these items by their shortest public path, which would otherwise contain `__private`.
#[doc(hidden)]
pub use call::{Admits, Call, Guarded};
#[doc(hidden)]
pub use first::First;
#[doc(hidden)]
pub use idem_core::http::{ByValue, ProvidesScope};
#[doc(hidden)]
pub use scope::InExtension;
#[doc(hidden)]
pub use state::{InArc, InState, ProvidesIdempotency};

/// The items that the attribute's expansion names. They are not part of the API and can change in every release,
/// so the crates require the exact version of each other.
#[doc(hidden)]
pub mod __private {
    pub use axum::extract::FromRequest;
    pub use axum::response::Response;
    pub use idem_core::__private::recovery;
    pub use idem_core::http::{FingerprintInput, KeyFormat, KeySyntax, Scope, scope_part};
    pub use idem_core::{Guarantee, IdempotencyKey, Policy};

    pub use crate::call::{Admits, Guarded};
    pub use crate::first::First;
    pub use crate::state::ProvidesIdempotency;
}

/// The README's example, compiled as a doctest.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
