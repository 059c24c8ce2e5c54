#![doc = include_str!("../README.md")]

mod batch;
mod builder;
mod calls;
mod connections;
mod error;
mod health;
mod names;
mod push;
mod row;
mod schema;
mod session;
mod statements;
mod store;
mod sweep;
mod transaction;
mod turns;
mod tx;

pub use builder::{ConnectError, PostgresStoreBuilder};
pub use health::HealthIssue;
pub use schema::SchemaError;
pub use sqlx;
pub use store::PostgresStore;
pub use tx::Tx;
