//! The HTTP rules as a table of scenarios that every adapter must pass.
//!
//! A scenario sends requests to a real server over TCP and does not depend on its framework. An adapter
//! supplies an app with the routes of [`app`], each a guarded handler of a few lines, and a function that
//! serves the app. One line then defines a test for every scenario:
//!
//! ```text
//! idem_testkit::http_suite!(app::start);
//! ```
//!
//! `start` is an `async fn(Idempotency, Payments) -> Listening`.

#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a step that fails fails the test"
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
