//! The SQLite store of idem: durable idempotent handlers without a server.

mod admin;
mod builder;
mod clock;
mod connection;
mod error;
mod file;
mod health;
mod open_error;
mod others;
mod reader;
mod row;
mod schema;
mod shared;
mod store;
mod sweep;
mod thread;
mod writer;

pub use builder::SqliteStoreBuilder;
pub use health::HealthIssue;
pub use open_error::OpenError;
pub use sqlx;
pub use store::SqliteStore;
