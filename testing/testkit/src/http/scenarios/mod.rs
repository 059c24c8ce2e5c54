//! The scenarios, by subject. Each is one rule; the numbers are those of SEMANTICS and RELIABILITY.

pub mod concurrency;
pub mod disconnect;
pub mod drain;
pub mod fingerprint;
pub mod isolation;
pub mod keys;
pub mod limits;
pub mod outcomes;
pub mod problems;
pub mod quotas;
pub mod replay;
pub mod store_faults;
pub mod waiting;
