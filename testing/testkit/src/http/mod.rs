//! The wire rules as one table of scenarios, for every adapter alike.
//!
//! A scenario talks to a real server over TCP and knows nothing of its framework. An adapter brings a
//! scenario app: the routes that [`app`] lists, each a guarded handler of a few lines, and a function
//! that serves them. One line then makes a test of every scenario:
//!
//! ```text
//! idem_testkit::http_suite!(app::start);
//! ```
//!
//! where `start` is `async fn(Idempotency, Payments) -> Listening`. A rule that one adapter keeps and
//! another does not is a red row.

#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a test suite: a step that fails is a test that fails"
)]

pub mod app;
mod client;
pub mod scenarios;
mod server;
mod suite;
#[cfg(feature = "servers")]
pub mod transaction;

pub use client::{Closing, Problem, Raw, Request, Response};
pub use server::{Listening, Records, Server, ShutDown, Store};
#[doc(hidden)]
pub use suite::run;
