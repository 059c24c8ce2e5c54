//! The audit log.

use idem_core::store::{
    AuditAction, AuditEntry, AuditFilter, AuditOutcome, AuditRecord, RecordId, Resolution,
    UnknownReason, Update,
};

use crate::case::Case;
use crate::fixtures::{self, LONG};
use crate::harness::StoreHarness;
use crate::rules::admin::{admin, entry};

/// Reads the audit log in pages of `limit` entries.
async fn entries<S: StoreHarness>(
    case: &Case<S>,
    filter: AuditFilter,
    limit: usize,
) -> Vec<AuditRecord> {
    let (mut entries, mut after) = (Vec::new(), None);
    loop {
        let page = admin(case).audit(filter, after, limit).await.expect("audit");
        entries.extend(page.records);
        after = page.next;
        if after.is_none() {
            return entries;
        }
    }
}

/// Every resolution is in the audit log, also a rejected one.
pub async fn resolutions_are_audited<S: StoreHarness>(case: Case<S>) {
    let key = case.key();
    let claim = key.acquire(fixtures::at_most_once()).await;
    let gave_up = fixtures::unknown(UnknownReason::TimedOut);
    assert_eq!(key.complete(claim, gave_up).await, Update::Applied);
    assert_eq!(key.resolve(claim.token, Resolution::Hold(LONG)).await, Update::Applied);
    let stale = key.resolve(claim.token, Resolution::Release).await;
    assert!(matches!(stale, Update::Stale(_)));
    let entries = entries(&case, AuditFilter::of_record(key.id), 1).await;
    let written: Vec<_> =
        entries.iter().map(|entry| (entry.entry.clone(), entry.outcome)).collect();
    let expected = [
        (entry(key.id, AuditAction::Hold, claim.token), AuditOutcome::Done),
        (entry(key.id, AuditAction::Release, claim.token), AuditOutcome::Rejected),
    ];
    assert_eq!(written, expected);
    assert!(entries[0].at <= entries[1].at);
}

/// Entries about something that changed no record are in the audit log as they were written.
pub async fn entries_are_appended<S: StoreHarness>(case: Case<S>) {
    let claim = case.key().acquire(fixtures::at_most_once()).await;
    let written: Vec<_> = [(AuditAction::View, None), (AuditAction::Late, Some([7; 32]))]
        .map(|(action, digest)| {
            let mut entry =
                AuditEntry::new(claim.id, action, "run 1", "", claim.token, "\u{fc} 201");
            entry.response_digest = digest;
            entry
        })
        .into();
    for entry in &written {
        admin(&case).append_audit(entry.clone()).await.expect("append");
    }
    let found = entries(&case, AuditFilter::of_record(claim.id), 10).await;
    assert!(found.iter().all(|record| record.outcome == AuditOutcome::Done), "{found:?}");
    assert_eq!(found.into_iter().map(|record| record.entry).collect::<Vec<_>>(), written);
}

/// If a store chains its entries, each contains the digest of the one before it, also those of concurrent changes.
pub async fn entries_are_chained<S: StoreHarness>(case: Case<S>) {
    let write = async |number: u8| {
        let id = RecordId::from_bytes([number; 32]);
        let key = case.key();
        let claim = key.acquire(fixtures::at_most_once()).await;
        assert_eq!(key.complete(claim, fixtures::with_response("done")).await, Update::Applied);
        assert_eq!(key.resolve(claim.token, Resolution::Evict).await, Update::Applied);
        let entry = entry(id, AuditAction::View, claim.token);
        admin(&case).append_audit(entry).await.expect("append");
    };
    tokio::join!(write(1), write(2), write(3), write(4));
    let all = entries(&case, AuditFilter::default(), 3).await;
    assert!(all.len() >= 8);
    for pair in all.windows(2) {
        let expected = pair[1].previous.map(|_| pair[0].digest());
        assert_eq!(pair[1].previous, expected, "{pair:?}");
    }
    let is_chained = all[0].previous.is_some();
    assert!(all.iter().all(|record| record.previous.is_some() == is_chained), "{all:?}");
}
