#![doc = include_str!("../README.md")]

mod builder;
mod conn;
mod error;
mod health;
mod notify;
mod quota;
mod schema;
mod shared;
mod sql;
mod store;
mod sweep;
mod transaction;
mod tx;

pub use builder::{ConnectError, PostgresStoreBuilder};
pub use health::HealthIssue;
pub use schema::SchemaError;
pub use sqlx;
pub use store::PostgresStore;
pub use tx::Tx;
