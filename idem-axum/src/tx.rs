//! The extractor for a handler's transaction.

use std::convert::Infallible;
use std::ops::{Deref, DerefMut};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use idem_core::store::TransactionSlot;
use idem_postgres::sqlx::PgConnection;

/// The Postgres transaction of a guarded handler. The claim of the key, the handler's writes through this
/// connection, and the stored response are committed together or not at all.
///
/// ```
/// use axum::Json;
/// use axum::http::StatusCode;
/// use idem_axum::postgres::sqlx;
/// use idem_axum::{Tx, idempotent};
///
/// #[idempotent(ttl = "24h", scope = "global")]
/// async fn deposit(mut tx: Tx, Json(cents): Json<i64>) -> Result<StatusCode, StatusCode> {
///     let deposit = sqlx::query("UPDATE account SET cents = cents + $1").bind(cents);
///     deposit.execute(&mut *tx).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
///     Ok(StatusCode::NO_CONTENT)
/// }
/// ```
///
/// * A success (2xx, 3xx) commits. Any other final response, such as a 4xx, rolls back the handler's writes and
///   is stored alone. A 5xx, a panic, and statuses that mean
///   ["not executed"](idem_core::rules::semantics#outcome-of-a-response) roll back everything and free the key.
///   See [exactly-once effect](idem_core::rules::guarantees#exactly-once-effect).
/// * The store must be a [`PostgresStore`](crate::PostgresStore), and the request must have a key. Otherwise the
///   response is a 500, and the log names the reason.
/// * The attribute's `guarantee`, `lease` and `max_attempts` have no effect on such a handler.
/// * Your own extractors can extract a `Tx`, but only in the task of the request. A task that an extractor
///   spawns cannot get one.
#[derive(Debug)]
pub struct Tx(idem_postgres::Tx);

impl Deref for Tx {
    type Target = PgConnection;

    /// # Panics
    /// If the handler is not guarded, so that no transaction was opened.
    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Tx {
    /// # Panics
    /// As [`deref`](Self::deref).
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}

impl<S: Sync> FromRequestParts<S> for Tx {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Only the last argument is extracted with a slot on offer. An earlier argument creates a slot and leaves it in
        // the request's extensions.
        let offered = || TransactionSlot::want().unwrap_or_default();
        let slot = parts.extensions.get_or_insert_with(offered).clone();
        Ok(Self(idem_postgres::Tx::from_slot(slot)))
    }
}
