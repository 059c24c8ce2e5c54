//! The rules that a store must follow, one function each.
//!
//! The macros at the crate root define a test for each rule. Most rules check one transition of the
//! [state machine](idem_core::rules::guarantees#state-machine). Each rule compares the stored values, not
//! only whether a record exists.

pub mod admin;
pub mod audit;
pub mod claim;
pub mod complete;
pub mod concurrency;
pub mod delete;
pub mod differential;
pub mod expiry;
pub mod quota;
pub mod recovery;
pub mod release;
pub mod renew;
pub mod responses;
pub mod takeover;
pub mod wakeups;
