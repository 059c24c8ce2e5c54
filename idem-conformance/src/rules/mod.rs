//! The rules: one named function each. The macros at the crate's root make a test of each.
//!
//! A rule names the transition (T1 to T16) or the requirement (R-number) that it holds a store to, and
//! compares values, never mere presence.

pub mod answers;
pub mod claim;
pub mod complete;
pub mod delete;
pub mod differential;
pub mod expiry;
pub mod free;
pub mod push;
pub mod quota;
pub mod race;
pub mod renew;
pub mod takeover;
