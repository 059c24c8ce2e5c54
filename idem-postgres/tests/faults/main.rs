//! Faults of a Postgres server and of the network, and how the store reacts. `docs/faults.md` lists the faults
//! that the `fault_` tests cover.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod admin;
mod batches;
mod disk;
mod duplicates;
mod health;
#[path = "../harness/locks.rs"]
mod locks;
mod network;
mod pgbouncer;
mod previous_version;
mod quota;
mod renewals;
mod runtimes;
mod schema;
mod server;
mod statements;
mod stress;
mod support;
mod sweep;
