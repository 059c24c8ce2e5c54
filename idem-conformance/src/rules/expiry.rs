//! Expiry of records, judged by the store's clock at every read.

use std::time::Duration;

use idem_core::store::{Claim, ClaimRequest, Completion, FencingToken, State, Update};

use crate::case::{Case, Key, assert_stale};
use crate::fixtures::{self, ClaimRequestExt, LONG};
use crate::harness::StoreHarness;

/// A completed record is kept for the ttl of the completion, whatever the ttl of the claim was.
/// Then the key is new.
pub async fn completion_expires_after_its_ttl<S: StoreHarness>(case: Case<S>) {
    for (completion, state) in fixtures::completions() {
        let short = case.key();
        let long = case.key();
        let claim = short.acquire(fixtures::at_least_once()).await;
        let other =
            long.acquire(fixtures::at_least_once().lease(case.unit()).hold(case.unit())).await;
        assert_eq!(
            short.complete_for(claim, completion.clone(), case.unit() * 4).await,
            Update::Applied
        );
        assert_eq!(long.complete_for(other, completion, LONG).await, Update::Applied);
        case.advance(3).await;
        assert_eq!(short.state().await, state, "kept until the ttl ends");
        case.advance(2).await;
        assert!(short.assert_new().await.token > claim.token);
        assert_eq!(long.state().await, state, "the ttl of the claim no longer applies");
    }
}

/// Replays do not extend the ttl.
pub async fn replays_do_not_extend_the_ttl<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let request = fixtures::at_least_once();
    let claim = key.acquire(&request).await;
    assert_eq!(
        key.complete_for(claim, fixtures::with_response("once"), case.unit() * 4).await,
        Update::Applied
    );
    for _ in 0..3 {
        case.advance(1).await;
        assert_eq!(
            key.find_existing(&request).await,
            fixtures::existing(fixtures::completed("once"))
        );
        assert_eq!(key.state().await, fixtures::completed("once"));
    }
    case.advance(2).await;
    key.assert_new().await;
}

/// A repeated completion does not extend the ttl.
pub async fn repeated_completion_does_not_extend_the_ttl<S: StoreHarness>(case: Case<S>) {
    for completion in [fixtures::with_response("once"), Completion::NotRetained { status: 200 }] {
        let key = case.key();
        let claim = key.acquire(fixtures::at_most_once()).await;
        assert_eq!(
            key.complete_for(claim, completion.clone(), case.unit() * 3).await,
            Update::Applied
        );
        case.advance(2).await;
        assert_eq!(key.complete_for(claim, completion, LONG).await, Update::Applied);
        case.advance(2).await;
        key.assert_new().await;
    }
}

/// A running record expires one hold after its lease, although responses are kept for a shorter time.
pub async fn running_record_outlives_its_lease_by_its_hold<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let mut request = fixtures::at_most_once().lease(case.unit()).hold(case.unit() * 4);
    request.ttl = case.unit();
    let claim = key.acquire(request).await;
    case.advance(4).await;
    assert_eq!(key.state().await, fixtures::CRASHED);
    case.advance(2).await;
    assert!(key.assert_new().await.token > claim.token);
}

/// A record that is renewed in time does not expire.
pub async fn renewed_record_does_not_expire<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let request = fixtures::at_most_once().lease(case.unit() * 2).hold(case.unit());
    let claim = key.acquire(&request).await;
    for _ in 0..5 {
        case.advance(1).await;
        assert_eq!(key.renew(claim, case.unit() * 2, case.unit()).await, Update::Applied);
        assert_eq!(key.state().await, State::Running);
    }
    assert_eq!(key.acquire(&request).await, claim);
}

/// The owner of an expired record cannot change or recreate it.
pub async fn owner_of_an_expired_record_is_rejected<S: StoreHarness>(case: Case<S>) {
    let (key, late) = expired(&case).await;
    key.assert_rejected(late, None).await;
    let next = key.assert_new().await;
    assert!(next.token > late.token);
    key.assert_rejected(late, Some(fixtures::existing(State::Running))).await;
    assert_eq!(key.complete(next, fixtures::with_response("next")).await, Update::Applied);
    key.assert_rejected(late, Some(fixtures::existing(fixtures::completed("next")))).await;
}

/// A repeated claim of an expired record starts again at attempt 1.
pub async fn repeated_claim_of_an_expired_record_starts_again<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let request = fixtures::at_least_once().lease(case.unit()).hold(case.unit());
    let first = key.acquire(&request).await;
    case.advance(3).await;
    let request = request.lease(LONG);
    let second = key.acquire(&request).await;
    assert_eq!(second.attempt, 1);
    assert!(second.token > first.token);
    assert_stale(&key.renew(first, LONG, LONG).await, "renew");
    assert_stale(&key.release(first).await, "release");
    let lost = key.complete(first, fixtures::with_response("late")).await;
    assert_eq!(lost, Update::Stale(Some(Box::new(fixtures::existing(State::Running)))));
    assert_eq!(key.acquire(&request).await, second);
}

/// An expired record is not taken over: the key is new, at attempt 1, for any fingerprint.
pub async fn attempts_restart_after_expiry<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let request = |print| {
        fixtures::at_least_once()
            .lease(case.unit())
            .hold(case.unit())
            .with_fingerprint(fixtures::fingerprint(print))
    };
    key.acquire(request(1).hold(LONG)).await;
    case.advance(2).await;
    assert_eq!(key.acquire(request(1)).await.attempt, 2);
    case.advance(3).await;
    let request = request(2);
    assert_eq!(key.acquire(&request).await.attempt, 1);
    assert_eq!(
        key.find_existing(fixtures::at_most_once()).await.fingerprint,
        fixtures::fingerprint(2)
    );
}

/// Fencing tokens grow with every new claim of a key, across release, abandonment, takeover and
/// expiry.
pub async fn fencing_tokens_grow<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let mut highest = FencingToken(0);
    let mut grown = |token: FencingToken| {
        assert!(token > highest, "{token:?} after {highest:?}");
        highest = token;
    };
    for _ in 0..3 {
        let released = key.acquire(fixtures::at_least_once()).await;
        grown(released.token);
        assert_eq!(key.release(released).await, Update::Applied);
        let abandoned = key.acquire(fixtures::at_least_once()).await;
        grown(abandoned.token);
        assert_eq!(key.abandon(abandoned.nonce).await, Update::Applied);
        grown(key.acquire(brief(case.unit())).await.token);
        case.advance(2).await;
        let last = key.acquire(brief(case.unit())).await;
        grown(last.token);
        assert_eq!(
            key.complete_for(last, fixtures::with_response("last"), case.unit()).await,
            Update::Applied
        );
        case.advance(2).await;
    }
}

/// Returns a claim that lapses after one unit and does not expire within the rule.
fn brief(unit: Duration) -> ClaimRequest {
    fixtures::at_least_once().lease(unit)
}

/// Returns a key whose record expired while its run was active, and the claim of that run.
async fn expired<S: StoreHarness>(case: &Case<S>) -> (Key<S>, Claim) {
    let key = case.key();
    let late = key.acquire(fixtures::at_least_once().lease(case.unit()).hold(case.unit())).await;
    case.advance(3).await;
    (key, late)
}
