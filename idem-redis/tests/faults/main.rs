//! What a Redis server and the way to it can do, and what the store makes of it. The numbers are the rows
//! of the fault matrix (RELIABILITY section 9).

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod commands;
mod duplicates;
mod fences;
mod health;
mod network;
mod quota;
mod server;
mod stress;
mod support;
