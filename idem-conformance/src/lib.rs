#![doc = include_str!("../README.md")]

#[expect(clippy::expect_used, reason = "a promise that is broken panics, as tests do")]
pub mod contention;
mod fault;
#[expect(clippy::expect_used, reason = "a rule that is broken panics, as tests do")]
mod key;
#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a rule that is broken panics, as tests do"
)]
pub mod rules;
#[expect(clippy::expect_used, reason = "a promise that is broken panics, as tests do")]
pub mod stress;
mod subject;
#[expect(clippy::expect_used, reason = "a rule that is broken panics, as tests do")]
mod suite;
mod terms;

pub use fault::{Calls, Fault, FaultStore, Faults, Kind, Pending};
pub use subject::{Case, Subject};

#[doc(hidden)]
pub use suite::run as __run;
