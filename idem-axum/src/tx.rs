//! The transaction of a handler, as an extractor.

use std::convert::Infallible;
use std::ops::{Deref, DerefMut};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use idem_core::store::TransactionSlot;
use idem_postgres::sqlx::PgConnection;

/// The transaction of a guarded handler (feature `postgres`): what the handler writes through it, the claim
/// of the key and the stored answer are committed together, or not at all.
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
/// * A success (2xx, 3xx) commits. Any other final answer, such as a 4xx, undoes what the handler wrote and is
///   stored alone. A 5xx, a panic, and statuses that say "not executed" undo everything and free the key.
/// * The store must be a [`PostgresStore`](crate::PostgresStore), and the request must have a key, or it is
///   answered 500, and the log says why.
/// * `guarantee`, `lease` and `max_attempts` of the attribute have no meaning for such a handler.
/// * An extractor of your own may take one, in the request's own task: in one that it spawns, no transaction
///   is offered.
#[derive(Debug)]
pub struct Tx(idem_postgres::Tx);

impl Deref for Tx {
    type Target = PgConnection;

    /// # Panics
    /// If the handler is not guarded, so that nobody opened a transaction.
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
        // Only the last argument is under an offer: an earlier one leaves its slot among the extensions.
        let offered = || TransactionSlot::want().unwrap_or_default();
        let slot = parts.extensions.get_or_insert_with(offered).clone();
        Ok(Self(idem_postgres::Tx::from_slot(slot)))
    }
}
