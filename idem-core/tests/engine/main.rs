//! The engine as a service uses it, over stores that do not fail.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod abandon;
mod acted;
mod audit;
mod borrowed;
mod cancellation;
mod capacity;
mod confirm;
mod detach;
mod drain;
mod duplicate;
mod execution;
mod health;
mod identity;
mod key_source;
mod lease;
mod lost_lease;
mod mismatch;
mod observe;
mod outcome;
mod race;
mod records;
mod recovery;
mod run_limit;
mod status;
mod support;
mod takeover;
mod trace;
mod unreadable;
mod wait;
mod wait_scope;
