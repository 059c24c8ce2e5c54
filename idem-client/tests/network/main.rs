//! Failures that only a network has, from a server that fails on purpose.

#![allow(clippy::unwrap_used, reason = "tests")]

mod faults;
mod server;
