//! The contents of spans and log lines, and the secrets that they must never contain.

mod limits;
mod log;
mod renewals;
mod reports;
mod secrets;
mod span;
mod streams;
