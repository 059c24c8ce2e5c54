//! Handlers that work in the transaction of their record: what they wrote is there if and only if the
//! record is completed (I8). The numbers are the rows of the fault matrix (RELIABILITY section 9).

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod crash;
mod duplicates;
mod ends;
mod faults;
mod misuse;
mod pgbouncer;
mod quota;
mod statements;
mod support;
