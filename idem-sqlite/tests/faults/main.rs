//! The faults of `docs/faults.md` that concern the SQLite store. A test is called `fault_<name>`, or
//! `fault_<name>_<variant>`.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod clock;
mod duplicates;
mod file;
mod lock;
mod open;
mod pool;
mod stress;
mod support;
mod sweep;
mod values;
