//! Guarded functions from the outside: what their callers see.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod batch;
mod cut_off;
mod errors;
mod execution;
mod refusals;
mod results;
mod signatures;
mod support;
mod versions;
