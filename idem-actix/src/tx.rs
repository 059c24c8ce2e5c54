//! The extractor for a handler's transaction.

use std::future::{Ready, ready};
use std::ops::{Deref, DerefMut};

use actix_web::dev::Payload;
use actix_web::error::ErrorInternalServerError;
use actix_web::{Error, FromRequest, HttpRequest};
use idem_core::store::TransactionSlot;
use idem_postgres::sqlx::PgConnection;

/// The Postgres transaction of a guarded handler. The claim of the key, the handler's writes through this
/// connection, and the stored response are committed together or not at all.
///
/// ```
/// use actix_web::{HttpResponse, error, web};
/// use idem_actix::postgres::sqlx;
/// use idem_actix::{Tx, idempotent};
///
/// #[idempotent(ttl = "24h", scope = "global")]
/// async fn deposit(mut tx: Tx, cents: web::Json<i64>) -> actix_web::Result<HttpResponse> {
///     let deposit = sqlx::query("UPDATE account SET cents = cents + $1").bind(*cents);
///     deposit.execute(&mut *tx).await.map_err(error::ErrorInternalServerError)?;
///     Ok(HttpResponse::NoContent().finish())
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

impl FromRequest for Tx {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        let tx = TransactionSlot::want().map(|slot| Self(idem_postgres::Tx::from_slot(slot)));
        ready(tx.ok_or_else(|| {
            tracing::error!(
                "a `Tx` was extracted outside of a guarded handler or in another task; add `#[idempotent(…)]` to the handler, and extract the `Tx` in the task of the request"
            );
            ErrorInternalServerError("Internal Server Error")
        }))
    }
}
