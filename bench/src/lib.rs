//! What the benchmarks share: the servers under load, the load, and the reading of a process's CPU time.

pub mod load;
pub mod pairs;
pub mod process;
pub mod server;
