//! The programs of the READMEs of `idem-metrics` and `idem-tower`.

#![allow(clippy::unwrap_used, dead_code, reason = "a test, and code to be read")]

mod metrics;
mod tower;
