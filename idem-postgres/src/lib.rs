//! The Postgres store of idem: idempotent handlers, with an exactly-once effect in your own transaction.
//!
//! [`PostgresStore`] keeps the records of [`idem_core`] in one table. It needs Postgres 14 or later. Each night, it is
//! tested with all versions that the distribution of the CI runner has.
//!
//! ```no_run
//! # async fn connect() -> Result<(), idem_postgres::ConnectError> {
//! use idem_core::Idempotency;
//! use idem_postgres::PostgresStore;
//!
//! let idempotency = Idempotency::new(PostgresStore::connect("postgres://app@127.0.0.1/shop").await?);
//! # Ok(())
//! # }
//! ```
//!
//! With an adapter, enable its feature instead: `idem-axum = { features = ["postgres"] }`, and then
//! `idem_axum::PostgresStore` and `idem_axum::Tx`. `idem-actix` has the same feature.
//!
//! [`PostgresStore::builder`] sets the schema, the table and timeouts, or takes an existing pool. The client is
//! re-exported as [`sqlx`], so that versions cannot differ.
//!
//! # Feature flags
//!
//! | Feature | Default | Effect |
//! |---|---|---|
//! | `tls` | no | TLS connections, by the `tls-rustls` feature of sqlx |
//!
//! # Transactions
//!
//! A handler that takes a [`Tx`] (`idem_axum::Tx`, `idem_actix::Tx`) works in one transaction with its record:
//!
//! ```ignore
//! #[idempotent(ttl = "24h", scope = "tenant")]
//! async fn transfer(mut tx: Tx, tenant: Tenant, Json(order): Json<Order>) -> Result<StatusCode, ApiError> {
//!     let credit = sqlx::query("UPDATE account SET cents = cents + $1 WHERE id = $2");
//!     credit.bind(order.cents).bind(order.payee).execute(&mut *tx).await?;
//!     Ok(StatusCode::NO_CONTENT)
//! }
//! ```
//!
//! The claim, the writes through `&mut *tx` and the stored response are committed together or not at all; see
//! [exactly once effect](idem_core::rules::guarantees#exactly-once-effect).
//!
//! | The handler ends with | Its writes | Its response | The key |
//! |---|---|---|---|
//! | 2xx, 3xx | committed | stored, replayed | completed |
//! | any other final response: 400, 402, 404, 409, 422 … | rolled back | stored, replayed | completed |
//! | "not executed": 401, 403, 408, 429, 503 … | rolled back | sent once | free |
//! | 5xx, a panic, `max_run`, a failed commit | rolled back | sent once | free |
//! | a crash before the commit | rolled back | none | free |
//!
//! * **Duplicates** of a running transaction get 409 or wait, without holding a connection. They are compared with the
//!   first request only after it has ended, because an uncommitted claim cannot be read.
//! * **Slow handlers** can hold all connections for transactions. Replays and duplicates are then looked up on another
//!   connection, and only new keys wait for a transaction, up to [`wait_timeout`] per attempt.
//! * **Disconnects:** A client that disconnects, or a timeout around the handler, does not end the run. It continues and
//!   commits, as under the other guarantees, and a retry gets the response. Only a crash, the deadline of a drain and
//!   the rows above roll back.
//! * **Lost commits:** If the reply to `COMMIT` is lost, the store finds out on another connection whether it took
//!   effect, and responds accordingly. If that is impossible for 5 s, the client gets 503. Its retry gets the true
//!   result.
//! * **Isolation level:** Set it with [`transaction_isolation`]. The handler cannot, because the claim comes first.
//! * **Nested transactions:** `tx.begin()` makes a savepoint, as usual. Do not run `COMMIT` or `ROLLBACK`.
//! * **Lifetime:** Drop the `Tx` in the handler. A transaction whose `Tx` is kept in a task is never committed.
//! * **Runtimes:** The transaction runs on a connection that the handler's runtime opened. Use the `Tx` only there.
//! * **Failed statements** abort the transaction. The handler cannot succeed after one.
//! * **Other effects:** Effects outside of this database are not part of the transaction. Use the other guarantees for
//!   those.
//! * **Without an adapter:** For a function that takes a [`Tx`], pass [`Tx::slot`] to
//!   [`Call::in_transaction`](idem_core::http::Call::in_transaction).
//!
//! The handler's transaction sends two more statements than it would without idempotency: the claim after `BEGIN`, and the
//! completion before `COMMIT`. A replay sends `BEGIN`, the claim and `ROLLBACK`. A final response that is not a success is
//! stored by a second transaction, after the first was rolled back. A savepoint would cost every success a statement and a
//! subtransaction. If another request claims the key in between, the first run leaves no trace, and its client gets the
//! result of the other request.
//!
//! # Server requirements
//!
//! | Setting | Reason | Otherwise |
//! |---|---|---|
//! | `synchronous_commit` not `off`, for the store's connections | A crash loses acknowledged commits. A request whose claim was lost runs a second time. | The store refuses to start, unless [`allow_unsafe_server`] is set. |
//! | `fsync = on` | The same, for a crash of the machine. | The same |
//! | a primary, not a standby | Standbys do not accept writes. | The same |
//! | the role's [privileges](#schema-and-grants) | Statements fail without them. | The store refuses to start. The error contains the `GRANT` commands. |
//! | the schema of this version | Older code does not know what newer code changed. | The same |
//! | a synchronous standby, if you fail over | An asynchronous standby lacks the last commits. | Requests whose records were lost can run a second time. |
//!
//! The store checks the server at start and every minute, and logs an error for each [`HealthIssue`].
//! [`PostgresStore::check`] returns the same findings.
//!
//! # Schema and grants
//!
//! The store uses one table, `public.idem_records` by default. A table with the number of records per scope, one with the
//! audit log, one with the schema version, functions and triggers belong to it. Migrations only add, so that the previous
//! version of a service keeps working during a deploy. A migration fails rather than wait more than 2 s for open transactions. `connect` and
//! `migrate` then try again, up to 20 times.
//!
//! | Method | Effect |
//! |---|---|
//! | [`connect`](PostgresStoreBuilder::connect) | brings the schema up to date, one process at a time |
//! | [`migration_sql`](PostgresStoreBuilder::migration_sql) | returns the migrations as text, for your own migration tool |
//! | [`migrate`](PostgresStoreBuilder::migrate) | applies the migrations, as a step of a deploy |
//! | [`verify_only`](PostgresStoreBuilder::verify_only) | changes nothing, and refuses to start if the schema is not up to date |
//!
//! With `verify_only` the role needs these privileges. Every role can execute functions unless that was revoked:
//!
//! ```sql
//! GRANT USAGE ON SCHEMA public TO app;
//! GRANT SELECT, INSERT, UPDATE, DELETE ON idem_records TO app;
//! GRANT SELECT ON idem_records_scopes, idem_records_schema TO app;
//! GRANT SELECT, INSERT ON idem_records_audit TO app;
//! GRANT EXECUTE ON FUNCTION idem_records_claim_3, idem_records_claim_batch_1, idem_records_complete_2,
//!     idem_records_complete_batch_1, idem_records_resolve_1, idem_records_audit_1 TO app;
//! ```
//!
//! Version 3 of the schema adds columns for recovery and for operators. They rewrite nothing and have no index. A process
//! with the code of version 2 continues to work beside it, and reports [`HealthIssue::Schema`]. It refuses the records of
//! this version with 500 and does not run them again, except at least once. Its own records are read, and never recovered.
//! The audit log only grows, and the service cannot rewrite it. `idem audit --prune-before` needs a role with `DELETE`.
//!
//! # Guarantees and limits
//!
//! The [promises](idem_core::rules::guarantees#promises) hold as long as the server keeps every acknowledged commit; see
//! [durable store](idem_core::rules::guarantees#durable-store).
//!
//! * **Quotas** do not count open transactions. The new keys of a scope with a
//!   [quota](idem_core::rules::semantics#key-quotas) are counted one after the other, so the count is exact under `read
//!   committed`, the default of the server. A handler that takes a `Tx` does not wait for other requests of its scope.
//!   Its key is counted after it is committed. A count costs the same for any number of keys. Expired keys of a full
//!   scope make room immediately, up to 1,000 at a time; the rest follow when they are swept.
//! * **Partitions** are not made by the migrations. A table that is partitioned by hash of `id` works, because `id` is
//!   the only unique column. Add `PARTITION BY HASH (id)` to the text of `migration_sql`.
//! * **A full disk** refuses new keys. Runs can still end if their response fits on the page of their claim.
//!
//! # Finding and freeing records
//!
//! Responses are [stored as plain text](idem_core::rules::guarantees#stored-data). A log line names a record by its 64
//! hexadecimal digits; the first 8, such as `51950d44`, are enough here. This statement finds it:
//!
//! ```sql
//! SELECT created_at, lease_until, expires_at, state, attempt, operation, convert_from(label, 'UTF8') AS label
//! FROM idem_records WHERE id >= '\x51950d44' AND id < '\x51950d45';
//! ```
//!
//! | `state` | Meaning |
//! |---|---|
//! | 1 | running, or unknown once `lease_until` has passed |
//! | 2 | completed |
//! | 3 | completed, but the response was not retained |
//! | 4 | unknown; `unknown_reason` is 2 timed out, 3 ambiguous, 4 recovery inconclusive, 5 drained, 6 disputed, and 1 crashed after a resolution that holds the record |
//!
//! [`RecordAdmin`](idem_core::store::RecordAdmin) lists and resolves records, and writes each change to
//! `idem_records_audit` in the same transaction. A listing reads 2,000 records at a time in the order of their ids, so that
//! no statement of it is long. Its pages can therefore be empty. It never reads responses.
//!
//! Resolve a record with [`Idempotency::records`](idem_core::Idempotency::records), and do not `DELETE` it: a late
//! completion of the lost run would find no record, and nothing would be in the audit log.
//!
//! # PgBouncer
//!
//! [`pgbouncer`] works through PgBouncer in transaction mode. Each statement has a transaction of its own, nothing is
//! prepared, and waiting duplicates poll. Without it, connecting fails with [`ConnectError::Pooler`].
//!
//! A handler's own queries on its [`Tx`] must not be prepared either: call `.persistent(false)` on them.
//!
//! The conformance suite, the HTTP scenarios on axum and the transactions were run through PgBouncer 1.18. Since
//! PgBouncer 1.21, `max_prepared_statements` makes prepared statements work; that was not tried.
//!
//! # How it works
//!
//! | Transition | Statements |
//! |---|---|
//! | claim of a new key, replay, duplicate, takeover, recovery | one call of the function `idem_records_claim_3` |
//! | complete | one call of the function `idem_records_complete_2` |
//! | several claims, several completions | one call of `idem_records_claim_batch_1`, `idem_records_complete_batch_1` |
//! | renew, end of a recovery, release, abandon | one statement each |
//! | resolve | one call of the function `idem_records_resolve_1` |
//! | a completion whose claim is stale | one more, which reads the record |
//!
//! Each statement commits by itself and is safe to send twice.
//!
//! * **Batching:** While two statements with claims are in flight, further claims wait for one of them to end. They then
//!   share the next statement, which carries at most 32. Completions do the same, and so do renewals, at most 512 to a
//!   statement. A call that meets no others is sent alone and immediately. Each key of a batch gets its own result. If
//!   the server rejects the statement, nothing was changed, and its calls are sent again one by one. If the reply is
//!   lost, the results of all its calls are unknown. A call that waits longer than [`wait_timeout`] is not sent. A
//!   commit and a round trip cost Postgres more than the work between them. With 32 concurrent calls, the store made
//!   three times as many claims with completions as the client's `INSERT` and `UPDATE` alone, with a third of the
//!   server's CPU. It made four times as many replays, with a quarter of the CPU
//!   ([benchmarks](https://github.com/idem-rs/idem/tree/main/testing/bench)).
//! * **The price of batching:** A claim can wait up to half a second for an open transaction on its own key, and the
//!   claims that share its statement wait with it. This happens only while a deploy changes a handler to `Tx` or back.
//!   Claims of a scope with a quota are not batched: each runtime sends four of one scope at a time.
//! * **Many long runs:** A run is renewed three times per lease. 5,000 concurrent runs with a lease of 1 s kept their
//!   leases, with an unoptimized client and the server on the same two cores. With a lease of 30 s that is 150,000 runs.
//! * **Connections:** Each runtime has its own connections, up to [`max_connections`], so a runtime that is blocked or
//!   has ended delays no other. A connection that was used within the last second is reused without a ping. An [existing
//!   pool](PostgresStoreBuilder::on_pool) is used as it is, and its pings cost a round trip each. The runtimes that
//!   opened its connections drive them: do not share it between runtimes, such as the workers of actix-web.
//! * **The claim is a function** because that pays where claims meet records. With pgbench, replays made 13,300/s with
//!   the function and 10,000/s with `INSERT … DO NOTHING` followed by `SELECT`, which also costs the client a second
//!   round trip. The conditions were 16 clients, prepared statements, 3 rounds of 3 s, and two virtual cores under other
//!   load. A claim of a new key costs more: 0.75 to 0.95 times as many per second as with the `INSERT` alone. One
//!   statement of plain SQL that claims or reads was not cheaper for new keys, and needs a second statement if it finds
//!   neither. Each statement inside the function has its own snapshot, so the read sees the row that the insert
//!   conflicted with, also in a batch.
//! * **Writes:** A replay writes nothing: no log, no transaction id, no row lock. The completion of a lone call stays on the
//!   page of its claim (`fillfactor` 50) and touches no index. With 32 concurrent calls and responses of 1 KiB, about half
//!   of the completions do. Responses are not compressed.
//! * **Clock:** Leases and expiry are judged by `clock_timestamp()` of the
//!   [server](idem_core::rules::semantics#store-clock), because `now()` is the start of the transaction.
//! * **Errors:** Every failure is *not done*, *unknown* or *corrupt*, never "the key is free". An error reply after
//!   which the server has rolled back is *not done*. A lost connection, a shutdown, a late reply and every unfamiliar
//!   error are
//!   *unknown*. So is every error that closes the connection, as PgBouncer's own errors do: it can follow a commit. A record that cannot be read is *corrupt*. The server ends a statement after 5 s ([`statement_timeout`]).
//!   A connection without a reply one second later is closed. A call whose caller was dropped is driven to its end.
//! * **Waiting duplicates** of one process share one listening connection. The server notifies only the ends of records
//!   for which a duplicate waits, because a notification makes its commit wait for a lock of the whole database. With
//!   pgbench (16 clients, medians of 3 rounds of 3 s, under other load), notifying every end made 270 pairs/s, and
//!   notifying awaited ends alone made 920 pairs/s. Runs in a transaction notify nothing: their duplicates poll, with a
//!   delay of 25 ms up to one second. Behind a pooler all duplicates poll.
//! * **Sweeping:** Every process deletes expired records every minute. One process deletes at a time, in batches of
//!   200, and never waits for a lock. It reads a record when its `ttl` is over. If the record is still held, it is read
//!   again when it expires: that costs one update per held record. [`PostgresStore::sweep_lag`] returns how far behind
//!   the sweeper is.
//! * **Size:** The table stays as large as its live records. In a test, 16 clients made a million keys with a `ttl` of a
//!   minute and responses of 1 KiB, at up to 2,400 pairs/s. The store swept with 5 s between sweeps, and about 75,000
//!   records were live at a time. The table grew to 287 MB with the first 370,000 keys, and was 295 MB at most after
//!   that. Its indexes took 15 and 4.5 MB, and 99.8 % of the updates touched no index. The sweeper was up to 30 s
//!   behind, and minutes behind when other work took the machine. At full speed, with 32 clients and 7,800 pairs/s, only
//!   46 to 59 % of the updates touched no index: claims of one statement share a page, which then has no room for all their
//!   responses.
//! * **Pipelining** would help too, but this client has none, and batches give most of it. With pgbench, replays in
//!   pipelines of 16 on one connection made about 13,000/s, and 16 connections made 6,900/s one by one (medians of 3
//!   rounds, under other load). A connection waits for its commit, so first executions gain only where several
//!   connections share the flush.
//!
//! [`allow_unsafe_server`]: PostgresStoreBuilder::allow_unsafe_server
//! [`max_connections`]: PostgresStoreBuilder::max_connections
//! [`pgbouncer`]: PostgresStoreBuilder::pgbouncer
//! [`statement_timeout`]: PostgresStoreBuilder::statement_timeout
//! [`transaction_isolation`]: PostgresStoreBuilder::transaction_isolation
//! [`wait_timeout`]: PostgresStoreBuilder::wait_timeout

mod admin;
mod background;
mod builder;
mod conn;
mod connect_error;
mod error;
mod health;
mod isolation;
mod notify;
mod quota;
mod schema;
mod shared;
mod sql;
mod store;
mod sweep;
mod transaction;
mod tx;

pub use builder::PostgresStoreBuilder;
pub use connect_error::ConnectError;
pub use health::HealthIssue;
pub use isolation::IsolationLevel;
pub use schema::SchemaError;
pub use sqlx;
pub use store::PostgresStore;
pub use tx::Tx;
