//! Network failures, caused by a server that fails on purpose.

#![allow(clippy::unwrap_used, reason = "tests")]

mod faults;
mod server;
