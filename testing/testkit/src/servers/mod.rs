//! Real servers for tests.
//!
//! Each server runs on a free loopback port in its own temporary directory. Tests can kill, pause and
//! restart it. It ends with the test process, even if that process is killed.

mod certificates;
mod chrome;
mod nats;
mod pgbouncer;
mod postgres;
mod process;
mod proxy;
mod redis;
mod shared;
mod sqlite;
mod wait;

pub use certificates::Certificates;
pub use chrome::ChromeDriver;
pub use nats::NatsServer;
pub use pgbouncer::PgBouncer;
pub use postgres::PostgresServer;
pub use proxy::{Proxy, Replies};
pub use redis::{RedisCluster, RedisSentinel, RedisServer};
pub use shared::Shared;
pub use sqlite::{SqliteFile, is_locked, run_sql};
pub use wait::{eventually, soon};
