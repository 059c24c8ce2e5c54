//! Test infrastructure shared by the crates of this workspace. It is not published.
//!
//! | Feature | Module | Contents |
//! |---|---|---|
//! | `app` | `app` | the payments app, without its framework |
//! | `axum`, `actix` | `app::axum`, `app::actix` | the conversion of its replies into responses |
//! | `http` | `http` | the HTTP scenarios that every adapter must pass, and their client |
//! | `log` | `log` | the log of a test program |
//! | `records` | `records` | requests and completions for tests that call a store directly |
//! | `servers` | `servers` | Redis, Postgres, PgBouncer and NATS servers that a test starts, pauses and kills |

#[cfg(feature = "app")]
#[expect(clippy::expect_used, reason = "a script with an invalid header panics")]
pub mod app;
mod cancel;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "log")]
pub mod log;
#[cfg(feature = "records")]
#[expect(clippy::expect_used, reason = "a call with another outcome fails the test")]
pub mod records;
#[cfg(feature = "servers")]
#[expect(clippy::expect_used, reason = "a server that does not start fails the test")]
pub mod servers;

#[cfg(feature = "app")]
mod watchdog;

pub use cancel::dropped_after;
