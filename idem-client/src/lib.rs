//! The client side of idempotency for [reqwest]: one key per operation, and bounded retries.
//!
//! A network loses responses. A client that sends the request again may pay twice, and a client that does not
//! may never have paid. A service that takes an `Idempotency-Key` does the work once per key. This crate is
//! middleware for [`reqwest_middleware`] that makes one key per operation, sends the same key with every
//! attempt, and decides which attempts to make.
//!
//! ```no_run
//! use idem_client::{IdempotencyMiddleware, IdempotentRequest, Reply};
//! use reqwest_middleware::ClientBuilder;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), reqwest::Error> {
//! let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
//! let client = IdempotencyMiddleware::new().attach(ClientBuilder::new(http)).build();
//!
//! let payment = client.post("https://api.example.com/payments").body(r#"{"amount": 4200}"#);
//! match payment.send_idempotent().await {
//!     Ok(Reply::Fresh(response)) => println!("response: {}", response.status()),
//!     Ok(Reply::Replayed(response)) => println!("replayed: {}", response.status()),
//!     Err(failure) => println!("{failure}; continue with the key {:?}", failure.key()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! - Follow no redirects, as above. reqwest would send a GET where the POST should be answered, send the key
//!   to another host and drop the replay marker.
//! - Attach the middleware once, and no other retrying middleware around it. Attempts would multiply, although
//!   with one key.
//! - `.json()` needs the feature `json` of `reqwest-middleware`, which is re-exported as
//!   [`reqwest_middleware`].
//! - The plain `.send()` retries by the same rules and returns the last response or error.
//!
//! # Keys
//!
//! A request has a key if it is written in one of these ways. A request without a key is sent once, unchanged.
//!
//! | Written | Key |
//! |---|---|
//! | `.send_idempotent()` | a random UUID, unless the request has a key |
//! | `.idempotency_key(&key)` | the given key |
//! | `.idempotency_key_from(&keys, "order-1001").await?` | the key that a [`KeyStore`] holds for this operation |
//! | `.header("Idempotency-Key", …)` | the value of the header |
//! | [`key_unkeyed`](IdempotencyMiddleware::key_unkeyed) on the middleware | the result of the closure, for each `send` |
//!
//! Keys are sent in double quotes, as the IETF draft specifies. [`IdempotencyKey::bare`] omits the quotes, and
//! [`IdempotencyMiddleware::header`] sets another header name.
//!
//! **Keys that survive a crash.** A client that crashes after it sent a key that it did not store can only
//! make a new one. That may be a second charge. So store the key before the first attempt, under a name that
//! the client finds again: in the row of the order, or with a `FileKeyStore` in a directory.
//!
//! ```no_run
//! # #[cfg(feature = "file")]
//! use idem_client::{FileKeyStore, IdempotentRequest, KeyStore};
//!
//! # #[cfg(feature = "file")]
//! # async fn pay(client: reqwest_middleware::ClientWithMiddleware) -> Result<(), Box<dyn std::error::Error>> {
//! let keys = FileKeyStore::new("/var/lib/shop/keys")?;
//! let request = client.post("https://api.example.com/payments").body(r#"{"amount": 4200}"#);
//! let reply = request.idempotency_key_from(&keys, "order-1001").await?.send_idempotent().await?;
//! if reply.response().status().is_success() {
//!     // Record the result durably, then:
//!     keys.forget("order-1001").await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! - Build the same request for the same operation. Another body under the same key is rejected.
//! - Continue within the time for which the service remembers keys, often 24 hours. After that the same key is
//!   a new operation.
//! - Forget a key only when the result of its operation is known and recorded. A success is a result. A 401 is
//!   not, because it is sent before the operation is processed. A replayed 500 is not either, because the work
//!   may be half done.
//!
//! # When it retries
//!
//! | How an attempt with a key ends | Then | [`send_idempotent`](IdempotentRequest::send_idempotent) returns |
//! |---|---|---|
//! | no connection, no response, half a response, or none in time | retry | [`Exhausted`](Failure::Exhausted) in the end; `InProgress` if the last response was that |
//! | 408, 425, 429, 502, 503, 504 | retry | `Exhausted` |
//! | 500 | one retry: a service that stores failures then replays it | `Exhausted` |
//! | 409 *in progress* | retry until the deadline or the end of the budget, unless the response forbids it; does not count as a failed attempt | [`InProgress`](Failure::InProgress) |
//! | `Idempotent-Replayed: true`, any status | stop | [`Replayed`](Reply::Replayed) |
//! | 2xx | stop | [`Fresh`](Reply::Fresh) |
//! | 3xx, any other 4xx | stop | `Fresh`, or [`Indeterminate`](Failure::Indeterminate) after an attempt that may have been carried out |
//! | any other 5xx | stop | `Indeterminate` |
//! | `key-reused` | stop | [`KeyReused`](Failure::KeyReused) |
//! | 409 `outcome-unknown` with `Retry-After`: the service can still determine the outcome | retry as for *in progress* | `OutcomeUnknown` |
//! | any other `outcome-unknown` | stop | [`OutcomeUnknown`](Failure::OutcomeUnknown) |
//! | `result-unavailable` | stop | [`ResultUnavailable`](Failure::ResultUnavailable) |
//! | an error status with `retryable` in its problem document, or a header such as `Stripe-Should-Retry` | as it requests; this overrides the status, but not the named problems and replays | `Exhausted`, or as for another 4xx or 5xx |
//! | too many redirects, or an error of middleware attached after this one | stop | [`Unretryable`](Failure::Unretryable) |
//! | cancelled by middleware attached before this one | stop | `Indeterminate` |
//!
//! An attempt *may have been carried out* if it was retried, except when it found no connection or was rejected
//! with 425 or 429. A 401 after a lost response proves nothing about the lost one: give the request a new token
//! and send it with the same key.
//!
//! [`NotSent`] lists the requests that are rejected before anything is sent. Every failure after an attempt
//! carries a [`GaveUp`]: the key, the number of attempts, the limit, and the last response or error. So the
//! caller can continue later with the same key.
//!
//! # Limits of the retries
//!
//! | Limit | Default | Set by |
//! |---|---|---|
//! | failed attempts | 4 | [`RetryPolicy::attempts`] |
//! | one attempt, with its response | 15 s | [`RetryPolicy::attempt_timeout`] |
//! | the whole operation | 60 s | [`RetryPolicy::deadline`] |
//! | all retries of a client | 20 % of its operations, and 10 per second | [`RetryBudget`] |
//! | pause before retry *n*, counted from 0 | random between 0 and 500 ms × 2ⁿ, at most 5 s | [`RetryPolicy::backoff`] |
//! | `Retry-After` in seconds or as a date | added to the pause; a date is compared with the `Date` of the same response | |
//!
//! The clock is tokio's, and [`RetryPolicy::random`] replaces the random source. So pauses can be tested.
//!
//! # Other services
//!
//! idem names each refusal in the header `Idempotency-Refused`, which is read before the body.
//!
//! The client also works with services that do not use idem. *In progress* and *key reused* are recognised by
//! idem's problem types (the last part of `type`, whatever its base), by the titles of the IETF draft and by
//! Stripe's error codes. *In progress* is also recognised by a 409 with `Retry-After` whose body does not name
//! the problem. Any other 409 or 422 is a response of the service.
//!
//! A service that does not support keys ignores them, and retries run the work again. Send keys only where the
//! service documents them.
//!
//! # Details
//!
//! - Responses up to 1 MiB are read within their attempt, so a connection that breaks half-way is retried
//!   ([`IdempotencyMiddleware::max_response`]). Do not send a key with requests for endless streams of events.
//! - Each attempt has a span `idempotent_attempt` with method, host, path, status and verdict. It never
//!   contains the key, the query, other headers or a body.
//! - A dropped future makes no further attempt. An attempt that was sent may still be carried out, so continue
//!   with the same key. A random key is lost with the future.
//!
//! # Feature flags
//!
//! | Feature | Default | Adds |
//! |---|---|---|
//! | `file` | yes | `FileKeyStore`, which stores keys in a directory |
//!
//! # Links
//!
//! - [Guide: the client](https://github.com/idem-rs/idem/blob/main/docs/guide/src/client.md)
//! - [Example lost-answers](https://github.com/idem-rs/idem/blob/main/examples/lost-answers/README.md): a
//!   network that loses three responses of four
//! - [The IETF draft for the header](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/)
//!
//! [reqwest]: https://docs.rs/reqwest

#![cfg_attr(docsrs, feature(doc_cfg))]

mod attempt;
mod budget;
mod collect;
mod config;
mod failure;
#[cfg(feature = "file")]
mod file;
mod key;
mod key_problem;
mod key_store;
mod middleware;
mod operation;
mod pause;
mod policy;
mod reply;
mod report;
mod request;
mod retry_after;
mod verdict;

pub use budget::RetryBudget;
pub use failure::{Failure, GaveUp, LastAttempt, NotSent, RetryLimit};
#[cfg(feature = "file")]
#[cfg_attr(docsrs, doc(cfg(feature = "file")))]
pub use file::{FileKeyStore, FileKeyStoreError};
pub use key::{IdempotencyKey, KeyError};
pub use key_store::KeyStore;
pub use middleware::IdempotencyMiddleware;
pub use policy::RetryPolicy;
pub use reply::Reply;
pub use request::IdempotentRequest;
pub use reqwest_middleware;
pub use verdict::TimedOut;
