//! The HTTP rules as a table of scenarios that every adapter must pass.
//!
//! A scenario sends requests to a real server over TCP and does not depend on its framework. An adapter
//! supplies an app with the routes below, each a guarded handler of a few lines, and a function that
//! serves the app. One line then defines a test for every scenario:
//!
//! ```text
//! idem_testkit::http_suite!(app::start);
//! ```
//!
//! `start` is an `async fn(Idempotency, Service) -> Listening`. An app that a layer guards leaves out the scenarios that
//! need the attribute: `http_suite!(app::start, except: exemptions::OF_LAYERS)`.
//!
//! # Routes
//!
//! Every route is guarded, by default with `ttl = "24h"` and the tenant of the caller as the scope. Each handler
//! calls one method of [`Service`](crate::app::Service).
//!
//! | Route | Attribute | Handler |
//! |---|---|---|
//! | POST `/payments`, `/refunds` | | `pay` |
//! | POST `/accounts/{account}/payments` | | `pay` |
//! | POST `/api/v1/payments`, `/api/v2/payments` | one handler, nested under two prefixes | `pay` |
//! | POST `/shops/{shop}/payments` | nested under the prefix `/shops/{shop}` | `pay` |
//! | PATCH `/payments/{id}` | | `amend` |
//! | POST `/notes` | `optional` | `pay` |
//! | POST `/user-payments` | scope: the user | `pay` |
//! | POST `/note-scope` | `scope = "payment.note"` | `pay` |
//! | POST `/raw?note=` | `fingerprint = "raw"` | `echo` |
//! | POST `/json-any?note=` | accepts any bytes | `echo` |
//! | POST `/empty`, `/see-other`, `/accepted` | | `pay`, then `only` 204, 303 and 202 |
//! | POST `/short` | `ttl = "1h"` | `pay` |
//! | POST `/wait` | `wait = "30s"` | `pay` |
//! | POST `/wait-briefly` | `wait = "100ms"` | `pay` |
//! | POST `/release` | `guarantee = "at-least-once"` | `pay` |
//! | POST `/hold` | `lease = "12s"` | `pay` |
//! | POST `/takeover` | `lease = "12s"`, `guarantee = "at-least-once"` | `pay` |
//! | POST `/recover` | `settle = "1h"`, `recover = "find_charge(service, payment)"` | `charge`; the hook is `find_charge` |
//! | POST `/acted` | | `act` |
//! | POST `/releases` | a policy with `with_releases(&[400, 422])` | `act` |
//! | POST `/strict` | `syntax = "strict"` | `pay` |
//! | POST `/uuid` | `format = "uuid"`, `optional` | `pay` |
//! | POST `/recent` | `format = "uuidv7"`, `max_age = "24h"` | `pay` |
//! | POST `/timeout` | inside the timeout layer of the framework, 50 ms | `pay` |
//! | POST `/max-run` | `max_run = "1s"`, `lease = "1s"` | `pay` |
//! | POST `/by-note` | `key = "payment.note"` | `pay` |
//! | POST `/by-amount` | `fingerprint = "payment.amount"` | `pay` |
//! | any method `/any?note=` | | `take` |
//! | GET and HEAD `/payments/by-key/{key}` | not guarded | the adapter's status endpoint for POST `/payments` |
//! | GET `/health` | not guarded | the adapter's health endpoint |
//! | POST `/nothing` | a handler without parameters, `scope = "global"` | returns 204 |
//!
//! A request body has at most [`MAX_REQUEST`](crate::app::MAX_REQUEST) bytes. The outermost layer holds
//! [`Service::present`](crate::app::Service::present) while the framework handles a request, and adds slug and operation of a
//! refusal as the header `x-refusal`.

#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a step that fails fails the test"
)]

mod client;
mod ends;
pub mod exemptions;
pub mod scenarios;
pub mod serve;
mod server;
mod suite;
#[cfg(feature = "servers")]
pub mod transaction;

pub use client::{Closing, Open, Problem, Raw, Request, Response, client, payment, post};
pub use server::{Listening, Records, STORE_TIMEOUT, Server, ShutDown, Store};
#[doc(hidden)]
pub use suite::run;
