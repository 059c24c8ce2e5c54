//! Real servers for tests (feature `servers`): started on free loopback ports in directories of their
//! own, and killed, paused and restarted at will. They end with the test process, however it ends.

mod nats;
mod pgbouncer;
mod postgres;
mod process;
mod proxy;
mod redis;

pub use nats::NatsServer;
pub use pgbouncer::PgBouncer;
pub use postgres::PostgresServer;
pub use proxy::{Proxy, Replies};
pub use redis::{RedisCluster, RedisSentinel, RedisServer};
