//! What the benchmarks share: the servers under load, the load, and the reading of a process's CPU time.

pub mod load;
pub mod pairs;
pub mod pairs_postgres;
pub mod process;
pub mod rounds;
pub mod server;
