//! Building blocks for HTTP adapters, and for guarding work without an attribute.
//!
//! The module follows the [HTTP rules](crate::rules::semantics) and does not depend on an HTTP library. An adapter such as
//! `idem-axum` connects it to a framework:
//!
//! 1. It passes the method and the lines of the key header to
//!    [`Idempotency::call_for`](crate::Idempotency::call_for), and gets a [`CallBuilder`]. Without one, the request is not
//!    guarded.
//! 2. It buffers the body with [`Chunks`], under the framework's limit, and passes the [`RequestParts`] to
//!    [`CallBuilder::request`].
//! 3. It runs the handler's extractors, and passes the values of the attribute's expressions to the builder.
//!    [`CallBuilder::finish`] returns the [`Call`].
//! 4. It passes the call to [`Idempotency::run`](crate::Idempotency::run). The handler's response goes through
//!    [`stored_headers`] and [`capture`], and a panic becomes [`panicked`].
//! 5. It sends the response of the run, or the stored one with the [`REPLAYED`] header. It sends a refusal in the
//!    [format of the service](crate::Idempotency::render), with the [`RefusalDetails`] in the extensions, and removes [`REPLAYED`] and [`REFUSED`] from responses of handlers.
//!
//! # By hand
//!
//! [`Idempotency::call`](crate::Idempotency::call) and [`Idempotency::run`](crate::Idempotency::run) guard any piece of
//! work, with or without HTTP:
//!
//! ```
//! use std::time::Duration;
//! use bytes::Bytes;
//! use idem_core::{Guarantee, Idempotency, IdempotencyKey, MemoryStore, Outcome, Policy, Rejection};
//! use idem_core::http::{Executed, Scope, Served};
//! use idem_core::store::{Completion, Headers, StoredResponse, UnknownReason};
//!
//! static POLICY: Policy = Policy::new(Duration::from_secs(86_400), Guarantee::AtMostOnce);
//!
//! async fn charge() -> Executed<u16> {
//!     // the work itself
//!     let response = StoredResponse::new(201, Headers::default(), Bytes::from_static(b"{}"));
//!     Executed::new(201, Outcome::Final, Completion::Response(response))
//! }
//!
//! fn panicked() -> Executed<u16> {
//!     let completion = Completion::unknown(UnknownReason::Ambiguous);
//!     Executed::new(500, Outcome::Ambiguous, completion)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Rejection> {
//! let idempotency = Idempotency::new(MemoryStore::new());
//! let key = IdempotencyKey::new("order-1001")?;
//! for attempt in 1..=2 {
//!     let call = idempotency.call(&POLICY, &["payments.charge"], Scope::of("acme"), &key)?;
//!     match idempotency.run(call, |_claim| charge(), panicked).await? {
//!         Served::Executed(status) => assert_eq!((attempt, status), (1, 201)),
//!         Served::Replayed(response) => assert_eq!((attempt, response.status), (2, 201)),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A run that was started in this way survives its caller. Use
//! [`run_borrowed`](crate::Idempotency::run_borrowed) for work that borrows from its caller, and
//! [`run_local`](crate::Idempotency::run_local) for work that is not `Send`.

mod capture;
mod collect;
mod grpc;
pub(crate) mod headers;
mod health;
mod layer;
mod media_type;
mod multipart;
mod operation;
mod outline;
pub(crate) mod refusal;
mod request;
mod scope;
#[cfg(feature = "serve")]
mod shutdown;
mod status;
mod stream;
mod urlencoded;

pub use collect::Chunks;
pub use grpc::{grpc_refusal, is_grpc};
pub use headers::{
    IDEMPOTENCY_KEY, REFUSED, REPLAYED, ResponseRules, StoredHeaders, stored_headers,
};
pub use health::health_response;
pub use layer::{FromExtension, FromHead, FromRoute, GlobalScope, NoScope};
pub use operation::RequestOperation;
pub use outline::Differences;
pub(crate) use outline::Outline;
pub use refusal::{
    AcpFormat, IcebergFormat, ProblemFormat, RefusalDetails, RefusalFormat, StripeFormat,
};
pub use request::RequestParts;
#[doc(hidden)]
pub use scope::{ByValue, ProvidesScope, scope_part};
pub use status::status_response;
pub use stream::{PassThrough, is_stream};

pub use crate::engine::{Call, CallBuilder, Executed, Run, Served, Start};
pub use crate::model::{FingerprintInput, FingerprintMode, KeyFormat, KeySource, KeySyntax, Scope};
#[cfg(feature = "serve")]
#[cfg_attr(docsrs, doc(cfg(feature = "serve")))]
pub use shutdown::{RESPONSE_TIMEOUT, Shutdown};

pub use capture::{Delivery, Head, capture, panicked};
