//! The function flavour: plain async functions, such as queue consumers, that run once per key.

mod batch;
mod disposition;
mod failure;
mod invocation;
mod kept;
mod refused;

pub use batch::batch;
pub use disposition::Disposition;
pub use failure::Failure;
pub use invocation::Invocation;
pub use kept::ErrorStorage;
pub use refused::Rejected;
