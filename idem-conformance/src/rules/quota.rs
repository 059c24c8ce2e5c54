//! R41: how many live keys a scope may have.

use std::num::NonZeroU32;
use std::time::Duration;

use idem_core::store::{
    Capacity, ClaimOutcome, ClaimRequest, Completion, Quota, ScopeId, State, Update,
};

use super::race;
use crate::key::Key;
use crate::subject::{Case, Subject};
use crate::terms::{self, LONG, Terms};

const FULL: ClaimOutcome = ClaimOutcome::AtCapacity(Capacity::Scope);

/// A new key beyond the quota is refused, and nothing is left of it; another scope has its own count.
pub async fn new_key_beyond_the_quota_is_refused<S: Subject>(case: Case<S>) {
    let (mine, theirs) = (quota(3), quota(3));
    fill(&case, mine).await;
    let refused = case.key();
    assert_eq!(refused.claim(within(mine)).await, FULL);
    assert_eq!(refused.claim(within(mine)).await, FULL);
    refused.won(within(theirs)).await;
    case.key().won(terms::at_most_once()).await;
}

/// Keys that exist are served at the bound as below it.
pub async fn existing_keys_are_served_at_the_bound<S: Subject>(case: Case<S>) {
    let quota = quota(2);
    let (done, running) = (case.key(), case.key());
    let finished = done.won(within(quota)).await;
    let request = within(quota);
    let claim = running.won(request).await;
    assert_eq!(done.complete(finished, terms::answered("mine")).await, Update::Applied);
    assert_eq!(done.lost(within(quota)).await, terms::existing(terms::completed("mine")));
    assert_eq!(running.lost(within(quota)).await, terms::existing(State::Running));
    assert_eq!(running.won(request).await, claim);
}

/// A takeover is no new key.
pub async fn takeover_needs_no_room<S: Subject>(case: Case<S>) {
    let quota = quota(1);
    let key = case.key();
    key.won(terms::at_least_once().lease(S::UNIT).with_quota(Some(quota))).await;
    case.pass(2).await;
    assert_eq!(key.won(terms::at_least_once().with_quota(Some(quota))).await.attempt, 2);
    assert_eq!(case.key().claim(within(quota)).await, FULL);
}

/// Running, completed, not retained, unknown and lapsed records count alike.
pub async fn every_live_state_counts<S: Subject>(case: Case<S>) {
    let quota = quota(5);
    for (completion, _) in terms::completions() {
        let key = case.key();
        let claim = key.won(within(quota)).await;
        assert_eq!(key.complete(claim, completion).await, Update::Applied);
    }
    case.key().won(within(quota)).await;
    case.key().won(within(quota).lease(S::UNIT)).await;
    case.pass(2).await;
    assert_eq!(case.key().claim(within(quota)).await, FULL);
}

/// A freed key makes room for one.
pub async fn freed_key_makes_room<S: Subject>(case: Case<S>) {
    let quota = quota(2);
    let [released, abandoned] = fill(&case, quota).await[..] else { panic!("two keys") };
    let key = case.key_at(*released.id.as_bytes());
    assert_eq!(key.release(released).await, Update::Applied);
    case.key().won(within(quota)).await;
    assert_eq!(key.abandon(released.nonce).await, Update::Stale(None));
    let key = case.key_at(*abandoned.id.as_bytes());
    assert_eq!(key.abandon(abandoned.nonce).await, Update::Applied);
    case.key().won(within(quota)).await;
    assert_eq!(case.key().claim(within(quota)).await, FULL);
}

/// A freed key makes room also for a scope that was refused just before, within the second that a
/// refused client is told to wait.
pub async fn freed_key_makes_room_after_a_refusal<S: Subject>(case: Case<S>) {
    let quota = quota(2);
    let [first, _] = fill(&case, quota).await[..] else { panic!("two keys") };
    assert_eq!(case.key().claim(within(quota)).await, FULL);
    assert_eq!(case.key_at(*first.id.as_bytes()).release(first).await, Update::Applied);
    case.pass_time(Duration::from_secs(1)).await;
    case.key().won(within(quota)).await;
    assert_eq!(case.key().claim(within(quota)).await, FULL);
}

/// Expired keys make room, concluded or not.
pub async fn expired_keys_make_room<S: Subject>(case: Case<S>) {
    let quota = quota(3);
    let (done, kept) = (case.key(), case.key());
    let claim = done.won(within(quota)).await;
    assert_eq!(done.complete_for(claim, Completion::Unknown, S::UNIT * 3).await, Update::Applied);
    case.key().won(within(quota).lease(S::UNIT).ttl(S::UNIT * 2)).await;
    let claim = kept.won(within(quota).lease(S::UNIT).ttl(S::UNIT)).await;
    assert_eq!(kept.complete_for(claim, terms::answered("kept"), LONG).await, Update::Applied);
    assert_eq!(case.key().claim(within(quota)).await, FULL);
    case.pass(5).await;
    case.key().won(within(quota)).await;
    case.key().won(within(quota)).await;
    assert_eq!(case.key().claim(within(quota)).await, FULL);
}

/// A scope that is throttled down keeps what it has.
pub async fn lowered_quota_takes_nothing_away<S: Subject>(case: Case<S>) {
    let quota = quota(3);
    let claims = fill(&case, quota).await;
    let lowered = Quota { max_keys: NonZeroU32::MIN, ..quota };
    assert_eq!(case.key().claim(within(lowered)).await, FULL);
    for claim in claims {
        let key = case.key_at(*claim.id.as_bytes());
        assert_eq!(key.complete(claim, terms::answered("mine")).await, Update::Applied);
        assert_eq!(key.lost(within(lowered)).await, terms::existing(terms::completed("mine")));
    }
}

/// The count is exact also when many new keys come at once.
pub async fn quota_is_exact_in_a_race<S: Subject>(case: Case<S>) {
    for _ in 0..S::ROUNDS {
        let quota = quota(10);
        let keys: Vec<Key<S>> = (0..64).map(|_| case.key()).collect();
        let claims = keys.into_iter().map(|key| async move { key.claim(within(quota)).await });
        let claims = race::together(claims).await;
        assert_eq!(
            claims.iter().filter(|claimed| matches!(claimed, ClaimOutcome::Acquired(_))).count(),
            10
        );
        assert_eq!(claims.iter().filter(|claimed| **claimed == FULL).count(), 54);
    }
}

/// The quota of a scope that nobody used before.
fn quota(max_keys: u32) -> Quota {
    let max_keys = NonZeroU32::new(max_keys).expect("a quota of at least one");
    Quota { scope: ScopeId::from_bytes(rand::random()), max_keys }
}

fn within(quota: Quota) -> ClaimRequest {
    terms::at_most_once().with_quota(Some(quota))
}

async fn fill<S: Subject>(case: &Case<S>, quota: Quota) -> Vec<idem_core::store::Claim> {
    let mut claims = Vec::new();
    for _ in 0..quota.max_keys.get() {
        claims.push(case.key().won(within(quota)).await);
    }
    claims
}
