//! The SQLite store of idem: durable idempotent handlers without a server.
//!
//! [`SqliteStore`] keeps the records of [`idem_core`] in one file. It is for a service with one binary, for a device, for
//! development and for tests. Several processes can share the file, **on one host and on a local disk**.
//!
//! ```no_run
//! # async fn open() -> Result<(), idem_sqlite::OpenError> {
//! use idem_core::Idempotency;
//! use idem_sqlite::SqliteStore;
//!
//! let idempotency = Idempotency::new(SqliteStore::open("idem.db").await?);
//! # Ok(())
//! # }
//! ```
//!
//! With an adapter, enable its feature instead: `idem-axum = { features = ["sqlite"] }`, and then
//! `idem_axum::SqliteStore`. `idem-actix` has the same feature.
//!
//! [`SqliteStore::builder`] sets timeouts, or uses the [file of an existing pool](SqliteStoreBuilder::on_pool) beside the
//! tables of the application. The client is re-exported as [`sqlx`], so that versions cannot differ. It compiles SQLite
//! itself, through `libsqlite3-sys` 0.37. A binary that also uses `rusqlite` must use a version of it with the same
//! `libsqlite3-sys`, because only one can be linked.
//!
//! # Guarantees and limits
//!
//! The [promises](idem_core::rules::guarantees#promises) hold as long as the disk keeps what it acknowledged to `fsync`; see
//! [durable store](idem_core::rules::guarantees#durable-store).
//!
//! * **Commits:** The file has a write-ahead log, and `synchronous` is `FULL`. A call returns after its commit is on the disk.
//!   After a crash of the process or of the machine, the next process recovers the log.
//! * **Hosts:** A network file system is refused, because its processes do not share memory. Use Redis or Postgres for several
//!   hosts.
//! * **Containers:** Mount the **directory** of the file, from a volume that is kept, and never the file alone. The store logs
//!   a warning whenever it creates a file.
//! * **One path:** SQLite puts the log beside the path by which a process opens the file. Processes that use two hard links,
//!   or two mounts of the file alone, have two logs: a key runs once for each, and the file can be damaged. The store refuses
//!   a file with several hard links and, on Linux, a file that is a mount of its own. It cannot detect such a mount on other
//!   systems, nor another program that opens the file by another path.
//! * **Clock:** The time of the store is the latest wall clock of all its processes, and it never goes back. It is part of
//!   each transaction. A wall clock that is set back cannot revive a lease or a record. If one is ahead, all processes follow
//!   it, and every lease and record of that moment ends early by the same time:
//!   * Outcomes are unknown early. At least once, a live run may be taken over.
//!   * A completed key runs again once its age and the error together exceed `ttl`.
//!   * If the error exceeds `hold` plus the rest of the lease, the record of a live run expires, and a second run starts
//!     beside it.
//!
//!   Later records have their whole `lease`, `ttl` and `hold`; see
//!   [steady store clock](idem_core::rules::guarantees#steady-store-clock).
//! * **Transactions:** `Tx` is not offered. A handler that waits for a provider in a transaction would hold the only write
//!   lock of the file.
//! * **Quotas** are exact.
//! * **A full disk** refuses new keys with 503. Replays are served, and the ends of runs are repeated until there is room.
//! * **A locked file:** If another process is stopped inside a commit, or an application keeps a transaction open on the same
//!   file, calls wait up to [`wait_timeout`]. They then fail, and nothing was written.
//! * **A file or a log that is deleted or replaced** while it is open: the process refuses changes until it is restarted. What
//!   it wrote to the old file would be lost to the others. Never delete the log, `idem.db-wal`, while a process has the file
//!   open. It contains the latest commits, and a key whose record was in it can run again. If another process opens the file
//!   after that, older records can be lost too.
//! * **Copies:** Do not copy the open file, because the log is a second file. Use `VACUUM INTO 'copy.db'`.
//! * **Responses** are [stored as plain text](idem_core::rules::guarantees#stored-data). Restrict the permissions of the file.
//!
//! The store checks the file at start and every minute, and logs an error for each [`HealthIssue`]. [`SqliteStore::check`]
//! returns the same findings.
//!
//! # How it works
//!
//! * **One writer:** A thread of the store makes all changes on one connection. While a commit is in progress, further calls
//!   wait, and then share the next transaction, at most 256. A commit waits for the disk once, whatever the number of its
//!   calls. Each call gets its own result. If the database rejects the row of one call, the calls are sent again one by one. If
//!   the commit itself fails, the results of all its calls are unknown.
//! * **Transitions** are those of [`state_machine`](idem_core::state_machine), applied to the records that the transaction has
//!   read. Other processes wait for the lock of the file meanwhile.
//! * **Reads:** Replays and duplicates are answered by two reading connections, without the writer and without a commit. Only
//!   new, expired and lapsed records go on to the writer.
//! * **Several processes** take turns. The lock of SQLite is not fair, so a process pauses for 2 ms after a commit while others
//!   write too.
//! * **Waiting duplicates** of the same process are woken by the commit. While duplicates wait, the process looks for changes
//!   of others every 25 ms to 1 s.
//! * **Expired records** are deleted every minute, 1,000 in a transaction, and pages are returned to the file system.
//! * **Memory:** At most 4,096 calls and 4,096 reads wait. Later ones wait for a place, and fail after [`wait_timeout`].
//!
//! | Table | Contents |
//! |---|---|
//! | `idem_records` | records without responses, as [`codec`](idem_core::codec) writes them |
//! | `idem_responses` | the responses |
//! | `idem_scopes` | the number of records of each scope with a quota |
//! | `idem_audit` | the audit log, which only grows |
//! | `idem_store` | the version of the schema, and the latest time |
//!
//! Find and resolve records with [`Idempotency::records`](idem_core::Idempotency::records). A log line names a record by its
//! 64 hexadecimal digits, which are the column `id`; the first 8, such as `51950d44`, are enough for a search.
//!
//! [`wait_timeout`]: SqliteStoreBuilder::wait_timeout

mod admin;
mod alias;
mod audit;
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
