//! Every rule of the crate documentation, tested with a scripted server and a paused clock.

#![allow(clippy::unwrap_used, reason = "tests")]

mod bodies;
mod hints;
mod keys;
mod limits;
mod neighbours;
mod pauses;
mod problems;
mod statuses;
#[cfg(feature = "file")]
mod stores;
mod support;
