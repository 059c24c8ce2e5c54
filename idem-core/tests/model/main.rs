//! The transition function under every interleaving of a few processes that fail (RELIABILITY 3; 10, L0).

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod actor;
mod check;
mod ledger;
mod mutation;
mod properties;
mod store;
mod world;
