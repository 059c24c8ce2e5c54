//! Idempotent [actix-web](https://docs.rs/actix-web) handlers: one attribute, one execution per key.
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
//! use std::future::{Ready, ready};
//!
//! use actix_web::dev::Payload;
//! use actix_web::error::ErrorUnauthorized;
//! use actix_web::http::StatusCode;
//! use actix_web::{App, Error, FromRequest, HttpRequest, HttpServer, Responder, post, web};
//! use idem_actix::{Idempotency, MemoryStore, idempotent};
//!
//! /// The tenant that sent the request, taken from its bearer token.
//! struct Tenant {
//!     id: String,
//! }
//!
//! impl FromRequest for Tenant {
//!     type Error = Error;
//!     type Future = Ready<Result<Self, Error>>;
//!
//!     fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
//!         ready(match request.headers().get("authorization") {
//!             Some(token) if token == "Bearer alice-token" => Ok(Self { id: "acme".to_owned() }),
//!             _ => Err(ErrorUnauthorized("unknown token")),
//!         })
//!     }
//! }
//!
//! #[post("/payments")]
//! #[idempotent(ttl = "24h", scope = "tenant.id")]
//! async fn create_payment(tenant: Tenant, amount: web::Json<u64>) -> impl Responder {
//!     println!("charging {amount} for {}", tenant.id);
//!     (amount, StatusCode::CREATED)
//! }
//!
//! #[actix_web::main]
//! async fn main() -> std::io::Result<()> {
//!     // Created once, outside of the closure, so that all workers share it.
//!     let idempotency = Idempotency::new(MemoryStore::new());
//!     let data = web::Data::new(idempotency.clone());
//!     let app = move || App::new().app_data(data.clone()).service(create_payment);
//!     let server = HttpServer::new(app).bind("127.0.0.1:3000")?;
//!     let drained = idem_actix::serve(server, &idempotency).await?;
//!     println!("stopped: {drained:?}");
//!     Ok(())
//! }
//! ```
//!
//! # What happens to a request
//!
//! 1. The router and your middleware run as usual. Authentication and rate limits see replays too.
//! 2. idem looks for a `web::Data<Idempotency>` of the app, scope or resource. Without one the response is a 500, and the
//!    log names the missing line.
//! 3. idem reads the key and buffers the body up to the limit of `web::PayloadConfig` (default 256 KiB). A missing or
//!    malformed key is refused with 400, a larger body with 413.
//! 4. The extractors of all parameters read the buffered body, up to their own limits. A rejection of an extractor is its own response, and the
//!    key stays free.
//! 5. idem claims the key. If the key is new, the handler runs and its response is stored. Otherwise the stored
//!    response is replayed, or the request is refused with a
//!    [problem document](idem_core::rules::semantics#problem-documents).
//!
//! A handler need not be `Send`. A client that disconnects, or a timeout around the route, does not stop the handler. The run
//! moves to its own task on the same worker, and its response is stored. [`serve`] waits for such runs at shutdown. If the
//! server is started in another way, end it with [`stop`].
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
//! * [`IdempotencyMiddleware`]: the guard of routes without an attribute
//! * [Guide](https://github.com/idem-rs/idem/blob/main/docs/guide/src/introduction.md): a tutorial, responses, stores, operation, troubleshooting
//! * [actix-web](https://github.com/idem-rs/idem/blob/main/docs/guide/src/actix.md): what differs from axum, and how to stop a server

#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod call;
mod health;
pub mod middleware;
mod rejection;
mod request;
mod response;
mod run;
mod scope;
mod serve;
mod state;
mod status;
mod stop;
#[cfg(feature = "postgres")]
mod tx;

pub use body::GuardedBody;
pub use health::health;
pub use idem_core::http::{
    AcpFormat, IcebergFormat, KeyFormat, KeySyntax, PassThrough, ProblemFormat, RefusalDetails,
    RefusalFormat, StoredHeaders, StripeFormat,
};
pub use idem_core::records::Operation;
pub use idem_core::store::{IdempotencyStore, StoredResponse};
pub use idem_core::{
    self, Drained, Execution, Guarantee, Health, Idempotency, IdempotencyBuilder, IdempotencyKey,
    KeyError, KeyValue, LeaseLost, LostRun, MemoryStore, OrAnonymous, Outcome, Policy, Recovery,
    ScopeParts, ScopeValue, UnknownReason,
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
#[doc = include_str!("../docs/attribute.md")]
pub use idem_macros::idempotent_actix as idempotent;
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
pub use middleware::IdempotencyMiddleware;
pub use response::Declared;
pub use serve::{Serve, serve};
pub use status::status_by_key;
pub use stop::stop;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use tx::Tx;

// Compile errors name these items by their shortest public path, which would otherwise contain `__private`.
#[doc(hidden)]
pub use call::{Call, Guarded};
#[doc(hidden)]
pub use idem_core::http::{ByValue, ProvidesScope};
#[doc(hidden)]
pub use scope::InExtension;

/// The items that the attribute's expansion names. They are not part of the API and can change in every release,
/// so the crates require the exact version of each other.
#[doc(hidden)]
pub mod __private {
    pub use actix_web::HttpResponse as Response;
    pub use idem_core::__private::recovery;
    pub use idem_core::http::{FingerprintInput, KeyFormat, KeySyntax, Scope, scope_part};
    pub use idem_core::{Guarantee, IdempotencyKey, Policy};

    pub use crate::call::Guarded;
}

/// The README's example, compiled as a doctest.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
