//! Guarded functions, as their callers see them.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod batch;
mod cancelled;
mod equality;
mod errors;
mod execution;
mod fingerprints;
mod refusals;
mod results;
mod signatures;
mod support;
mod versions;
#[path = "../engine/support/watchdog.rs"]
mod watchdog;
