//! What a Postgres server and the way to it can do, and what the store makes of it. The numbers are the
//! rows of the fault matrix (RELIABILITY section 9).

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod disk;
mod duplicates;
mod health;
mod network;
mod pgbouncer;
mod schema;
mod server;
mod statements;
mod stress;
mod support;
mod sweep;
mod together;
