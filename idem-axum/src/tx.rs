//! The extractor for a handler's transaction.

use std::ops::{Deref, DerefMut};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, StatusCode};
use idem_core::store::TransactionSlot;
use idem_postgres::sqlx::PgConnection;

use crate::first::GuardedRequest;

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
    /// In an extractor: the transaction is opened when all extractors have run.
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

/// A handler without the attribute, and a task that an extractor spawned, are answered with 500, and an error is logged.
impl<S: Sync> FromRequestParts<S> for Tx {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let Some(slot) = slot(&mut parts.extensions) else {
            tracing::error!(
                "a `Tx` was extracted outside of a guarded handler or in another task; add `#[idempotent(…)]` to the handler, and extract the `Tx` in the task of the request"
            );
            return Err(StatusCode::INTERNAL_SERVER_ERROR);
        };
        Ok(Self(idem_postgres::Tx::from_slot(slot)))
    }
}

/// Only the last argument is extracted with a slot on offer. An earlier argument of a guarded handler creates a slot and
/// leaves it in the request's extensions.
fn slot(extensions: &mut Extensions) -> Option<TransactionSlot> {
    if let Some(slot) = extensions.get::<TransactionSlot>() {
        return Some(slot.clone());
    }
    let is_guarded = extensions.get::<GuardedRequest>().is_some();
    let slot = TransactionSlot::want().or_else(|| is_guarded.then(TransactionSlot::default))?;
    extensions.insert(slot.clone());
    Some(slot)
}
