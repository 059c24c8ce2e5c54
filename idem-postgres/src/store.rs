//! The store: each transition is one statement that commits by itself, alone or with others of its kind.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use idem_core::store::{Changed, PerRuntime, Transactions};
use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, DeleteExpired, IdempotencyStore,
    RecordId, State, StoreError, StoreFuture, Update,
};
use sqlx::postgres::types::PgInterval;

use crate::batch::{self, Queue};
use crate::calls::{ClaimCall, CompleteCall};
use crate::health::HealthIssue;
use crate::names::Names;
use crate::push::{self, Push};
use crate::row;
use crate::session::{Call, Sessions};
use crate::statements::Statements;
use crate::turns::Turns;

/// Keeps records in Postgres. Cloning shares the connections.
///
/// See the [crate](crate) for how to connect and for the guarantee that only this store gives.
#[derive(Clone)]
pub struct PostgresStore(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) sessions: Sessions,
    pub(crate) statements: Statements,
    pub(crate) names: Names,
    pub(crate) push: Arc<Push>,
    pub(crate) claims: PerRuntime<Queue<ClaimCall>>,
    pub(crate) completions: PerRuntime<Queue<CompleteCall>>,
    pub(crate) turns: Turns,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.push.close();
    }
}

impl PostgresStore {
    /// Looks at the server now, as the store does by itself every minute, and tells what is wrong.
    ///
    /// # Errors
    /// If the server cannot be asked.
    pub async fn check(&self) -> Result<Vec<HealthIssue>, StoreError> {
        self.0.look().await
    }

    /// How long ago the oldest record expired that the sweeper has not removed yet. Zero if there is none.
    ///
    /// # Errors
    /// If the server cannot be asked.
    pub async fn sweep_lag(&self) -> Result<Duration, StoreError> {
        self.0.lag().await
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("names", &self.0.names).finish_non_exhaustive()
    }
}

impl IdempotencyStore for PostgresStore {
    fn claim(&self, id: RecordId, request: ClaimRequest) -> StoreFuture<ClaimOutcome> {
        let inner = Arc::clone(&self.0);
        let call = ClaimCall { id, request };
        StoreFuture::uncut(async move {
            match call.request.quota {
                None => batch::send(&inner, call).await,
                // It may wait in the server for its turn, and others must not wait with it.
                Some(quota) => {
                    let _turn = inner.turns.of(quota.scope, inner.sessions.patience).await?;
                    inner.claim_alone(&call).await
                }
            }
        })
    }

    fn renew(&self, claim: Claim, lease: Duration, ttl: Duration) -> StoreFuture<Update> {
        let inner = Arc::clone(&self.0);
        StoreFuture::uncut(async move { inner.renew(&claim, lease, ttl).await })
    }

    fn complete(&self, claim: Claim, completion: Completion, ttl: Duration) -> StoreFuture<Update> {
        let inner = Arc::clone(&self.0);
        StoreFuture::uncut(async move { inner.complete(claim, completion.into(), ttl).await })
    }

    fn release(&self, claim: Claim) -> StoreFuture<Update> {
        let inner = Arc::clone(&self.0);
        StoreFuture::uncut(async move { inner.release(&claim).await })
    }

    fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> StoreFuture<Update> {
        let inner = Arc::clone(&self.0);
        StoreFuture::uncut(async move { inner.abandon(id, nonce).await })
    }

    fn changed(&self, id: RecordId) -> Changed {
        push::listen(&self.0, id)
    }

    fn transactions(&self) -> Option<&dyn Transactions> {
        Some(self)
    }
}

impl DeleteExpired for PostgresStore {
    fn delete_expired(&self) -> StoreFuture<u64> {
        let inner = Arc::clone(&self.0);
        StoreFuture::uncut(async move { inner.sweep().await })
    }
}

impl Inner {
    async fn renew(
        &self,
        claim: &Claim,
        lease: Duration,
        ttl: Duration,
    ) -> Result<Update, StoreError> {
        let call = present(self.statements.renew.call(), claim);
        let call = call.bind(interval(lease)).bind(interval(ttl));
        Ok(fenced(self.sessions.fetch_here(call).await?.is_some()))
    }

    async fn complete(
        self: &Arc<Self>,
        claim: Claim,
        state: State,
        ttl: Duration,
    ) -> Result<Update, StoreError> {
        match batch::send(self, CompleteCall { claim, state, ttl }).await? {
            true => Ok(Update::Applied),
            false => self.standing(&claim).await,
        }
    }

    /// What a completion meant that changed nothing: it was made before, or the claim is stale.
    pub(crate) async fn standing(&self, claim: &Claim) -> Result<Update, StoreError> {
        let call = present(self.statements.read.call(), claim);
        let Some(row) = self.sessions.fetch(call).await? else { return Ok(Update::Stale(None)) };
        match row::get(&row, "mine")? {
            true => Ok(Update::Applied),
            false => Ok(Update::Stale(Some(Box::new(row::existing(&row)?)))),
        }
    }

    async fn release(&self, claim: &Claim) -> Result<Update, StoreError> {
        let call = present(self.statements.release.call(), claim);
        Ok(fenced(self.sessions.fetch(call).await?.is_some()))
    }

    async fn abandon(&self, id: RecordId, nonce: ClaimNonce) -> Result<Update, StoreError> {
        let call = self.statements.abandon.call();
        let call = call.bind(id.as_bytes().as_slice()).bind(nonce.as_bytes().as_slice());
        Ok(fenced(self.sessions.fetch(call).await?.is_some()))
    }
}

/// The first three arguments of the statements that present a claim.
fn present<'a>(call: Call<'a>, claim: &'a Claim) -> Call<'a> {
    call.bind(claim.id.as_bytes().as_slice())
        .bind(claim.nonce.as_bytes().as_slice())
        .bind(claim.token.0.cast_signed())
}

fn fenced(held: bool) -> Update {
    if held { Update::Applied } else { Update::Stale(None) }
}

/// The lock of a key whose claim stays open in a transaction. A clash of two keys costs one a 409.
pub(crate) fn lock_of(id: RecordId) -> i64 {
    let [a, b, c, d, e, f, g, h, ..] = *id.as_bytes();
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// Rounded up to whole microseconds, so that nothing ends early, and to 100,000 years at most: the
/// server's calendar has room for two of them behind each other.
pub(crate) fn interval(duration: Duration) -> PgInterval {
    const LONGEST: u128 = 100_000 * 365 * 24 * 60 * 60 * 1_000_000;
    let microseconds = duration.as_nanos().div_ceil(1_000).clamp(1, LONGEST);
    PgInterval { months: 0, days: 0, microseconds: microseconds as i64 }
}
