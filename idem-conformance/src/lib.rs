#![doc = include_str!("../README.md")]

mod cancel;
mod fault;
#[cfg(feature = "http")]
pub mod http;
#[expect(clippy::expect_used, reason = "a rule that is broken panics, as tests do")]
mod key;
#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a rule that is broken panics, as tests do"
)]
pub mod rules;
#[cfg(feature = "servers")]
#[expect(clippy::expect_used, reason = "a server that does not start panics, as tests do")]
pub mod servers;
#[expect(clippy::expect_used, reason = "a test that cannot go on panics")]
pub mod service;
#[expect(clippy::expect_used, reason = "a promise that is broken panics, as tests do")]
pub mod storms;
#[expect(clippy::expect_used, reason = "a promise that is broken panics, as tests do")]
pub mod stress;
mod subject;
#[expect(clippy::expect_used, reason = "a rule that is broken panics, as tests do")]
mod suite;
mod terms;

pub use cancel::dropped_after;
pub use fault::{Calls, Fault, FaultStore, Faults, Kind, Pending};
pub use subject::{Case, Subject};

#[doc(hidden)]
pub use suite::run as __run;
