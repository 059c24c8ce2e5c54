//! The scenarios: every HTTP rule, and the faults that one process can show.

pub mod acted;
pub mod concurrency;
pub mod disconnect;
pub mod drain;
pub mod events;
pub mod fingerprint;
pub mod health;
pub mod isolation;
pub mod keys;
pub mod limits;
pub mod outcomes;
pub mod problems;
pub mod quotas;
pub mod recovery;
pub mod releases;
pub mod replay;
pub mod runs;
pub mod status;
pub mod store_faults;
pub mod streams;
pub mod waiting;
