//! Connections: the pools, the dispatch of statements, and the batching of calls.

mod batch;
mod connections;
mod pool;
mod runtimes;
mod source;

pub(crate) use batch::Batcher;
pub(crate) use connections::{Begin, Connections, Timeouts};
pub(crate) use pool::PoolSettings;
pub(crate) use source::{ConnectionSource, Purpose, server_name};
