//! Real servers for tests (feature `servers`): started on free loopback ports in directories of their
//! own, and killed, paused and restarted at will. They end with the test process, however it ends.

mod nats;
mod process;
mod redis;

pub use nats::NatsServer;
pub use redis::{RedisCluster, RedisSentinel, RedisServer};
