//! A store that injects faults of networks and servers.

mod faults;
mod inject;
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
