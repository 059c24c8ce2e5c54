//! The engine from the outside: what a service sees of it over a store that works.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod abandon;
mod borrowed;
mod cancellation;
mod capacity;
mod detach;
mod drain;
mod duplicate;
mod end;
mod execution;
mod identity;
mod lease;
mod lost;
mod race;
mod support;
mod takeover;
mod trace;
mod wait;
mod wait_scope;
