//! The translation of a store call that can share a statement with other calls.

use idem_core::store::{RecordId, StoreError};
use sqlx::postgres::PgRow;

use super::statements::Statements;
use super::values::Query;
use crate::conn::Purpose;

/// A call that can be sent alone or in one statement with other calls of its kind.
pub(crate) trait Batchable: Sized + Send + Sync + 'static {
    type Reply: Send;

    /// The use of the connection on which the call is sent.
    const PURPOSE: Purpose = Purpose::Other;

    /// The maximum number of calls in a statement.
    const MAX_BATCH_LEN: usize = 32;

    /// The record that the call changes. The calls of a batch are sent in this order, so that the
    /// statements of two processes lock rows in the same order and cannot deadlock.
    fn id(&self) -> RecordId;

    /// The approximate number of bytes that the call sends.
    fn size(&self) -> usize;

    /// The statement for this call alone. It returns one row.
    fn query<'a>(&'a self, statements: &'a Statements) -> Query<'a>;

    /// The meaning of the row that [`query`](Self::query) returned.
    fn reply(&self, row: Option<&PgRow>) -> Result<Self::Reply, StoreError>;

    /// The statement for several calls. Each row has the position of its call, counted from 1, in the
    /// column `ordinal`.
    fn batch_query<'a>(calls: &'a [Self], statements: &'a Statements) -> Query<'a>;

    /// The meaning of the row that [`batch_query`](Self::batch_query) returned for this call.
    fn batch_reply(&self, row: Option<&PgRow>) -> Result<Self::Reply, StoreError>;
}
