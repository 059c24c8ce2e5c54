//! The framework-independent part of the scenario app. An adapter adds the routes and the extractors.
//!
//! Every route is guarded, by default with `ttl = "24h"` and the tenant of the caller as the scope. Each handler
//! calls one method of [`Payments`] and converts the [`Reply`] into a response.
//!
//! | Route | Attribute | Handler |
//! |---|---|---|
//! | POST `/payments`, `/refunds` | | [`pay`](Payments::pay) |
//! | POST `/accounts/{account}/payments` | | `pay` |
//! | POST `/api/v1/payments`, `/api/v2/payments` | one handler, nested under two prefixes | `pay` |
//! | POST `/shops/{shop}/payments` | nested under the prefix `/shops/{shop}` | `pay` |
//! | PATCH `/payments/{id}` | | [`amend`](Payments::amend) |
//! | POST `/notes` | `optional` | `pay` |
//! | POST `/user-payments` | scope: the user | `pay` |
//! | POST `/raw?note=` | `fingerprint = "raw"` | [`echo`](Payments::echo) |
//! | POST `/json-any?note=` | accepts any bytes | `echo` |
//! | POST `/empty`, `/see-other`, `/accepted` | | `pay`, then [`only`](Reply::only) 204, 303 and 202 |
//! | POST `/short` | `ttl = "1h"` | `pay` |
//! | POST `/wait` | `wait = "30s"` | `pay` |
//! | POST `/wait-briefly` | `wait = "100ms"` | `pay` |
//! | POST `/release` | `guarantee = "at-least-once"` | `pay` |
//! | POST `/hold` | `lease = "500ms"` | `pay` |
//! | POST `/takeover` | `lease = "500ms"`, `guarantee = "at-least-once"` | `pay` |
//! | POST `/strict` | `syntax = "strict"` | `pay` |
//! | POST `/timeout` | inside the timeout layer of the framework, 50 ms | `pay` |
//! | POST `/max-run` | `max_run = "200ms"`, `lease = "100ms"` | `pay` |
//! | POST `/by-note` | `key = "order.note"` | `pay` |
//! | POST `/by-amount` | `fingerprint = "order.amount"` | `pay` |
//! | any method `/any?note=` | | [`touch`](Payments::touch) |
//! | POST `/nothing` | a handler without parameters, `scope = "global"` | returns 204 |
//!
//! The body of a request is an [`Order`] of at most [`MAX_REQUEST`] bytes. The outermost layer holds
//! [`Payments::present`] while the framework handles a request.

mod caller;
mod gate;
mod order;
mod payments;
mod reply;

pub use caller::{Caller, Tenant, User};
pub use gate::Gate;
pub use order::{Declared, Ending, HandlerScript, Label, Order};
pub use payments::{Payments, Present, Tally};
pub use reply::{Reply, ReplyBody, pieces};

/// The maximum size of a request body, in bytes.
pub const MAX_REQUEST: usize = 64 << 10;

/// The maximum size of a stored response, in bytes.
pub const MAX_RESPONSE: usize = 64 << 10;
