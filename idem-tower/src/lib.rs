//! A [tower](https://docs.rs/tower) layer that makes the service inside it run once per key: a reverse proxy, a generated
//! router, or a whole API.
//!
//! A client sends one `Idempotency-Key` per operation and repeats the request with the same key until it has a
//! response. The service runs once. Every repetition gets the first response, byte for byte, marked
//! `Idempotent-Replayed: true`.
//!
//! For handlers of your own on axum or actix-web, the attribute `#[idempotent]` of `idem-axum` and `idem-actix` is the
//! recommended form. It runs after the extractors, so an invalid request does not use up its key.
//! [The guide](https://github.com/idem-rs/idem/blob/main/docs/guide/src/layer.md) compares both forms.
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use idem_core::{Guarantee, Idempotency, MemoryStore, Policy, ScopeParts, ScopeValue};
//! use idem_tower::{GuardedBody, IdempotencyLayer};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! static CHARGE: Policy = Policy::new(Duration::from_secs(24 * 60 * 60), Guarantee::AtMostOnce);
//!
//! /// The tenant that authentication found, which puts it into the request's extensions.
//! #[derive(Clone)]
//! struct Tenant(String);
//!
//! impl ScopeValue for Tenant {
//!     fn write_parts(&self, parts: &mut ScopeParts) {
//!         parts.push(&self.0);
//!     }
//! }
//!
//! async fn charge(_: Request<GuardedBody<Full<Bytes>>>) -> Result<Response<Full<Bytes>>, Infallible> {
//!     println!("charging");
//!     Ok(Response::new(Full::from("charged")))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = IdempotencyLayer::new(Idempotency::new(MemoryStore::new()), &CHARGE)
//!     .scope_from_extension::<Tenant>()
//!     .operation(|_| "charge".into())
//!     .max_body(1 << 20)
//!     .layer(service_fn(charge));
//!
//! let request = || {
//!     let request = Request::post("/charges").header("idempotency-key", "order-1001");
//!     request.extension(Tenant("acme".to_owned())).body(Full::default())
//! };
//! let first = service.clone().oneshot(request()?).await?;
//! let second = service.oneshot(request()?).await?; // `charge` does not run
//! assert!(!first.headers().contains_key("idempotent-replayed"));
//! assert_eq!(second.headers()["idempotent-replayed"], "true");
//! # Ok(())
//! # }
//! ```
//!
//! # What happens to a request
//!
//! 1. A request with a safe method, and one without a key where the policy makes it optional, passes through unchanged.
//! 2. The layer reads the key, the operation and the scope. A missing or malformed key is refused with 400. A missing scope or
//!    operation is a mistake of the application: it is refused with 500 and an error in the log, and the service does not run.
//! 3. The body is buffered, up to [`max_body`](GuardLayer::max_body). A larger one is refused with 413, before a
//!    client that waits for `100 Continue` sends it.
//! 4. idem claims the key. If the key is new, the service runs and its response is stored. Otherwise the stored response is
//!    replayed, or the request is refused with a [problem document](idem_core::rules::semantics#problem-documents).
//!
//! A client that disconnects, or a timeout layer outside, does not stop the service: the run becomes a task of the runtime.
//! Await [`Idempotency::drain`](idem_core::Idempotency::drain) before the process ends.
//!
//! # Rules of the layer
//!
//! * Every response of the service is stored, also a 400 of its own validation. A policy with
//!   [`with_releases`](idem_core::Policy::with_releases) lets such statuses free the key.
//! * An error of the service counts as an ambiguous failure: under at most once, later requests get a 500. The caller of the
//!   run gets the error itself. Put layers that reject requests before they reach the service, such as load shedding, outside.
//! * Bodies of requests and responses are not boxed: the inner service takes a [`GuardedBody`], and the layer returns one.
//! * [Streams](idem_core::rules::semantics#streams) and upgrades are passed through as they are produced, and not retained.
//! * A [gRPC](idem_core::rules::semantics#grpc) call is refused with the gRPC status `UNIMPLEMENTED`.
//! * A handler with the attribute inside the layer, or a second layer, is refused with 500 and an error in the log.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod call;
mod frames;
mod layer;
mod operation;
mod request;
mod response;
mod scope;
mod service;

pub use body::GuardedBody;
pub use idem_core::http::{FromExtension, FromHead, FromRoute, GlobalScope, NoScope};
pub use layer::GuardLayer;
pub use operation::{Framework, NoFramework, OperationSource, RouteTemplate};
pub use scope::ScopeSource;
pub use service::IdempotencyService;

/// The layer around any tower service. It needs a scope and an operation: see the [example](crate#example).
///
/// Below a router of axum, use the `IdempotencyLayer` of `idem-axum`, which takes the operation from the route.
pub type IdempotencyLayer<S = NoScope, O = FromRoute> = GuardLayer<NoFramework, S, O>;

/// The items that `idem-axum` shares with the layer. They are not part of the API and can change in every release, so
/// `idem-axum` requires the exact version of this crate.
#[doc(hidden)]
pub mod __private {
    pub use crate::call::{GuardedRun, Pending};
    pub use crate::request::{BodyError, Echo, buffer, echo, lines, parts};
    pub use crate::response::{
        echoed, from_stored, into_response, record, refuse, replay, unmarked, unreadable_body,
    };
    pub use crate::service::GuardedByLayer;
}
