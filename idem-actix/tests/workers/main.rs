//! What a worker is, one thread, and what that must not break (RELIABILITY M1, M2, M15).

#![allow(missing_docs, clippy::unwrap_used)]

mod blocked;
mod panics;
mod races;
mod stop;
mod support;
