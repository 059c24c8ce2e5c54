//! Those who act on one side, store or model, and what they hold there.

use std::time::Duration;

use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, FencingToken, IdempotencyStore,
    RecordId, Update,
};

use super::op::{ACTORS, At, Claiming, KEYS, Op};
use crate::terms::{self, Terms};

/// What an operation was answered.
#[derive(Debug)]
pub(super) enum Reply {
    ClaimOutcome(ClaimOutcome),
    Update(Update),
}

pub(super) struct Actors<'a> {
    store: &'a dyn IdempotencyStore,
    ids: [RecordId; KEYS],
    unit: Duration,
    hands: [[Hand; KEYS]; ACTORS],
    claims: u8,
}

/// An actor's last claim on a key, and the one before it. One that won nothing presents a claim that
/// nobody gave it.
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
            Op::Claim { at, terms } => Reply::ClaimOutcome(self.claim(at, terms).await),
            Op::Renew { at, lease, ttl } => {
                let (lease, ttl) = (self.between(lease), self.unit * u32::from(ttl));
                self.fenced(self.store.renew(self.presented(at), lease, ttl)).await
            }
            Op::Complete { at, completion, ttl } => {
                let ttl = self.between(ttl);
                self.fenced(self.store.complete(self.presented(at), conclude(completion), ttl))
                    .await
            }
            Op::Release { at } => self.fenced(self.store.release(self.presented(at))).await,
            Op::Abandon { at } => {
                let claim = self.presented(at);
                self.fenced(self.store.abandon(claim.id, claim.nonce)).await
            }
            Op::Pass { .. } => unreachable!("time passes for all alike"),
        }
    }

    async fn claim(&mut self, at: At, terms: Claiming) -> ClaimOutcome {
        self.claims += 1;
        let again = self.hands[at.actor][at.key].request.filter(|_| terms.again);
        let request = again.unwrap_or_else(|| self.request(terms));
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

    /// The nonce is the claim's number, so that both sides use the same.
    fn request(&self, terms: Claiming) -> ClaimRequest {
        let new = if terms.at_least_once { terms::at_least_once() } else { terms::at_most_once() };
        let print = terms::print(terms.print).filter(|_| terms.print > 0);
        let nonce = ClaimNonce::from_bytes([self.claims; 16]);
        let (lease, ttl) = (self.between(terms.lease), self.unit * u32::from(terms.ttl));
        new.nonce(nonce).with_fingerprint(print).lease(lease).ttl(ttl)
    }

    async fn fenced(&self, call: idem_core::store::StoreFuture<Update>) -> Reply {
        Reply::Update(call.await.expect("a change"))
    }

    fn presented(&self, at: At) -> Claim {
        let hand = self.hands[at.actor][at.key];
        if at.stale { hand.before } else { hand.last }
    }

    /// A time that ends between two units.
    fn between(&self, units: u8) -> Duration {
        self.unit * u32::from(units) + self.unit / 2
    }
}

fn conclude(completion: u8) -> Completion {
    match completion {
        0 => terms::answered("one"),
        1 => terms::answered("two"),
        2 => Completion::NotRetained { status: 299 },
        _ => Completion::Unknown,
    }
}
