#![doc = include_str!("../README.md")]

mod builder;
mod error;
mod health;
mod names;
#[cfg(idem_planted)]
mod planted;
mod push;
mod row;
mod schema;
mod session;
mod statements;
mod store;
mod sweep;
mod transaction;
mod tx;

pub use builder::{ConnectError, PostgresStoreBuilder};
pub use health::Alarm;
pub use schema::SchemaError;
pub use sqlx;
pub use store::PostgresStore;
pub use tx::Tx;
