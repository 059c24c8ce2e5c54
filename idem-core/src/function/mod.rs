//! The function flavour: plain async functions, such as queue consumers, that run once per key.

mod batch;
mod disposition;
mod error_storage;
mod failure;
mod invocation;
mod rejected;

pub use batch::batch;
pub use disposition::Disposition;
pub use error_storage::ErrorStorage;
pub use failure::Failure;
pub use invocation::Invocation;
pub use rejected::Rejected;
