//! Every rule of the README, against a scripted server and a paused clock.

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
