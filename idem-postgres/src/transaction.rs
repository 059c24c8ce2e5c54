//! Transactions that contain the claim, the handler's writes and the completion; see
//! [exactly once effect](idem_core::rules::guarantees#exactly-once-effect).
//!
//! A final response with a status of 400 or above, such as a 402, is stored without the handler's writes. The
//! whole transaction is rolled back, and a second transaction claims the key again and stores the response. A
//! savepoint would avoid the second transaction, but would cost every success a statement and a
//! subtransaction. If another request claims the key in between, the run changes nothing, and its client gets
//! the result of that other request.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use idem_core::store::{
    Claim, ClaimOutcome, ClaimRequest, Completion, ExistingRecord, Quota, RecordId, StoreError,
    StoreErrorKind, StoreFuture, TransactionSlot, Update,
};
use idem_core::store::{OpenOutcome, Transaction, Transactions};
use sqlx::PgTransaction;
use sqlx::postgres::PgRow;
use tokio::time::{sleep, timeout};

use crate::error::{self, UnexpectedReply};
use crate::shared::Shared;
use crate::sql::{Batchable, ClaimCall, CompleteCall, Query, lock_key, row};
use crate::store::PostgresStore;

/// The maximum time for finding out whether a commit took effect.
const MAX_COMMIT_LOOKUP: Duration = Duration::from_secs(5);

impl Transactions for PostgresStore {
    fn open(
        &self,
        id: RecordId,
        request: ClaimRequest,
        slot: TransactionSlot,
    ) -> StoreFuture<OpenOutcome> {
        let shared = Arc::clone(&self.0.shared);
        self.0.background.ensure_running(&shared);
        // A run in a transaction leaves no unknown outcome, so there is nothing to recover.
        let request = request.with_recoverable(false);
        let call = ClaimCall { id, request: request.clone() };
        StoreFuture::uncut(async move {
            let mut transaction = match begin_or_find(&shared, id).await? {
                Begun::Transaction(transaction) => transaction,
                Begun::Found(existing) => return Ok(OpenOutcome::Exists(existing)),
            };
            match claim(&mut transaction, &shared, &call).await? {
                ClaimOutcome::Acquired(claim) => {
                    slot.put(Box::new(transaction));
                    Ok(OpenOutcome::Opened(Box::new(OpenTransaction {
                        shared,
                        claim,
                        request,
                        slot,
                    })))
                }
                ClaimOutcome::Recovering(..) => {
                    Err(StoreError::not_done(UnexpectedReply::Recovery))
                }
                ClaimOutcome::Exists(existing) => {
                    roll_back(transaction, &shared).await?;
                    Ok(OpenOutcome::Exists(existing))
                }
                ClaimOutcome::AtCapacity(capacity) => {
                    roll_back(transaction, &shared).await?;
                    Ok(OpenOutcome::AtCapacity(capacity))
                }
            }
        })
    }
}

/// An open transaction that has claimed a key. Its connection is in the slot or in the handler's `Tx`.
struct OpenTransaction {
    shared: Arc<Shared>,
    claim: Claim,
    request: ClaimRequest,
    slot: TransactionSlot,
}

impl fmt::Debug for OpenTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenTransaction").field("claim", &self.claim).finish_non_exhaustive()
    }
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        // Dropping the transaction rolls it back before its connection is used again.
        drop(self.slot.take());
    }
}

impl Transaction for OpenTransaction {
    fn claim(&self) -> Claim {
        self.claim
    }

    fn commit(self: Box<Self>, completion: Completion, ttl: Duration) -> StoreFuture<Update> {
        StoreFuture::uncut(async move {
            let transaction = self.take()?;
            let call = CompleteCall::new(self.claim, completion, ttl);
            complete(transaction, &self.shared, call).await
        })
    }

    fn commit_without_writes(
        self: Box<Self>,
        completion: Completion,
        ttl: Duration,
    ) -> StoreFuture<Update> {
        StoreFuture::uncut(async move {
            let shared = &self.shared;
            roll_back(self.take()?, shared).await?;
            let mut transaction = begin(shared).await?;
            match claim(&mut transaction, shared, &self.repeated_claim()).await? {
                ClaimOutcome::Acquired(claim) => {
                    let call = CompleteCall::new(claim, completion, ttl);
                    complete(transaction, &self.shared, call).await
                }
                ClaimOutcome::Recovering(..) => {
                    Err(StoreError::not_done(UnexpectedReply::Recovery))
                }
                ClaimOutcome::Exists(existing) => {
                    roll_back(transaction, shared).await?;
                    Ok(Update::Stale(Some(Box::new(existing))))
                }
                ClaimOutcome::AtCapacity(_) => {
                    Err(StoreError::not_done(UnexpectedReply::AtCapacity))
                }
            }
        })
    }

    fn roll_back(self: Box<Self>) -> StoreFuture<()> {
        StoreFuture::uncut(async move { roll_back(self.take()?, &self.shared).await })
    }
}

impl OpenTransaction {
    /// Takes the transaction back from the handler.
    fn take(&self) -> Result<PgTransaction<'static>, StoreError> {
        let content = self.slot.take().and_then(|content| content.downcast().ok());
        let transaction = content.ok_or_else(|| StoreError::not_done(NotReturned))?;
        Ok(*transaction)
    }

    /// The claim again, without the limit of its quota: the first claim was within it.
    fn repeated_claim(&self) -> ClaimCall {
        let unlimited = |quota| Quota { max_keys: NonZeroU32::MAX, ..quota };
        let quota = self.request.quota.map(unlimited);
        let request = self.request.clone().with_quota(quota);
        ClaimCall { id: self.claim.id, request }
    }
}

/// The handler returned, but its `Tx` still exists.
#[derive(Debug, thiserror::Error)]
#[error(
    "the handler kept its `Tx` after it returned, for example in a spawned task, so nothing was committed; drop the `Tx` in the handler"
)]
struct NotReturned;

/// The transaction no longer contains the claim.
#[derive(Debug, thiserror::Error)]
#[error(
    "the handler ended its transaction with COMMIT or ROLLBACK; remove that statement, because idem ends the transaction when the handler returns"
)]
struct EndedByHandler;

/// Begins a transaction on a connection for handlers. This must not be cancelled: a cancelled `begin` can
/// return a connection to the pool inside an open transaction.
async fn begin(shared: &Shared) -> Result<PgTransaction<'static>, StoreError> {
    let begun = shared.connections.begin_transaction().await;
    begun.map_err(|error| StoreError::not_done(shared.connections.no_connection(error)))
}

/// The start of a transaction that claims a key.
enum Begun {
    Transaction(PgTransaction<'static>),
    /// There was no free connection, and the key has this record.
    Found(ExistingRecord),
}

/// Begins a transaction. While handlers hold all connections, looks up the record on a
/// connection that handlers cannot hold, so that only new keys wait.
async fn begin_or_find(shared: &Shared, id: RecordId) -> Result<Begun, StoreError> {
    if shared.connections.transactions_are_exhausted()
        && let Some(existing) = shared.find(id).await?
    {
        return Ok(Begun::Found(existing));
    }
    match begin(shared).await {
        Ok(transaction) => Ok(Begun::Transaction(transaction)),
        // Others may have taken the last connection meanwhile, or completed the key.
        Err(error) if shared.connections.transactions_are_exhausted() => {
            let existing = shared.find(id).await.ok().flatten();
            existing.map(Begun::Found).ok_or(error)
        }
        Err(error) => Err(error),
    }
}

async fn claim(
    transaction: &mut PgTransaction<'static>,
    shared: &Shared,
    call: &ClaimCall,
) -> Result<ClaimOutcome, StoreError> {
    let query = call.query_in_transaction(&shared.statements, lock_key(call.id));
    let row = fetch(transaction, shared, query).await?;
    call.outcome(&row.ok_or_else(|| StoreError::not_done(UnexpectedReply::NoRow))?)
}

/// Writes the completion and commits. If the reply to the commit is lost, finds out whether it took effect.
async fn complete(
    mut transaction: PgTransaction<'static>,
    shared: &Shared,
    call: CompleteCall,
) -> Result<Update, StoreError> {
    let row = fetch(&mut transaction, shared, call.query(&shared.statements)).await?;
    if !call.reply(row.as_ref())? {
        return Err(StoreError::not_done(EndedByHandler));
    }
    match timeout(shared.connections.timeouts.reply, transaction.commit()).await {
        Ok(Ok(())) => Ok(Update::Applied),
        Ok(Err(error)) => {
            let error = error::from_statement(error);
            match error.kind() {
                StoreErrorKind::Unknown => look_up_commit(shared, &call.claim, error).await,
                _ => Err(error),
            }
        }
        Err(_) => {
            let error = StoreError::unknown(shared.connections.no_reply());
            look_up_commit(shared, &call.claim, error).await
        }
    }
}

/// Finds out on another connection whether a commit took effect. The transaction holds the advisory lock of
/// its key until it ends, so the record is final once the lock is free.
async fn look_up_commit(
    shared: &Shared,
    claim: &Claim,
    lost: StoreError,
) -> Result<Update, StoreError> {
    let started = Instant::now();
    let mut delay = Duration::from_millis(5);
    while started.elapsed() < MAX_COMMIT_LOOKUP {
        let ended = shared.statements.transaction_ended.query().bind(lock_key(claim.id));
        if let Ok(Some(row)) = shared.connections.fetch(ended).await
            && row::get(&row, "ended")?
            && let Ok(update) = shared.unapplied_completion(claim).await
        {
            return match update {
                Update::Stale(None) => Err(StoreError::not_done(lost)),
                found => Ok(found),
            };
        }
        sleep(delay).await;
        delay = (delay * 2).min(Duration::from_millis(250));
    }
    Err(lost)
}

/// Sends a statement inside the transaction. Every error is "not done", because nothing is committed yet.
async fn fetch(
    transaction: &mut PgTransaction<'static>,
    shared: &Shared,
    query: Query<'_>,
) -> Result<Option<PgRow>, StoreError> {
    let reply =
        timeout(shared.connections.timeouts.reply, query.fetch_optional(&mut **transaction)).await;
    let reply = reply.map_err(|_| StoreError::not_done(shared.connections.no_reply()))?;
    reply.map_err(StoreError::not_done)
}

/// Rolls back. If the connection is lost, the server rolls back by itself.
async fn roll_back(transaction: PgTransaction<'static>, shared: &Shared) -> Result<(), StoreError> {
    let reply = timeout(shared.connections.timeouts.reply, transaction.rollback()).await;
    let reply = reply.map_err(|_| StoreError::unknown(shared.connections.no_reply()))?;
    reply.map_err(StoreError::unknown)
}
