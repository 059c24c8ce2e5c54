//! Faults of a Redis server and of the connection to it. `docs/faults.md` names each fault and states the
//! required behaviour.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod commands;
mod duplicates;
mod fences;
mod full_scope;
#[path = "../harness/mod.rs"]
mod harness;
mod health;
mod network;
mod permissions;
mod quota;
mod records;
mod recovery;
mod server;
mod stress;
mod subscription;
mod support;
mod versions;
