//! The actors on one side, store or model, and the claims that they hold.

use std::time::Duration;

use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, FencingToken, IdempotencyStore,
    RecordId, StoreFuture, Update,
};

use super::op::{ACTORS, At, ClaimParams, KEYS, Op};
use crate::fixtures::{self, ClaimRequestExt};

/// The reply to an operation.
#[derive(Debug)]
pub(super) enum Reply {
    Claim(ClaimOutcome),
    Update(Update),
}

pub(super) struct Actors<'a> {
    store: &'a dyn IdempotencyStore,
    ids: [RecordId; KEYS],
    unit: Duration,
    hands: [[Hand; KEYS]; ACTORS],
    claims: u8,
}

/// The last claim of an actor on a key, and the claim before it. Initially both are claims that the store
/// never issued.
#[derive(Clone, Copy)]
struct Hand {
    request: Option<ClaimRequest>,
    last: Claim,
    before: Claim,
}

impl<'a> Actors<'a> {
    pub(super) fn new(
        store: &'a dyn IdempotencyStore,
        ids: [RecordId; KEYS],
        unit: Duration,
    ) -> Self {
        let nonce = ClaimNonce::from_bytes([0; 16]);
        let empty = |id| {
            let claim = Claim { id, nonce, token: FencingToken(1), attempt: 1 };
            Hand { request: None, last: claim, before: claim }
        };
        Self { store, ids, unit, hands: [ids.map(empty); ACTORS], claims: 0 }
    }

    pub(super) async fn apply(&mut self, op: Op) -> Reply {
        match op {
            Op::Claim { at, params } => Reply::Claim(self.claim(at, params).await),
            Op::Renew { at, lease, ttl } => {
                let (lease, ttl) = (self.between(lease), self.unit * u32::from(ttl));
                self.update(self.store.renew(self.current_claim(at), lease, ttl)).await
            }
            Op::Complete { at, completion: code, ttl } => {
                let ttl = self.between(ttl);
                self.update(self.store.complete(self.current_claim(at), completion(code), ttl))
                    .await
            }
            Op::Release { at } => self.update(self.store.release(self.current_claim(at))).await,
            Op::Abandon { at } => {
                let claim = self.current_claim(at);
                self.update(self.store.abandon(claim.id, claim.nonce)).await
            }
            Op::Advance { .. } => unreachable!("time passes on both sides"),
        }
    }

    async fn claim(&mut self, at: At, params: ClaimParams) -> ClaimOutcome {
        self.claims += 1;
        let again = self.hands[at.actor][at.key].request.filter(|_| params.again);
        let request = again.unwrap_or_else(|| self.request(params));
        let claimed = self.store.claim(self.ids[at.key], request).await.expect("claim");
        let hand = &mut self.hands[at.actor][at.key];
        hand.request = Some(request);
        if let ClaimOutcome::Acquired(claim) = claimed
            && claim != hand.last
        {
            hand.before = std::mem::replace(&mut hand.last, claim);
        }
        claimed
    }

    /// Builds a claim. Its nonce is the number of the claim, so that both sides use the same nonce.
    fn request(&self, params: ClaimParams) -> ClaimRequest {
        let new =
            if params.at_least_once { fixtures::at_least_once() } else { fixtures::at_most_once() };
        let fingerprint =
            fixtures::fingerprint(params.fingerprint).filter(|_| params.fingerprint > 0);
        let nonce = ClaimNonce::from_bytes([self.claims; 16]);
        let (lease, ttl) = (self.between(params.lease), self.unit * u32::from(params.ttl));
        new.nonce(nonce).with_fingerprint(fingerprint).lease(lease).ttl(ttl)
    }

    async fn update(&self, call: StoreFuture<Update>) -> Reply {
        Reply::Update(call.await.expect("an update"))
    }

    fn current_claim(&self, at: At) -> Claim {
        let hand = self.hands[at.actor][at.key];
        if at.stale { hand.before } else { hand.last }
    }

    /// Returns a duration that ends between two units.
    fn between(&self, units: u8) -> Duration {
        self.unit * u32::from(units) + self.unit / 2
    }
}

fn completion(code: u8) -> Completion {
    match code {
        0 => fixtures::with_response("one"),
        1 => fixtures::with_response("two"),
        2 => Completion::NotRetained { status: 299 },
        _ => Completion::Unknown,
    }
}
