//! The engine on a store that fails: the store and renewal faults of `docs/faults.md`.
//!
//! Each test runs on a store that answers at once and on one that answers like a remote store. Nothing
//! sleeps to wait for something else: tests wait for calls to be made, held or answered.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod bench;
mod calls;
mod claim;
mod complete;
mod release;
mod renew;
mod vanished;
