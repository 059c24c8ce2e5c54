//! A store that does on demand what networks and servers do by themselves.

mod faults;
mod kind;
mod pending;
mod plan;
mod store;
mod transaction;

pub use faults::Faults;
pub use kind::{Calls, Kind};
pub use pending::Pending;
pub use plan::Fault;
pub use store::FaultStore;
