//! The Redis and Valkey store of idem: idempotent handlers on several machines.
//!
//! [`RedisStore`] keeps the records of [`idem_core`] in one server, behind Sentinel or in a Cluster. It
//! needs Redis 7 or later, or Valkey.
//!
//! ```no_run
//! # async fn connect() -> Result<(), idem_redis::ConnectError> {
//! use idem_core::Idempotency;
//! use idem_redis::RedisStore;
//!
//! let idempotency = Idempotency::new(RedisStore::connect("redis://127.0.0.1:6379/").await?);
//! # Ok(())
//! # }
//! ```
//!
//! With an adapter, enable its feature instead: `idem-axum = { features = ["redis"] }`, and then
//! `idem_axum::RedisStore`. `idem-actix` has the same feature.
//!
//! [`RedisStore::builder`] sets a namespace and timeouts. It connects to Sentinel, to a Cluster or to an
//! existing pool. The client is re-exported as [`deadpool_redis`], so that versions cannot differ.
//!
//! # Feature flags
//!
//! | Feature | Default | Effect |
//! |---|---|---|
//! | `tls` | no | `rediss://` URLs, by rustls. Certificates are checked against the authorities of the system, or those in the file that the environment variable `SSL_CERT_FILE` names |
//!
//! # Server requirements
//!
//! | Setting | Reason | Otherwise |
//! |---|---|---|
//! | `maxmemory-policy noeviction` | Every other policy evicts live records when memory is full, including the `volatile-` policies. An evicted record can lead to a second effect. | The store refuses to start, unless [`allow_eviction`](RedisStoreBuilder::allow_eviction) is set. |
//! | a primary, not a replica | Replicas do not accept writes. | The store refuses to start. |
//! | Redis 7 or later, or Valkey | Earlier versions lack script flags, and `NX` together with `GET`. | The store refuses to start. |
//! | `appendonly yes`, better with `appendfsync always` | A restart loses the writes that are not on disk. | A warning at start. |
//!
//! The store checks the server at start, every minute and after each reconnection. It logs an error when
//! keys were evicted, or when the server lost an acknowledged write. [`RedisStore::check`] returns the same
//! findings.
//!
//! An ACL must allow:
//!
//! | For | Commands |
//! |---|---|
//! | every store | `SET`, `EVALSHA`, `EVAL`, `INFO`, `INCR`, `PEXPIRE`, and the commands with which the client opens a connection |
//! | the scripts | `TIME`, `GET`, `SET`, `GETRANGE`, `SETRANGE`, `PTTL`, `PEXPIRE`, `DEL`, `PUBLISH` |
//! | scopes with a quota | `ZRANGE`, `DEL`; in scripts `ZADD`, `ZCARD`, `ZREM`, `ZSCORE` |
//! | late completions in the audit log | `XADD` |
//! | finding and resolving records | `XADD`, `XRANGE`; for listing `SCAN`; for pruning the audit log `XTRIM` |
//! | waiting for replicas | `WAIT` |
//! | waking up waiting duplicates | `SUBSCRIBE` |
//!
//! It must also allow the keys that begin with `idem:<namespace>:`, and the channel
//! `idem:<namespace>:changed`. Key patterns do not restrict `SCAN`: it returns the names of all keys.
//!
//! # Guarantees and limits
//!
//! The [promises](idem_core::rules::guarantees#promises) hold as long as the server keeps every acknowledged
//! write (see [durable store](idem_core::rules::guarantees#durable-store)):
//!
//! | Topology | Acknowledged writes that can be lost |
//! |---|---|
//! | one server, `appendfsync always` | none, unless its disk is lost |
//! | one server, `appendfsync everysec` | about the last second before a crash |
//! | one server without an append-only file | everything after the last snapshot |
//! | Sentinel | writes that had not reached the promoted replica; [`wait_for_replicas`] narrows this |
//! | Cluster | the same for each primary, but waiting for replicas is not available |
//!
//! `FLUSHALL`, evictions and a restored backup lose writes in every topology.
//!
//! **Redis replicates after it has replied.** When a primary fails, its replica takes over without the last
//! writes:
//!
//! | Lost write | Consequence |
//! |---|---|
//! | a claim | The same key runs a second time. |
//! | a stored response | The record reads as running or unknown, or does not exist. |
//!
//! The store detects and logs most losses. It prevents none.
//!
//! [`wait_for_replicas`] refuses a claim that too few replicas have. Two gaps remain:
//!
//! * a failover to another replica, which lacks the claim
//! * a primary that is cut off and still accepts writes; also set `min-replicas-to-write 1` and a small
//!   `min-replicas-max-lag`
//!
//! If a second run is not acceptable, keep the records in the database that contains the effect; see
//! [regions and failover](idem_core::rules::semantics#regions-and-failover).
//!
//! When memory is full, claims are refused. Renewals, completions and releases still succeed. A key whose
//! expiry was removed by hand (`PERSIST`) is held forever.
//!
//! # Finding and resolving records
//!
//! Responses are [stored as plain text](idem_core::rules::guarantees#stored-data). `Idempotency::records` finds, lists and
//! resolves records. A resolution compares the fencing token, wakes waiting duplicates, and is written to the audit log.
//! `DEL` does none of this.
//!
//! * **Listing** sends `SCAN` to each primary, and examines at most 20,000 keys per second. If a primary fails over or
//!   restarts, the listing starts again. It can miss a record whose slot moves to another node meanwhile.
//! * **The audit log** is the stream `idem:<namespace>:audit`. Each change has an entry before it and one after it. An entry
//!   without the second one is reported as unfinished: the change may have been made. The store never trims the log,
//!   and `idem audit --prune-before` does with `XTRIM`. A late completion has one entry. Entries are not chained.
//!
//! A log line names a record by its 64 hexadecimal digits; the first 8, such as `51950d44`, are enough here. This command
//! finds its key in the namespace `default`:
//!
//! ```sh
//! redis-cli --scan --pattern 'idem:default:51950d44*'
//! ```
//!
//! `GETRANGE <key> 17 17` returns the state:
//!
//! | Byte | State |
//! |---|---|
//! | 0 | freed; kept for a minute because of its fencing token |
//! | 1 | running, or unknown once its lease has expired |
//! | 2 | completed |
//! | 3 | completed, but the response was not retained |
//! | 4 | unknown |
//!
//! # How it works
//!
//! | Transition | Commands |
//! |---|---|
//! | claim of a new key, replay | one `SET key value NX GET PX` |
//! | claim of a running key, takeover, begin recovery | `SET key value NX GET PX`, then `claim.lua` |
//! | claim on a connection without a recent clock sample | `claim.lua` alone |
//! | renew, resume run, complete, release, abandon | one script each, safe to send twice |
//! | resolve, evict | `XADD`, one script, `XADD` |
//! | claim of a new key in a scope with a quota | the claim, and `enter_quota.lua`; without room, also a check of the 64 oldest keys, and the release |
//!
//! * **Claims:** A plain `SET` needs a clock sample: a reading of the server's clock on the same connection,
//!   at most 15 s old. A claim by script that acquires its key returns one. In a Cluster, every claim uses the script, because the
//!   nodes have different clocks. The same holds with [`wait_for_replicas`].
//! * **Records:** One key holds one record for its whole retention, not only for its lease. Format version 1 is still read;
//!   claims and completions write version 2. Only the [server's clock](idem_core::rules::semantics#store-clock) decides:
//!   by the time to live of the key, and by `TIME`.
//! * **Scripts:** If the server does not have a script, after a restart or a failover, the store sends its text.
//! * **Connections:** All commands of a runtime share one pipelined connection from the pool. Commands that
//!   are ready at the same time are sent together. A connection that is broken or silent, or leads to a
//!   demoted primary, is replaced on the next call.
//! * **Errors:** Every failure is *not done*, *unknown* or *corrupt*, never "the key is free". An error reply
//!   that is known to change nothing is *not done*. A lost connection, a late reply and every unfamiliar error
//!   are *unknown*. A value that is not a record is *corrupt*.
//! * **Quotas:** The keys of a scope with a [quota](idem_core::rules::semantics#key-quotas) are counted in a
//!   sorted set. Keys without a quota do not touch it. The count is exact, except for a key that was taken
//!   over after a crash during its claim. At most once a second, a claim without room checks
//!   the 64 oldest keys of its scope. A background task checks the others, for at most a tenth of the time.
//! * **Waiting duplicates:** They share one subscription per process, and hold no connection. On an existing
//!   pool they poll, unless [`subscribe_at`](RedisStoreBuilder::subscribe_at) is set.
//!
//! [`wait_for_replicas`]: RedisStoreBuilder::wait_for_replicas

mod admin;
mod builder;
mod claim;
mod claim_cache;
mod complete;
mod conn;
mod connect_error;
mod error;
mod fencing;
mod health;
mod keys;
mod notify;
mod quota;
mod reply;
mod scan_pace;
mod scripts;
mod shared;
mod store;
mod tls;
mod value;

pub use builder::RedisStoreBuilder;
pub use connect_error::ConnectError;
pub use deadpool_redis;
pub use health::HealthIssue;
pub use store::RedisStore;
