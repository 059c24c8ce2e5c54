//! The transaction that a handler works in, with its record (P5).
//!
//! A definite refusal is not rolled back to a savepoint: that would cost every success a statement and a
//! subtransaction. It is rolled back whole, and its answer stored in a transaction that claims again. If
//! another request came first meanwhile, this one never happened, and gets what that one does.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use idem_core::store::{
    Claim, ClaimOutcome, ClaimRequest, Completion, Quota, RecordId, State, StoreError,
    StoreErrorKind, StoreFuture, TransactionSlot, Update,
};
use idem_core::store::{OpenOutcome, Transaction, Transactions};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, Transaction as Sqlx};
use tokio::time::{sleep, timeout};

use crate::calls;
use crate::error::{self, UnexpectedReply};
use crate::row;
use crate::session::Call;
use crate::store::{Inner, PostgresStore, lock_of};

/// What a handler works on. Dropped, it is rolled back before its connection is used again.
pub(crate) type Session = Sqlx<'static, Postgres>;

impl Transactions for PostgresStore {
    fn open(
        &self,
        id: RecordId,
        request: ClaimRequest,
        slot: TransactionSlot,
    ) -> StoreFuture<OpenOutcome> {
        let store = Arc::clone(&self.0);
        StoreFuture::uncut(async move {
            let mut session = begin(&store).await?;
            match claim(&mut session, &store, id, &request).await? {
                ClaimOutcome::Acquired(claim) => {
                    slot.put(Box::new(session));
                    Ok(OpenOutcome::Opened(Box::new(Open { store, claim, request, slot })))
                }
                ClaimOutcome::Exists(existing) => {
                    roll_back(session, &store).await?;
                    Ok(OpenOutcome::Exists(existing))
                }
                ClaimOutcome::AtCapacity(capacity) => {
                    roll_back(session, &store).await?;
                    Ok(OpenOutcome::AtCapacity(capacity))
                }
            }
        })
    }
}

/// A transaction that has claimed a key. Its connection is in the slot, or with the handler.
struct Open {
    store: Arc<Inner>,
    claim: Claim,
    request: ClaimRequest,
    slot: TransactionSlot,
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open").field("claim", &self.claim).finish_non_exhaustive()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        drop(self.slot.take());
    }
}

impl Transaction for Open {
    fn claim(&self) -> Claim {
        self.claim
    }

    fn commit(self: Box<Self>, completion: Completion, ttl: Duration) -> StoreFuture<Update> {
        StoreFuture::uncut(async move {
            let session = self.take_back()?;
            self.store.conclude(session, self.claim, &completion.into(), ttl).await
        })
    }

    fn refuse(self: Box<Self>, completion: Completion, ttl: Duration) -> StoreFuture<Update> {
        StoreFuture::uncut(async move {
            roll_back(self.take_back()?, &self.store).await?;
            let Self { store, claim, request, .. } = &*self;
            // There was room for it.
            let roomy = |quota| Quota { max_keys: NonZeroU32::MAX, ..quota };
            let request = request.with_quota(request.quota.map(roomy));
            let mut session = begin(store).await?;
            match self::claim(&mut session, store, claim.id, &request).await? {
                ClaimOutcome::Acquired(again) => {
                    store.conclude(session, again, &completion.into(), ttl).await
                }
                ClaimOutcome::Exists(existing) => {
                    roll_back(session, store).await?;
                    Ok(Update::Stale(Some(Box::new(existing))))
                }
                ClaimOutcome::AtCapacity(_) => Err(StoreError::not_done(UnexpectedReply)),
            }
        })
    }

    fn roll_back(self: Box<Self>) -> StoreFuture<()> {
        StoreFuture::uncut(async move { roll_back(self.take_back()?, &self.store).await })
    }
}

impl Open {
    fn take_back(&self) -> Result<Session, StoreError> {
        let passed = self.slot.take().and_then(|passed| passed.downcast().ok());
        passed.map(|session| *session).ok_or_else(|| StoreError::not_done(Kept))
    }
}

/// The handler ended, and its transaction did not come back.
#[derive(Debug, thiserror::Error)]
#[error(
    "the handler kept its `Tx` beyond its end, as in a task that it spawned, so nothing was committed; drop it in the handler"
)]
struct Kept;

/// The record of the transaction is gone.
#[derive(Debug, thiserror::Error)]
#[error("the handler ended its transaction; leave COMMIT and ROLLBACK to the toolkit")]
struct Ended;

/// How long it is asked what became of a commit.
const PATIENCE: Duration = Duration::from_secs(5);

impl Inner {
    /// Writes how a run ended, commits, and finds out what became of that if the answer is lost.
    async fn conclude(
        &self,
        mut session: Session,
        claim: Claim,
        state: &State,
        ttl: Duration,
    ) -> Result<Update, StoreError> {
        let row = fetch(&mut session, self, self.complete_call(&claim, state, ttl)).await?;
        if !calls::held(row.as_ref())? {
            return Err(StoreError::not_done(Ended));
        }
        match timeout(self.sessions.within, session.commit()).await {
            Ok(Ok(())) => Ok(Update::Applied),
            Ok(Err(failed)) => {
                let error = error::of_statement(failed);
                match error.kind() {
                    StoreErrorKind::Unknown => self.probe(&claim, error).await,
                    _ => Err(error),
                }
            }
            Err(elapsed) => self.probe(&claim, StoreError::unknown(elapsed)).await,
        }
    }

    /// What became of a commit whose answer was lost. The transaction holds the lock of its key until it
    /// ends, so what stands there once the lock is free is final.
    async fn probe(&self, claim: &Claim, lost: StoreError) -> Result<Update, StoreError> {
        let asked_at = Instant::now();
        let mut pause = Duration::from_millis(5);
        while asked_at.elapsed() < PATIENCE {
            let ended = self.statements.ended.call().bind(lock_of(claim.id));
            if let Ok(Some(row)) = self.sessions.fetch(ended).await
                && row::get(&row, "ended")?
                && let Ok(standing) = self.standing(claim).await
            {
                return match standing {
                    Update::Stale(None) => Err(StoreError::not_done(lost)),
                    found => Ok(found),
                };
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(250));
        }
        Err(lost)
    }
}

/// Begins, on a connection of the pool for handlers. Never cut short: the client would lose count of
/// whether the connection is in a transaction.
async fn begin(store: &Inner) -> Result<Session, StoreError> {
    store.sessions.transactions.begin().await.map_err(StoreError::not_done)
}

async fn claim(
    session: &mut Session,
    store: &Inner,
    id: RecordId,
    request: &ClaimRequest,
) -> Result<ClaimOutcome, StoreError> {
    let call = store.claim_call(&id, request, Some(lock_of(id)));
    let row = fetch(session, store, call).await?;
    row::claimed(&row.ok_or_else(|| StoreError::not_done(UnexpectedReply))?, id, request.nonce)
}

/// Whatever fails here, nothing is committed.
async fn fetch(
    session: &mut Session,
    store: &Inner,
    call: Call<'_>,
) -> Result<Option<PgRow>, StoreError> {
    let answer = timeout(store.sessions.within, call.fetch_optional(&mut **session)).await;
    answer.map_err(StoreError::not_done)?.map_err(StoreError::not_done)
}

/// The server rolls back by itself what it no longer hears of.
async fn roll_back(session: Session, store: &Inner) -> Result<(), StoreError> {
    let answer = timeout(store.sessions.within, session.rollback()).await;
    answer.map_err(StoreError::unknown)?.map_err(StoreError::unknown)
}
