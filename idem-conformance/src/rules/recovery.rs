//! Recovery of unknown outcomes by handlers with `recover`.

use std::time::Duration;

use idem_core::store::{
    Claim, ClaimRequest, Completion, LostRun, State, UnknownOutcome, UnknownReason, Update,
};

use crate::case::{Case, Key};
use crate::fixtures::{self, ClaimRequestExt, LONG};
use crate::harness::StoreHarness;

/// Returns a claim with `recover` and a lease of one unit.
fn short<S: StoreHarness>(case: &Case<S>) -> ClaimRequest {
    fixtures::recovering().lease(case.unit()).with_fingerprint(fixtures::fingerprint(1))
}

/// Returns a claim with `recover` for the same request and with a long lease.
fn long() -> ClaimRequest {
    fixtures::recovering().with_fingerprint(fixtures::fingerprint(1))
}

/// Returns a key whose run crashed: its lease ended about one unit ago.
async fn crashed<S: StoreHarness>(case: &Case<S>) -> (Key<S>, Claim) {
    let key = case.key();
    let lost = key.acquire(short(case)).await;
    case.advance(2).await;
    (key, lost)
}

fn quiet(reason: UnknownReason, quiet: Duration) -> Completion {
    Completion::Unknown(UnknownOutcome::new(reason).quiet_for(quiet))
}

/// Asserts what a recovery learns of the lost run. `units` is the time of its silence, which passes in real time too.
fn assert_lost(lost: LostRun, reason: UnknownReason, attempt: u32, units: Duration) {
    assert_eq!((lost.reason(), lost.attempt()), (reason, attempt));
    assert!(lost.silent_for() >= units, "{lost:?} is shorter than {units:?}");
}

/// The next claim with `recover` gets a lapsed record to determine its outcome: with the next attempt number, a higher
/// fencing token and its own lease.
pub async fn lapsed_record_is_recovered<S: StoreHarness>(case: Case<S>) {
    let (key, lost) = crashed(&case).await;
    let request = long();
    let (claim, lost_run) = key.recover(&request).await;
    assert_lost(lost_run, UnknownReason::Crashed, 1, case.unit() / 2);
    assert!(lost_run.silent_for() < case.unit() * 2, "{lost_run:?} begins before the lease ended");
    assert_eq!((claim.nonce, claim.attempt), (request.nonce, 2));
    assert!(claim.token > lost.token);
    assert_eq!(key.find_existing(long()).await.state, State::Running);
    let running = fixtures::existing_of(fixtures::fingerprint(1), State::Running);
    key.assert_rejected(lost, Some(running)).await;
}

/// The claim of a recovery is a recovery again when it is sent again, because its reply may have been lost. Otherwise the
/// handler would run before the outcome is known.
pub async fn a_resent_recovery_claim_is_a_recovery<S: StoreHarness>(case: Case<S>) {
    let (key, _) = crashed(&case).await;
    let request = long();
    let (first, _) = key.recover(&request).await;
    let (again, lost_run) = key.recover(&request).await;
    assert_eq!(again, first);
    assert_lost(lost_run, UnknownReason::Crashed, 1, case.unit() / 2);
    assert_eq!(key.renew(first, LONG, LONG).await, Update::Applied);
    assert_eq!(key.recover(&request).await.0, first, "a renewal does not end the recovery");
}

/// A recovery needs `recover` in the record and in the claim, and the same request.
pub async fn recovery_requires_both_sides_and_the_same_request<S: StoreHarness>(case: Case<S>) {
    let plain = || fixtures::at_most_once().with_fingerprint(fixtures::fingerprint(1));
    let other = || fixtures::recovering().with_fingerprint(fixtures::fingerprint(2));
    let pairs = [
        (plain(), long()),
        (long(), plain()),
        (long(), other()),
        (long(), fixtures::recovering()),
        (fixtures::at_least_once().with_fingerprint(fixtures::fingerprint(1)), long()),
    ];
    for (first, second) in pairs {
        let recoverable = first.recoverable;
        let key = case.key();
        key.acquire(first.lease(case.unit())).await;
        case.advance(2).await;
        let seen = key.find_existing(&second).await;
        assert_eq!(seen.state, fixtures::CRASHED);
        assert_eq!(seen.recoverable_in, recoverable.then_some(Duration::ZERO));
    }
}

/// An unknown outcome is recovered after its quiet time, and immediately if that is zero.
pub async fn quiet_time_delays_the_recovery<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim = key.acquire(long()).await;
    let unknown = quiet(UnknownReason::RecoverInconclusive, case.unit() * 3);
    assert_eq!(key.complete(claim, unknown).await, Update::Applied);
    case.advance(1).await;
    let seen = key.find_existing(long()).await;
    assert_eq!(seen.state, State::Unknown(UnknownReason::RecoverInconclusive));
    let rest = seen.recoverable_in.expect("the record is recoverable");
    assert!(rest > Duration::ZERO && rest <= case.unit() * 2, "{rest:?}");
    case.advance(3).await;
    let (claim, lost_run) = key.recover(long()).await;
    assert_lost(lost_run, UnknownReason::RecoverInconclusive, 1, case.unit() * 3);
    let unknown = quiet(UnknownReason::RecoverInconclusive, Duration::ZERO);
    assert_eq!(key.complete(claim, unknown).await, Update::Applied);
    assert_eq!(key.recover(long()).await.0.attempt, 3);
}

/// The silence of a lost run, its reason and its attempt are kept over several recoveries.
pub async fn silence_is_kept_over_recoveries<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim = key.acquire(long()).await;
    let ambiguous = quiet(UnknownReason::Ambiguous, Duration::ZERO);
    assert_eq!(key.complete(claim, ambiguous).await, Update::Applied);
    case.advance(1).await;
    let (inconclusive, _) = key.recover(long()).await;
    let unknown = quiet(UnknownReason::RecoverInconclusive, Duration::ZERO);
    assert_eq!(key.complete(inconclusive, unknown).await, Update::Applied);
    case.advance(1).await;
    key.recover(short(&case)).await;
    case.advance(2).await;
    let (claim, lost_run) = key.recover(long()).await;
    assert_lost(lost_run, UnknownReason::Ambiguous, 1, case.unit() * 4);
    assert_eq!(claim.attempt, 4);
}

/// A disputed outcome is never recovered.
pub async fn disputed_record_is_not_recovered<S: StoreHarness>(case: Case<S>) {
    let (key, _) = crashed(&case).await;
    let (claim, _) = key.recover(long()).await;
    let disputed = fixtures::disputed("the amount differs");
    assert_eq!(key.complete(claim, disputed).await, Update::Applied);
    let seen = key.find_existing(long()).await;
    let state = State::Unknown(UnknownReason::Disputed);
    assert_eq!(seen, fixtures::existing_of(fixtures::fingerprint(1), state));
}

/// The result that a recovery found is replayed.
pub async fn recovered_result_is_replayed<S: StoreHarness>(case: Case<S>) {
    let (key, lost) = crashed(&case).await;
    let (claim, _) = key.recover(long()).await;
    assert_eq!(key.complete(claim, fixtures::with_response("found")).await, Update::Applied);
    let found = fixtures::existing_of(fixtures::fingerprint(1), fixtures::completed("found"));
    assert_eq!(key.find_existing(long()).await, found);
    key.assert_rejected(lost, Some(found)).await;
}

/// After `resume_run`, the claim is that of a run. A repeated call is applied too. If the run crashes, its own silence
/// counts.
pub async fn resumed_run_is_a_run<S: StoreHarness>(case: Case<S>) {
    let (key, _) = crashed(&case).await;
    let request = long();
    let (claim, _) = key.recover(&request).await;
    assert_eq!(key.resume(claim).await, Update::Applied);
    assert_eq!(key.acquire(&request).await, claim, "the reply may have been lost");
    assert_eq!(key.resume(claim).await, Update::Applied);
    assert_eq!(key.renew(claim, case.unit(), LONG).await, Update::Applied);
    case.advance(2).await;
    let (_, lost_run) = key.recover(long()).await;
    assert_lost(lost_run, UnknownReason::Crashed, 2, case.unit() / 2);
    assert!(lost_run.silent_for() < case.unit() * 2, "{lost_run:?} is that of the first run");
}

/// `resume_run` of a stale claim or of an ended run changes nothing.
pub async fn stale_resumption_is_rejected<S: StoreHarness>(case: Case<S>) {
    let (key, lost) = crashed(&case).await;
    let request = long();
    let (claim, _) = key.recover(&request).await;
    for forged in fixtures::forged(claim).into_iter().chain([lost]) {
        assert!(matches!(key.resume(forged).await, Update::Stale(_)));
    }
    assert_eq!(key.recover(&request).await.0, claim, "the record is still in recovery");
    assert_eq!(key.complete(claim, fixtures::with_response("found")).await, Update::Applied);
    assert!(matches!(key.resume(claim).await, Update::Stale(_)));
    assert_eq!(key.find_existing(long()).await.state, fixtures::completed("found"));
}

/// An abandoned recovery is begun again by the next claim.
pub async fn abandoned_recovery_is_begun_again<S: StoreHarness>(case: Case<S>) {
    let (key, _) = crashed(&case).await;
    let request = long();
    let (abandoned, _) = key.recover(&request).await;
    assert_eq!(key.abandon(request.nonce).await, Update::Applied);
    let (claim, lost_run) = key.recover(long()).await;
    assert_lost(lost_run, UnknownReason::Crashed, 1, case.unit() / 2);
    assert_eq!((abandoned.attempt, claim.attempt), (2, 3));
    assert!(claim.token > abandoned.token);
}

/// A recovery extends the record: it expires one hold after its own lease.
pub async fn recovery_sets_the_hold<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    key.acquire(short(&case).hold(case.unit() * 2)).await;
    case.advance(2).await;
    key.recover(short(&case).hold(case.unit() * 4)).await;
    case.advance(3).await;
    assert_eq!(key.state().await, fixtures::CRASHED);
    case.advance(3).await;
    key.assert_new().await;
}

/// An unknown outcome is kept for its retention, counted from the end of its quiet time.
pub async fn unknown_outcome_is_kept_for_its_retention<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim = key.acquire(fixtures::at_most_once()).await;
    let unknown = quiet(UnknownReason::TimedOut, case.unit() * 2);
    assert_eq!(key.complete_for(claim, unknown, case.unit() * 3).await, Update::Applied);
    case.advance(4).await;
    assert_eq!(key.state().await, State::Unknown(UnknownReason::TimedOut));
    case.advance(2).await;
    key.assert_new().await;
}
