//! The engine on a store that fails: the store and renewal faults of `docs/faults.md`.
//!
//! Each test runs on a store that replies immediately and on one that replies like a remote store. Tests do
//! not sleep: they wait until calls are made, held or answered.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod calls;
mod claim;
mod complete;
mod recovery;
mod release;
mod renew;
mod support;
mod vanished;
