//! The quota: the maximum number of live keys of a scope.

use std::num::NonZeroU32;
use std::time::Duration;

use idem_core::store::{
    Capacity, Claim, ClaimOutcome, ClaimRequest, Quota, ScopeId, State, UnknownReason, Update,
};

use super::concurrency;
use crate::case::{Case, Key};
use crate::fixtures::{self, ClaimRequestExt, LONG};
use crate::harness::StoreHarness;

const FULL: ClaimOutcome = ClaimOutcome::AtCapacity(Capacity::Scope);

/// A new key beyond the quota is rejected and leaves no record. Every scope has its own count.
pub async fn new_key_beyond_the_quota_is_rejected<S: StoreHarness>(case: Case<S>) {
    let (mine, theirs) = (quota(3), quota(3));
    fill(&case, mine).await;
    let refused = case.key();
    assert_eq!(refused.claim(within(mine)).await, FULL);
    assert_eq!(refused.claim(within(mine)).await, FULL);
    refused.acquire(within(theirs)).await;
    case.key().acquire(fixtures::at_most_once()).await;
}

/// Existing keys are served as usual when the quota is reached.
pub async fn existing_keys_are_served_at_the_quota<S: StoreHarness>(case: Case<S>) {
    let quota = quota(2);
    let (done, running) = (case.key(), case.key());
    let finished = done.acquire(within(quota)).await;
    let request = within(quota);
    let claim = running.acquire(&request).await;
    assert_eq!(done.complete(finished, fixtures::with_response("mine")).await, Update::Applied);
    assert_eq!(
        done.find_existing(within(quota)).await,
        fixtures::existing(fixtures::completed("mine"))
    );
    assert_eq!(running.find_existing(within(quota)).await, fixtures::existing(State::Running));
    assert_eq!(running.acquire(&request).await, claim);
}

/// A takeover does not count as a new key.
pub async fn takeover_does_not_count_as_a_new_key<S: StoreHarness>(case: Case<S>) {
    let quota = quota(1);
    let key = case.key();
    key.acquire(fixtures::at_least_once().lease(case.unit()).with_quota(Some(quota))).await;
    case.advance(2).await;
    assert_eq!(key.acquire(fixtures::at_least_once().with_quota(Some(quota))).await.attempt, 2);
    assert_eq!(case.key().claim(within(quota)).await, FULL);
}

/// Running, completed, not retained, unknown and lapsed records all count.
pub async fn every_live_record_counts<S: StoreHarness>(case: Case<S>) {
    let quota = quota(5);
    for (completion, _) in fixtures::completions() {
        let key = case.key();
        let claim = key.acquire(within(quota)).await;
        assert_eq!(key.complete(claim, completion).await, Update::Applied);
    }
    case.key().acquire(within(quota)).await;
    case.key().acquire(within(quota).lease(case.unit())).await;
    case.advance(2).await;
    assert_eq!(case.key().claim(within(quota)).await, FULL);
}

/// A freed key makes room for one new key.
pub async fn freed_key_makes_room<S: StoreHarness>(case: Case<S>) {
    let quota = quota(2);
    let [released, abandoned] = fill(&case, quota).await[..] else { panic!("two keys") };
    let key = case.key_at(*released.id.as_bytes());
    assert_eq!(key.release(released).await, Update::Applied);
    case.key().acquire(within(quota)).await;
    assert_eq!(key.abandon(released.nonce).await, Update::Stale(None));
    let key = case.key_at(*abandoned.id.as_bytes());
    assert_eq!(key.abandon(abandoned.nonce).await, Update::Applied);
    case.key().acquire(within(quota)).await;
    assert_eq!(case.key().claim(within(quota)).await, FULL);
}

/// A freed key makes room for a scope that was rejected before. This takes at most one second, the
/// retry delay that a rejected client receives.
pub async fn freed_key_makes_room_after_a_rejection<S: StoreHarness>(case: Case<S>) {
    let quota = quota(2);
    let [first, _] = fill(&case, quota).await[..] else { panic!("two keys") };
    assert_eq!(case.key().claim(within(quota)).await, FULL);
    assert_eq!(case.key_at(*first.id.as_bytes()).release(first).await, Update::Applied);
    case.advance_by(Duration::from_secs(1)).await;
    case.key().acquire(within(quota)).await;
    assert_eq!(case.key().claim(within(quota)).await, FULL);
}

/// Expired keys make room, whether they were completed or not.
pub async fn expired_keys_make_room<S: StoreHarness>(case: Case<S>) {
    let quota = quota(3);
    let (done, kept) = (case.key(), case.key());
    let claim = done.acquire(within(quota)).await;
    assert_eq!(
        done.complete_for(claim, fixtures::unknown(UnknownReason::TimedOut), case.unit() * 3).await,
        Update::Applied
    );
    case.key().acquire(within(quota).lease(case.unit()).hold(case.unit() * 2)).await;
    let claim = kept.acquire(within(quota).lease(case.unit()).hold(case.unit())).await;
    assert_eq!(
        kept.complete_for(claim, fixtures::with_response("kept"), LONG).await,
        Update::Applied
    );
    assert_eq!(case.key().claim(within(quota)).await, FULL);
    case.advance(5).await;
    case.key().acquire(within(quota)).await;
    case.key().acquire(within(quota)).await;
    assert_eq!(case.key().claim(within(quota)).await, FULL);
}

/// Lowering the quota of a scope does not affect its existing keys.
pub async fn lowered_quota_keeps_existing_keys<S: StoreHarness>(case: Case<S>) {
    let quota = quota(3);
    let claims = fill(&case, quota).await;
    let lowered = Quota { max_keys: NonZeroU32::MIN, ..quota };
    assert_eq!(case.key().claim(within(lowered)).await, FULL);
    for claim in claims {
        let key = case.key_at(*claim.id.as_bytes());
        assert_eq!(key.complete(claim, fixtures::with_response("mine")).await, Update::Applied);
        assert_eq!(
            key.find_existing(within(lowered)).await,
            fixtures::existing(fixtures::completed("mine"))
        );
    }
}

/// The count is exact when many new keys are claimed concurrently.
pub async fn quota_is_exact_under_concurrency<S: StoreHarness>(case: Case<S>) {
    for _ in 0..S::ROUNDS {
        let quota = quota(10);
        let keys: Vec<Key<S>> = (0..64).map(|_| case.key()).collect();
        let claims = keys.into_iter().map(|key| async move { key.claim(within(quota)).await });
        let claims = concurrency::together(claims).await;
        assert_eq!(
            claims.iter().filter(|claimed| matches!(claimed, ClaimOutcome::Acquired(_))).count(),
            10
        );
        assert_eq!(claims.iter().filter(|claimed| **claimed == FULL).count(), 54);
    }
}

/// Returns a quota for an unused scope.
fn quota(max_keys: u32) -> Quota {
    let max_keys = NonZeroU32::new(max_keys).expect("a quota of at least one");
    Quota { scope: ScopeId::from_bytes(rand::random()), max_keys }
}

fn within(quota: Quota) -> ClaimRequest {
    fixtures::at_most_once().with_quota(Some(quota))
}

async fn fill<S: StoreHarness>(case: &Case<S>, quota: Quota) -> Vec<Claim> {
    let mut claims = Vec::new();
    for _ in 0..quota.max_keys.get() {
        claims.push(case.key().acquire(within(quota)).await);
    }
    claims
}
