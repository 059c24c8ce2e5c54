//! A worker is one thread. These tests show that leases, responses and other runs do not suffer from that.

#![allow(missing_docs, clippy::unwrap_used)]

mod blocked;
mod panics;
mod races;
mod stop;
mod support;
