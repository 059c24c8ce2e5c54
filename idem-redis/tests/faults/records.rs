//! Administrative access to records that other programs share the server with.

use idem_core::store::{
    AuditFilter, AuditOutcome, Completion, Cursor, Filter, IdempotencyStore, RecordAdmin, RecordId,
    Resolution, StoreErrorKind, UnknownReason, Update,
};
use idem_testkit::servers::RedisServer;

use crate::support::{HOUR, audit_entry, builder, error_kind, key, key_name, store, won};

async fn all(admin: &dyn RecordAdmin, limit: usize) -> Vec<RecordId> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = admin.list(Filter::all(), after, limit).await.unwrap();
        ids.extend(page.records.iter().map(|record| record.id));
        after = page.next;
        if after.is_none() {
            ids.sort_unstable();
            ids.dedup();
            return ids;
        }
    }
}

/// Only the records of the namespace are listed, although its name is a pattern that matches the other one.
#[tokio::test]
async fn namespace_with_pattern_characters_lists_its_own_records() {
    let server = RedisServer::start(&[]);
    let connect = async |namespace: &str| {
        builder().namespace(namespace).connect(&server.url()).await.unwrap()
    };
    for (pattern, other) in [("a*", "ab"), ("[ab]", "a"), ("a?", "ab"), ("a\\b", "ab")] {
        let pattern = &connect(pattern).await;
        let other = connect(other).await;
        let mine = won(pattern).await;
        won(&other).await;
        assert_eq!(all(pattern.records().unwrap(), 10).await, [mine.id]);
    }
}

/// A listing skips values that are not records. Pages of every size together contain each record.
#[tokio::test]
async fn listing_skips_values_of_other_programs() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let admin = store.records().unwrap();
    server.cli(&["set", &key_name(key()), "short"]);
    server.cli(&["set", &key_name(key()), &"x".repeat(200)]);
    server.cli(&["rpush", &key_name(key()), "an element"]);
    let mut ids = Vec::new();
    for _ in 0..250 {
        ids.push(won(&store).await.id);
    }
    ids.sort_unstable();
    for limit in [1, 7, 1000] {
        assert_eq!(all(admin, limit).await, ids, "pages of {limit}");
    }
}

/// A cursor of `SCAN` is valid only on the process that returned it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listing_starts_again_after_a_restart() {
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = store(&server).await;
    let admin = store.records().unwrap();
    let mut ids = Vec::new();
    for _ in 0..250 {
        ids.push(won(&store).await.id);
    }
    ids.sort_unstable();
    let (mut seen, mut after, mut restarted) = (Vec::new(), None::<Cursor>, false);
    loop {
        match admin.list(Filter::all(), after.clone(), 150).await {
            Ok(page) => {
                seen.extend(page.records.iter().map(|record| record.id));
                after = page.next;
            }
            Err(error) => assert_ne!(error.kind(), StoreErrorKind::Corrupt),
        }
        if !restarted {
            // Only records of the pages after the restart count.
            seen.clear();
            server.restart();
            restarted = true;
        } else if after.is_none() {
            break;
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn value_of_another_program_is_neither_found_nor_resolved() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let admin = store.records().unwrap();
    for value in ["short", &"x".repeat(200)] {
        let id = key();
        server.cli(&["set", &key_name(id), value]);
        assert_eq!(error_kind(admin.find(id).await), StoreErrorKind::Corrupt);
        let token = won(&store).await.token;
        let evicted = admin.resolve(id, token, Resolution::Evict, audit_entry(id, token)).await;
        assert_eq!(error_kind(evicted), StoreErrorKind::Corrupt);
        assert_eq!(server.cli(&["get", &key_name(id)]), value);
    }
}

/// The intent is written before the change, so a change that fails in between leaves an entry without an end.
#[tokio::test]
async fn change_without_reply_is_unfinished_in_the_audit_log() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let admin = store.records().unwrap();
    let claim = won(&store).await;
    let unknown = Completion::unknown(UnknownReason::TimedOut);
    assert_eq!(store.complete(claim, unknown, HOUR).await.unwrap(), Update::Applied);
    let entry = || audit_entry(claim.id, claim.token);
    server.cli(&["acl", "setuser", "default", "-evalsha"]);
    let refused = admin.resolve(claim.id, claim.token, Resolution::Release, entry()).await;
    assert_eq!(error_kind(refused), StoreErrorKind::NotDone);
    server.cli(&["acl", "setuser", "default", "+evalsha"]);
    let released = admin.resolve(claim.id, claim.token, Resolution::Release, entry()).await;
    assert_eq!(released.unwrap(), Update::Applied);
    server.cli(&["xadd", "idem:default:audit", "*", "note", "of another program"]);
    let page = admin.audit(AuditFilter::default(), None, 10).await.unwrap();
    let outcomes: Vec<_> = page.records.iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, [AuditOutcome::Unfinished, AuditOutcome::Done]);
    assert!(page.next.is_none());
}

/// Without the entry there is no change.
#[tokio::test]
async fn record_is_not_changed_if_the_audit_log_cannot_be_written() {
    let server = RedisServer::start(&[]);
    let store = store(&server).await;
    let admin = store.records().unwrap();
    let claim = won(&store).await;
    let unknown = Completion::unknown(UnknownReason::TimedOut);
    assert_eq!(store.complete(claim, unknown, HOUR).await.unwrap(), Update::Applied);
    server.cli(&["set", "idem:default:audit", "a value of another type"]);
    let entry = audit_entry(claim.id, claim.token);
    let refused = admin.resolve(claim.id, claim.token, Resolution::Release, entry).await;
    assert_eq!(error_kind(refused), StoreErrorKind::NotDone);
    let found = admin.find(claim.id).await.unwrap().unwrap();
    assert_eq!(found.token, claim.token);
}
