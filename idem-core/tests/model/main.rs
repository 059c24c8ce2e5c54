//! Checks the state machine under every interleaving of a few processes and faults. The invariants are
//! listed in docs/guarantees.md#invariants.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod check;
mod fault;
mod handlers;
mod history;
mod invariant;
mod model;
mod mutation;
mod operator;
mod process;
mod process_set;
mod properties;
mod store;
mod time;
