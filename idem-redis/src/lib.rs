#![doc = include_str!("../README.md")]

mod answer;
mod batch;
mod builder;
mod error;
mod fence;
mod health;
mod keys;
mod link;
mod memo;
mod push;
mod quota;
mod replicas;
mod script;
mod source;
mod store;
mod value;

pub use builder::{ConnectError, RedisStoreBuilder};
pub use deadpool_redis;
pub use health::HealthIssue;
pub use store::RedisStore;
