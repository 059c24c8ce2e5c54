//! Administrative access: finding, listing and resolving records.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use idem_core::Guarantee;
use idem_core::store::{
    AuditAction, AuditEntry, ClaimRequest, Extras, FencingToken, Filter, FoundRecord, FoundState,
    IdempotencyStore, RecordAdmin, RecordId, Resolution, State, UnknownReason, Update,
};

use crate::case::{Case, Key};
use crate::fixtures::{self, ClaimRequestExt, LONG};
use crate::harness::StoreHarness;
use crate::rules::wakeups::{listen, subscribe, woken};

pub(super) fn admin<S: StoreHarness>(case: &Case<S>) -> &dyn RecordAdmin {
    case.store().records().expect("the store has administrative access")
}

impl<S: StoreHarness> Key<S> {
    async fn found(&self) -> Option<FoundRecord> {
        admin(&self.case).find(self.id).await.expect("find")
    }

    pub(super) async fn resolve(&self, expected: FencingToken, resolution: Resolution) -> Update {
        let action = match resolution {
            Resolution::Complete { .. } => AuditAction::Complete,
            Resolution::Release => AuditAction::Release,
            Resolution::Hold(_) => AuditAction::Hold,
            Resolution::Evict => AuditAction::Evict,
        };
        let entry = entry(self.id, action, expected);
        admin(&self.case).resolve(self.id, expected, resolution, entry).await.expect("resolve")
    }
}

pub(super) fn entry(id: RecordId, action: AuditAction, token: FencingToken) -> AuditEntry {
    AuditEntry::new(id, action, "ada@host", "looked it up", token, "outcome unknown: crashed")
}

fn complete(body: &'static str) -> Resolution {
    Resolution::Complete { response: fixtures::response(body), ttl: LONG }
}

fn named() -> ClaimRequest {
    fixtures::at_most_once().with_extras(Extras::new(&["POST", "/payments"], Some("order-1")))
}

/// A found record has the claim, the names and the state. An unused key has none.
pub async fn record_is_found<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    assert_eq!(key.found().await, None);
    let claim = key.acquire(named().with_recoverable(true).lease(case.unit())).await;
    let found = key.found().await.expect("a record");
    assert_eq!((found.id, found.token, found.attempt), (key.id, claim.token, 1));
    assert_eq!((found.guarantee, found.recoverable), (Guarantee::AtMostOnce, true));
    assert_eq!((found.extras.operation(), found.extras.label()), ("POST /payments", "order-1"));
    assert_eq!(found.state, FoundState::Running);
    assert!(found.lease_until > found.now && found.expires_at > found.lease_until);
    case.advance(2).await;
    let found = key.found().await.expect("a record");
    assert_eq!(found.state, FoundState::Unknown(UnknownReason::Crashed));
    assert!(found.age() < case.unit() * 2, "the age counts from the end of the lease");
    assert_eq!(key.complete(claim, fixtures::with_response("done")).await, Update::Applied);
    let found = key.found().await.expect("a record");
    assert_eq!(found.state, FoundState::Completed { status: 201 });
    assert_eq!(found.extras.operation(), "POST /payments");
}

/// Names survive a recovery, and a dispute is reported.
pub async fn recovery_keeps_the_names<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    key.acquire(named().with_recoverable(true).lease(case.unit())).await;
    case.advance(2).await;
    let (claim, _) = key.recover(fixtures::recovering()).await;
    let found = key.found().await.expect("a record");
    assert_eq!(found.extras.operation(), "POST /payments");
    assert_eq!(found.extras.silence().map(|silence| silence.attempt), Some(1));
    let disputed = fixtures::disputed("the amount differs");
    assert_eq!(key.complete(claim, disputed).await, Update::Applied);
    let found = key.found().await.expect("a record");
    assert_eq!(found.state, FoundState::Unknown(UnknownReason::Disputed));
    assert_eq!(found.extras.dispute(), "the amount differs");
    assert_eq!(found.extras.label(), "order-1");
}

/// Fields that this version does not know survive every change of the record, because a later version wrote them.
pub async fn unknown_fields_are_kept<S: StoreHarness>(case: Case<S>) {
    let fields = Bytes::from_static(b"\x09\x00\x02hi\x01\x00\x01o");
    let extras = Extras::from_bytes(fields).expect("complete fields");
    let key = case.key();
    let request = fixtures::recovering().with_extras(extras.clone()).lease(case.unit());
    key.acquire(request).await;
    let assert_kept = async |change: &str| {
        let found = key.found().await.expect("a record");
        assert_eq!(found.extras.unnamed(), extras.unnamed(), "after {change}");
    };
    assert_kept("the claim").await;
    case.advance(2).await;
    let (claim, _) = key.recover(fixtures::recovering()).await;
    assert_kept("the recovery").await;
    assert_eq!(key.resume(claim).await, Update::Applied);
    assert_kept("the resumption").await;
    for dispute in ["the amount differs", "the currency differs"] {
        assert_eq!(key.complete(claim, fixtures::disputed(dispute)).await, Update::Applied);
        assert_kept("the dispute").await;
    }
    assert_eq!(key.resolve(claim.token, Resolution::Hold(LONG)).await, Update::Applied);
    assert_kept("the hold").await;
    let held = key.found().await.expect("a record");
    assert_eq!(held.extras.dispute(), "the currency differs");
    assert_eq!(key.resolve(held.token, complete("by hand")).await, Update::Applied);
    assert_kept("the completion").await;
}

/// A record has no silence once its outcome is known. It still shows that its handler has `recover`.
pub async fn response_ends_the_silence<S: StoreHarness>(case: Case<S>) {
    for by_hand in [false, true] {
        let key = case.key();
        key.acquire(fixtures::recovering().lease(case.unit())).await;
        case.advance(2).await;
        let (claim, _) = key.recover(fixtures::recovering()).await;
        let update = if by_hand {
            let unknown = fixtures::unknown(UnknownReason::RecoverInconclusive);
            assert_eq!(key.complete(claim, unknown).await, Update::Applied);
            key.resolve(claim.token, complete("by hand")).await
        } else {
            key.complete(claim, fixtures::with_response("found")).await
        };
        assert_eq!(update, Update::Applied);
        let found = key.found().await.expect("a record");
        assert_eq!((found.extras.silence(), found.recoverable), (None, true));
    }
}

/// An expired record and a freed one are neither found nor listed.
pub async fn absent_record_is_not_found<S: StoreHarness>(case: Case<S>) {
    let (expired, freed) = (case.key(), case.key());
    let claim = expired.acquire(named()).await;
    let done = fixtures::with_response("done");
    assert_eq!(expired.complete_for(claim, done, case.unit()).await, Update::Applied);
    let claim = freed.acquire(named()).await;
    assert_eq!(freed.release(claim).await, Update::Applied);
    case.advance(2).await;
    let listed = list(&case, Filter::all(), 10).await;
    for key in [expired, freed] {
        assert_eq!(key.found().await, None);
        assert!(!listed.contains(&key.id));
    }
}

/// A listing returns every record that the filter selects, over pages of any size.
pub async fn records_are_listed<S: StoreHarness>(case: Case<S>) {
    let operation = format!("listed {}", rand::random::<u64>());
    let request = || fixtures::at_most_once().with_extras(Extras::new(&[&operation], None));
    let (mut all, mut unknown) = (BTreeSet::new(), BTreeSet::new());
    for n in 0..9 {
        let key = case.key();
        all.insert(key.id);
        let claim = key.acquire(request()).await;
        match n % 3 {
            0 => {
                let gave_up = fixtures::unknown(UnknownReason::TimedOut);
                assert_eq!(key.complete(claim, gave_up).await, Update::Applied);
                unknown.insert(key.id);
            }
            1 => {
                let done = fixtures::with_response("done");
                assert_eq!(key.complete(claim, done).await, Update::Applied);
            }
            _ => {}
        }
    }
    case.key().acquire(named()).await;
    for limit in [1, 4, 100] {
        let named = |filter: Filter| filter.operation(operation.as_str());
        assert_eq!(list(&case, named(Filter::all()), limit).await, all);
        assert_eq!(list(&case, named(Filter::unknown()), limit).await, unknown);
        let old = named(Filter::unknown()).older_than(LONG);
        assert_eq!(list(&case, old, limit).await, BTreeSet::new());
    }
}

/// A listing returns the records whose ids begin with given digits, also at both ends of the ids.
pub async fn records_are_found_by_their_first_digits<S: StoreHarness>(case: Case<S>) {
    for first in [0x00, 0x5a, 0xff] {
        let mut id: [u8; 32] = rand::random();
        id[..4].fill(first);
        let mut sibling = id;
        sibling[31] ^= 1;
        let [id, sibling] = [id, sibling].map(|id| case.key_at(id));
        id.acquire(named()).await;
        sibling.acquire(named()).await;
        let digits: String = id.id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        for count in [8, 9, 63] {
            let prefix = digits[..count].parse().expect("a prefix");
            for limit in [1, 100] {
                let found = list(&case, Filter::all().starting_with(prefix), limit).await;
                assert!(found.contains(&id.id) && found.contains(&sibling.id), "{prefix}");
                assert!(found.iter().all(|id| prefix.matches(*id)), "{prefix}: {found:?}");
            }
        }
        let whole = Filter::all().starting_with(id.id.into());
        assert_eq!(list(&case, whole, 10).await, BTreeSet::from([id.id]));
    }
}

async fn list<S: StoreHarness>(case: &Case<S>, filter: Filter, limit: usize) -> BTreeSet<RecordId> {
    let (mut listed, mut after) = (BTreeSet::new(), None);
    loop {
        let page = admin(case).list(filter.clone(), after, limit).await.expect("list");
        assert!(page.records.len() <= limit);
        listed.extend(page.records.iter().map(|record| record.id));
        after = page.next;
        if after.is_none() {
            return listed;
        }
    }
}

/// A run whose lease has ended is resolved: its key gets a response, becomes free, or is held for longer. The run is stale
/// after that.
pub async fn unknown_outcome_is_resolved<S: StoreHarness>(case: Case<S>) {
    let crashed = async || {
        let key = case.key();
        let claim = key.acquire(fixtures::recovering().lease(case.unit())).await;
        (key, claim)
    };
    let ((completed, first), (released, second), (held, third)) =
        (crashed().await, crashed().await, crashed().await);
    case.advance(2).await;
    assert_eq!(completed.resolve(first.token, complete("by hand")).await, Update::Applied);
    let by_hand = fixtures::existing(fixtures::completed("by hand"));
    completed.assert_rejected(first, Some(by_hand.clone())).await;
    assert_eq!(completed.find_existing(fixtures::recovering()).await, by_hand);
    assert_eq!(released.resolve(second.token, Resolution::Release).await, Update::Applied);
    released.assert_rejected(second, None).await;
    assert!(released.assert_new().await.token > second.token);
    assert_eq!(held.resolve(third.token, Resolution::Hold(case.unit() * 3)).await, Update::Applied);
    held.assert_rejected(third, Some(fixtures::existing(fixtures::CRASHED))).await;
    case.advance(2).await;
    let (_, lost_run) = held.recover(fixtures::recovering().hold(Duration::ZERO)).await;
    assert_eq!((lost_run.reason(), lost_run.attempt()), (UnknownReason::Crashed, 1));
}

/// A held record expires at the new time.
pub async fn held_record_expires<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim = key.acquire(fixtures::at_most_once()).await;
    let gave_up = fixtures::unknown(UnknownReason::TimedOut);
    assert_eq!(key.complete(claim, gave_up).await, Update::Applied);
    assert_eq!(key.resolve(claim.token, Resolution::Hold(case.unit() * 2)).await, Update::Applied);
    case.advance(1).await;
    assert_eq!(key.state().await, State::Unknown(UnknownReason::TimedOut));
    case.advance(2).await;
    key.assert_new().await;
}

/// A resolution with another fencing token is rejected and changes nothing.
pub async fn resolution_requires_the_fencing_token<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim = key.acquire(fixtures::at_most_once()).await;
    let gave_up = fixtures::unknown(UnknownReason::Drained);
    assert_eq!(key.complete(claim, gave_up).await, Update::Applied);
    let unknown = State::Unknown(UnknownReason::Drained);
    for token in [FencingToken(claim.token.0 + 1), FencingToken(claim.token.0 - 1)] {
        for resolution in
            [complete("x"), Resolution::Release, Resolution::Hold(LONG), Resolution::Evict]
        {
            let existing = fixtures::existing(unknown.clone());
            let rejected = Update::Stale(Some(Box::new(existing)));
            assert_eq!(key.resolve(token, resolution).await, rejected);
        }
    }
    assert_eq!(key.state().await, unknown);
    assert_eq!(key.resolve(claim.token, Resolution::Hold(LONG)).await, Update::Applied);
    let stale = key.resolve(claim.token, Resolution::Release).await;
    assert!(matches!(stale, Update::Stale(Some(_))), "a resolution changes the token");
}

/// A run with a valid lease can be neither resolved nor evicted.
pub async fn live_run_is_not_resolved<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim = key.acquire(fixtures::at_most_once()).await;
    for resolution in
        [complete("x"), Resolution::Release, Resolution::Hold(LONG), Resolution::Evict]
    {
        let rejected = Update::Stale(Some(Box::new(fixtures::existing(State::Running))));
        assert_eq!(key.resolve(claim.token, resolution).await, rejected);
    }
    assert_eq!(key.complete(claim, fixtures::with_response("done")).await, Update::Applied);
    assert_eq!(key.state().await, fixtures::completed("done"));
}

/// A completed record can only be evicted.
pub async fn completed_record_can_only_be_evicted<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim = key.acquire(fixtures::at_most_once()).await;
    assert_eq!(key.complete(claim, fixtures::with_response("done")).await, Update::Applied);
    for resolution in [complete("x"), Resolution::Release, Resolution::Hold(LONG)] {
        let existing = fixtures::existing(fixtures::completed("done"));
        let rejected = Update::Stale(Some(Box::new(existing)));
        assert_eq!(key.resolve(claim.token, resolution).await, rejected);
    }
    assert_eq!(key.resolve(claim.token, Resolution::Evict).await, Update::Applied);
    assert_eq!(key.resolve(claim.token, Resolution::Evict).await, Update::Stale(None));
    assert!(key.assert_new().await.token > claim.token);
}

/// A resolution wakes the duplicates that wait for the key.
pub async fn resolution_wakes<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim = key.acquire(fixtures::at_most_once().lease(case.unit())).await;
    subscribe(&case).await;
    let changed = listen(&key);
    case.advance(2).await;
    assert_eq!(key.resolve(claim.token, complete("by hand")).await, Update::Applied);
    woken(&case, changed).await;
    assert_eq!(key.state().await, fixtures::completed("by hand"));
}
