//! The transaction of a handler, as an extractor.

use std::future::{Ready, ready};
use std::ops::{Deref, DerefMut};

use actix_web::dev::Payload;
use actix_web::error::ErrorInternalServerError;
use actix_web::{Error, FromRequest, HttpRequest};
use idem_core::store::TransactionSlot;
use idem_postgres::sqlx::PgConnection;

/// The transaction of a guarded handler (feature `postgres`): what the handler writes through it, the claim
/// of the key and the stored answer are committed together, or not at all.
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

impl FromRequest for Tx {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        let tx = TransactionSlot::want().map(|slot| Self(idem_postgres::Tx::from_slot(slot)));
        ready(tx.ok_or_else(|| {
            tracing::error!(
                "a handler takes a `Tx` and is not guarded, or its `Tx` was extracted in another task: put `#[idempotent(…)]` next to it"
            );
            ErrorInternalServerError("Internal Server Error")
        }))
    }
}
