#![doc = include_str!("../README.md")]

mod answer;
mod attempt;
mod budget;
mod collect;
#[cfg(feature = "file")]
mod file;
mod hint;
mod key;
mod key_store;
mod middleware;
mod operation;
mod pause;
mod policy;
mod report;
mod request;
mod retry_after;
mod verdict;

pub use answer::{Answer, Failure, Last, Limit, NotSent, Stop};
pub use budget::RetryBudget;
#[cfg(feature = "file")]
pub use file::{FileKeyStore, FileKeyStoreError};
pub use key::{IdempotencyKey, KeyError};
pub use key_store::KeyStore;
pub use middleware::IdempotencyMiddleware;
pub use policy::RetryPolicy;
pub use request::IdempotentRequest;
pub use reqwest_middleware;
pub use verdict::TimedOut;
