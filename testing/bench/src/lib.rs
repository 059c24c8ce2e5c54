//! The parts that the benchmarks share: the servers, the load, and the measurement of CPU time.

pub mod by_hand_postgres;
pub mod by_hand_redis;
pub mod load;
pub mod process;
pub mod rounds;
pub mod server;
pub mod stores;
pub mod table;
