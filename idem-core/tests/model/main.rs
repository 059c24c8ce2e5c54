//! Checks the state machine under every interleaving of a few processes and faults. The invariants are
//! listed in docs/guarantees.md#invariants.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod check;
mod history;
mod model;
mod mutation;
mod process;
mod properties;
mod store;
