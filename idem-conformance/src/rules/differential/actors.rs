//! The actors on one side, store or model, and the claims that they hold.

use std::time::Duration;

use idem_core::store::{
    Claim, ClaimNonce, ClaimOutcome, ClaimRequest, Completion, FencingToken, IdempotencyStore,
    RecordId, StoreFuture, UnknownOutcome, UnknownReason, Update,
};

use super::op::{ACTORS, At, ClaimParams, Handler, KEYS, Op};
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
#[derive(Clone)]
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
        let empty = |id: RecordId| {
            let claim = Claim { id, nonce, token: FencingToken(1), attempt: 1 };
            Hand { request: None, last: claim, before: claim }
        };
        Self { store, ids, unit, hands: std::array::from_fn(|_| ids.map(empty)), claims: 0 }
    }

    pub(super) async fn apply(&mut self, op: Op) -> Reply {
        match op {
            Op::Claim { at, params } => Reply::Claim(self.claim(at, params).await),
            Op::Renew { at, lease, hold } => {
                let (lease, hold) = (self.between(lease), self.unit * u32::from(hold));
                self.update(self.store.renew(self.current_claim(at), lease, hold)).await
            }
            Op::ResumeRun { at, lease, hold } => {
                let (lease, hold) = (self.between(lease), self.unit * u32::from(hold));
                self.update(self.store.resume_run(self.current_claim(at), lease, hold)).await
            }
            Op::Complete { at, completion, quiet, retention } => {
                let completion = self.completion(completion, quiet);
                // The retention of an unknown outcome counts from the end of its quiet time.
                let retention = match completion {
                    Completion::Unknown(_) => self.unit * u32::from(retention),
                    _ => self.between(retention),
                };
                self.update(self.store.complete(self.current_claim(at), completion, retention))
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
        let again = self.hands[at.actor][at.key].request.clone().filter(|_| params.again);
        let request = again.unwrap_or_else(|| self.request(params));
        let claimed = self.store.claim(self.ids[at.key], request.clone()).await.expect("claim");
        let hand = &mut self.hands[at.actor][at.key];
        hand.request = Some(request);
        if let ClaimOutcome::Acquired(claim) | ClaimOutcome::Recovering(claim, _) = claimed
            && claim != hand.last
        {
            hand.before = std::mem::replace(&mut hand.last, claim);
        }
        claimed
    }

    /// Builds a claim. Its nonce is the number of the claim, so that both sides use the same nonce.
    fn request(&self, params: ClaimParams) -> ClaimRequest {
        let new = match params.handler {
            Handler::AtMostOnce => fixtures::at_most_once(),
            Handler::AtLeastOnce => fixtures::at_least_once(),
            Handler::Recovering => fixtures::recovering(),
        };
        let fingerprint =
            fixtures::fingerprint(params.fingerprint).filter(|_| params.fingerprint > 0);
        let nonce = ClaimNonce::from_bytes([self.claims; 16]);
        let (lease, hold) = (self.between(params.lease), self.unit * u32::from(params.hold));
        new.nonce(nonce).with_fingerprint(fingerprint).lease(lease).hold(hold)
    }

    async fn update(&self, call: StoreFuture<Update>) -> Reply {
        Reply::Update(call.await.expect("an update"))
    }

    fn current_claim(&self, at: At) -> Claim {
        let hand = &self.hands[at.actor][at.key];
        if at.stale { hand.before } else { hand.last }
    }

    fn completion(&self, code: u8, quiet: u8) -> Completion {
        let reason = match code {
            0 => return fixtures::with_response("one"),
            1 => return fixtures::with_response("two"),
            2 => return Completion::NotRetained { status: 299 },
            3 => UnknownReason::RecoverInconclusive,
            4 => UnknownReason::Disputed,
            _ => UnknownReason::TimedOut,
        };
        let dispute = (code == 4).then(|| "the amount differs".into());
        Completion::Unknown(UnknownOutcome { reason, quiet: self.between(quiet), dispute })
    }

    /// Returns a duration that ends between two units.
    fn between(&self, units: u8) -> Duration {
        self.unit * u32::from(units) + self.unit / 2
    }
}
