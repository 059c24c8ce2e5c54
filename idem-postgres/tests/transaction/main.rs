//! Handlers in the transaction of their record: their writes are committed if and only if the record is
//! completed. `docs/faults.md` lists the faults that the `fault_` tests cover.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod crash;
mod duplicates;
mod exhausted;
mod faults;
mod function;
mod misuse;
mod outcomes;
mod pgbouncer;
mod quota;
mod run_limit;
mod statements;
mod support;
