//! T1, T2, T10: who gets the key.

use std::time::Duration;

use idem_core::store::{ClaimOutcome, ExistingRecord, Fingerprint, State, Update};

use crate::key::Key;
use crate::subject::{Case, Subject};
use crate::terms::{self, LONG, Terms};

/// T1: the first claim owns the key, as attempt 1, under its own nonce.
pub async fn absent_key_is_acquired<S: Subject>(case: Case<S>) {
    for request in terms::each_guarantee() {
        let key = case.key();
        let claim = key.won(request).await;
        assert_eq!((claim.id, claim.nonce, claim.attempt), (key.id, request.nonce, 1));
        assert!(claim.token.0 > 0);
        assert_eq!(key.state().await, State::Running);
    }
}

/// T1: what the first request was is recorded, and told to every duplicate; none is none.
pub async fn fingerprint_of_the_first_claim_stands<S: Subject>(case: Case<S>) {
    for (first, second) in
        [(terms::print(1), terms::print(2)), (terms::print(1), None), (None, terms::print(2))]
    {
        let key = case.key();
        let claim = key.won(terms::at_most_once().with_fingerprint(first)).await;
        let duplicate = terms::at_most_once().with_fingerprint(second);
        let seen = key.lost(duplicate).await;
        assert_eq!(seen, ExistingRecord { fingerprint: first, state: State::Running });
        assert_eq!(key.complete(claim, terms::answered("done")).await, Update::Applied);
        let seen = key.lost(duplicate).await;
        assert_eq!(seen, ExistingRecord { fingerprint: first, state: terms::completed("done") });
    }
}

/// T16: a fingerprint of any version comes back as it was given, side by side with others.
pub async fn fingerprint_versions_are_kept<S: Subject>(case: Case<S>) {
    let digest = std::array::from_fn(|n| n as u8 * 8);
    for version in [1, 2, 127, 128, 255] {
        let key = case.key();
        let fingerprint = Some(Fingerprint::from_parts(version, digest));
        key.won(terms::at_most_once().with_fingerprint(fingerprint)).await;
        assert_eq!(key.lost(terms::at_most_once()).await.fingerprint, fingerprint);
    }
}

/// T2: a claim whose answer was lost is sent again, and is the same claim.
pub async fn same_owner_gets_its_claim_again<S: Subject>(case: Case<S>) {
    for request in terms::each_guarantee() {
        let key = case.key();
        let claim = key.won(request).await;
        assert_eq!(key.won(request).await, claim);
        assert_eq!(key.won(request).await, claim);
    }
}

/// T2: also when the lease is over by then, and it gains no time by it.
pub async fn same_owner_gets_its_claim_again_after_the_lease<S: Subject>(case: Case<S>) {
    for request in terms::each_guarantee() {
        let key = case.key();
        let request = request.lease(S::UNIT);
        let claim = key.won(request).await;
        case.pass(2).await;
        assert_eq!(key.won(request).await, claim);
        assert_eq!(key.state().await, State::Unknown);
    }
}

/// T2: sending a claim again does not extend its lease.
pub async fn claiming_again_does_not_extend_the_lease<S: Subject>(case: Case<S>) {
    let key = case.key();
    let request = terms::at_most_once().lease(S::UNIT * 3);
    let claim = key.won(request).await;
    case.pass(2).await;
    assert_eq!(key.won(request).await, claim);
    case.pass(2).await;
    assert_eq!(key.state().await, State::Unknown);
}

/// T2 ends with the run: the nonce of a finished one gets the answer, not the key.
pub async fn same_owner_is_a_duplicate_once_it_concluded<S: Subject>(case: Case<S>) {
    for (completion, state) in terms::completions() {
        let key = case.key();
        let request = terms::at_least_once();
        let claim = key.won(request).await;
        assert_eq!(key.complete(claim, completion).await, Update::Applied);
        assert_eq!(key.lost(request).await, terms::existing(state));
    }
}

/// T10: a lapsed record under at most once reads as unknown and is never taken over.
pub async fn lapsed_at_most_once_reads_as_unknown<S: Subject>(case: Case<S>) {
    let key = case.key();
    let request = terms::at_most_once().lease(S::UNIT * 2).with_fingerprint(terms::print(1));
    let claim = key.won(request).await;
    assert_eq!(key.state().await, State::Running);
    case.pass(3).await;
    let unknown = ExistingRecord { fingerprint: terms::print(1), state: State::Unknown };
    for duplicate in terms::each_guarantee() {
        let seen = key.lost(duplicate.with_fingerprint(terms::print(1))).await;
        assert_eq!(seen, unknown);
    }
    assert_eq!(key.won(request).await, claim, "looking changed nothing");
}

/// Records do not touch: an id that differs in any one bit is another key.
pub async fn ids_that_differ_in_one_bit_are_independent<S: Subject>(case: Case<S>) {
    let id: [u8; 32] = rand::random();
    let first = case.key_at(id);
    let claim = first.won(terms::at_most_once()).await;
    for bit in 0..256 {
        let mut near = id;
        near[bit / 8] ^= 1 << (bit % 8);
        let near = case.key_at(near);
        let own = near.absent().await;
        assert_eq!(near.release(own).await, Update::Applied);
    }
    assert_eq!(first.complete(claim, terms::answered("mine")).await, Update::Applied);
}

/// One nonce on two keys is two claims: neither frees or ends the other.
pub async fn one_owner_of_two_keys_holds_two_claims<S: Subject>(case: Case<S>) {
    let request = terms::at_most_once();
    let (one, two): (Key<S>, Key<S>) = (case.key(), case.key());
    let first = one.won(request).await;
    let second = two.won(request).await;
    assert_eq!((first.id, second.id), (one.id, two.id));
    assert_eq!(two.release(second).await, Update::Applied);
    assert_eq!(one.claim(request).await, ClaimOutcome::Acquired(first));
}

/// Durations of less than a millisecond are over soon, and are no error.
pub async fn tiny_durations_end<S: Subject>(case: Case<S>) {
    const TINY: Duration = Duration::from_micros(1);
    let (claimed, lapsed) = (case.key(), case.key());
    claimed.won(terms::at_most_once().lease(TINY).ttl(TINY)).await;
    let late = lapsed.won(terms::at_most_once().lease(TINY)).await;
    case.pass(1).await;
    claimed.absent().await;
    assert_eq!(lapsed.state().await, State::Unknown);
    assert_eq!(lapsed.complete_for(late, terms::answered("brief"), TINY).await, Update::Applied);
    case.pass(1).await;
    let claim = lapsed.absent().await;
    assert_eq!(lapsed.renew(claim, TINY, TINY).await, Update::Applied);
    case.pass(1).await;
    lapsed.absent().await;
}

/// Ten years are ten years, and what 31 or 32 bits of milliseconds cannot hold is not cut short.
pub async fn huge_durations_hold<S: Subject>(case: Case<S>) {
    const HUGE: [Duration; 3] =
        [LONG.saturating_mul(3653), Duration::from_millis(1 << 31), Duration::from_millis(1 << 32)];
    for huge in HUGE {
        let (leased, kept, done) = (case.key(), case.key(), case.key());
        leased.won(terms::at_most_once().lease(huge).ttl(huge)).await;
        let late = kept.won(terms::at_most_once().lease(S::UNIT / 2).ttl(huge)).await;
        let claim = done.won(terms::at_most_once()).await;
        assert_eq!(done.complete_for(claim, terms::answered("kept"), huge).await, Update::Applied);
        case.pass(1).await;
        assert_eq!(leased.state().await, State::Running);
        assert_eq!(kept.state().await, State::Unknown);
        assert_eq!(done.state().await, terms::completed("kept"));
        assert_eq!(kept.renew(late, huge, huge).await, Update::Applied);
        case.pass(1).await;
        assert_eq!(kept.state().await, State::Running);
    }
}
