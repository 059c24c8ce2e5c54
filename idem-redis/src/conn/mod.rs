//! Connections: one for each async runtime, shared by all its tasks, and dedicated ones for `WAIT`.

mod batch;
mod connection;
mod connections;
mod pool;
mod replica_wait;
mod transport;

pub(crate) use connection::Connection;
pub(crate) use connections::Connections;
pub(crate) use pool::{ConnectionSource, Pool};
pub(crate) use replica_wait::{ReplicaWait, WriteConnection};
